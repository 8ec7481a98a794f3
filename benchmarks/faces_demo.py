"""Which of the demo's drawn faces are found to speak, against what was drawn: a Markdown table.

    python benchmarks/faces_demo.py PROJECT --work FOLDER [--films 26] [--out FILE]

PROJECT holds the demo and its tables of ingest and segment, as `dvc repro` leaves them.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections import Counter
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import pandas as pd
import yaml

from msc_kedro.corpora.folder import Corpus
from msc_kedro.models import ensure, read_specs
from msc_kedro.models.opener import Opener
from msc_kedro.pipelines.parameters import EngineParameters
from msc_kedro.pipelines.speaker_assign.faces import find_faces
from msc_kedro.pipelines.speaker_assign.parameters import FacesParameters

_TALKS = 0.3  # of an utterance that one must speak for being the right one


def on_screen(film: dict[str, Any], start_s: float, end_s: float) -> dict[str, tuple[list, float]]:
    """Box and seconds of speech of each person who is on screen in a span."""
    seen: dict[str, tuple[list, float]] = {}
    for shot in film["shots"]:
        low, high = max(shot["start_s"], start_s), min(shot["end_s"], end_s)
        if high <= low:
            continue
        for one in shot["on_screen"]:
            spoken = sum(max(0.0, min(b, high) - max(a, low)) for a, b in one["speaking"])
            seen[one["person"]] = (one["box"], seen.get(one["person"], ([], 0.0))[1] + spoken)
    return seen


def verdict(row: Any, tracks: pd.DataFrame, seen: dict[str, tuple[list, float]]) -> str:
    if not isinstance(row.track, str):
        return str(row.reason)
    long_s = row.end_s - row.start_s
    own = tracks[(tracks["track"] == row.track) & tracks["time_s"].between(row.start_s, row.end_s)]
    across, down = (own["x"] + own["w"] / 2).mean(), (own["y"] + own["h"] / 2).mean()

    def away(person: str) -> float:
        left, top, right, bottom = seen[person][0]
        return abs((left + right) / 2 - across) + abs((top + bottom) / 2 - down)

    return "right" if seen[min(seen, key=away)][1] > _TALKS * long_s else "wrong"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])  # type: ignore[union-attr]
    parser.add_argument("project", type=Path)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--version", default="0-dvc")
    parser.add_argument("--films", type=int, default=1000)
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    data, demo = asked.project / "data", asked.project / "data" / "01_raw" / "demo"

    def table(layer: str, name: str) -> pd.DataFrame:
        file = f"{name}.parquet"
        return pd.read_parquet(data / layer / "demo" / file / asked.version / file)

    sources = table("02_intermediate", "sources").sort_values("path").head(asked.films)
    utterances = table("03_primary", "utterances")
    utterances = utterances[utterances["source_id"].isin(sources["source_id"])]
    sounds = data / "02_intermediate" / "demo" / "sound" / asked.version
    models = Path(__file__).parents[1] / "conf" / "base" / "models.yml"
    spec = read_specs(yaml.safe_load(models.read_text(encoding="utf-8")))["face_detector"]
    begun = time.process_time()
    tracks, speaking = find_faces(
        utterances,
        table("03_primary", "dialogues"),
        sources,
        table("02_intermediate", "scenes"),
        Corpus(demo),
        {file.stem: file for file in sounds.rglob("*.flac")},
        Opener.of(
            "msc_kedro.seeing.faces.FaceDetector",
            {"folder": str(ensure(spec))},
            {},
            fingerprint=spec.fingerprint,
        ),
        Opener.of("none", {}, {}, fingerprint=""),
        asked.work,
        FacesParameters(
            method="mouth_motion", frames_per_s=5, min_face_px=32, max_gap_s=0.6, min_score=None
        ),
        EngineParameters(threads=1, shard_utterances=256),
    )
    cpu_s, video_s = time.process_time() - begun, sources["duration_s"].sum()
    films = {
        film["name"]: film for film in json.loads((demo / "truth.json").read_text())["dialogues"]
    }
    paths = sources.set_index("source_id")["path"]
    counts: Counter[tuple[int, str]] = Counter()
    for row in speaking.itertuples():
        seen = on_screen(films[Path(paths[row.source_id]).stem], row.start_s, row.end_s)
        counts[len(seen), verdict(row, tracks, seen)] += 1
    verdicts = sorted({told for _, told in counts})
    lines = [
        "| faces on screen | " + " | ".join(verdicts) + " |",
        "|---" * (len(verdicts) + 1) + "|",
    ]
    for faces in sorted({faces for faces, _ in counts}):
        lines.append(f"| {faces} | " + " | ".join(str(counts[faces, v]) for v in verdicts) + " |")
    lines += ["", f"{len(sources)} films, {video_s:.0f} s; {60 * cpu_s / video_s:.0f} s of CPU per "
              "minute of video, less what was kept from an earlier run."]  # fmt: skip
    print("\n".join(lines))
    if asked.out:
        asked.out.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
