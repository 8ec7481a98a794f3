"""The distance from which the diarizer holds two clusters to be two speakers, fitted on truth.

    python benchmarks/diarization_threshold.py --real <recordings> --demo data/01_raw/demo

Segmentation and embeddings do not depend on the distance, so a recording is heard once and
clustered at every distance. What does depend on it is speech given to the wrong speaker:
confusion, as pyannote.metrics has it, of all true speech. The distance chosen is the middle of
those with the least; held out is a company (an AMI series, a call, the demo), which the choice has
not heard.
`--kinds ami,sample` hears those alone, `--step` is the hop of the windows, `--out` a page with the
marks of a section named diarization.
"""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml
from pyannote.core import Annotation, Segment, Timeline
from pyannote.metrics.diarization import DiarizationErrorRate
from speakers_pieces import Recording, recordings

from msc_kedro.listening.diarization import SAME_SPEAKER_DISTANCE, STEP, Diarizer
from msc_kedro.listening.sound import SAMPLE_RATE
from msc_kedro.media.sound import read_mono
from msc_kedro.models import ensure, read_specs

PROJECT = Path(__file__).parents[1]
DISTANCES = np.round(np.arange(0.35, 0.86, 0.05), 2)
PARTS = ("confusion", "missed detection", "false alarm")


def opened(step: float) -> Diarizer:
    """The diarizer of conf/base, told to keep what it hears."""
    text = (PROJECT / "conf" / "base" / "models.yml").read_text(encoding="utf-8")
    specs = read_specs(yaml.safe_load(text))
    diarizer = Diarizer(
        ensure(specs["segmentation"]), ensure(specs["speaker_embedding"]), step=step
    )
    diarizer.pipeline.training = True  # pyannote's word for: reuse what is kept with the file
    return diarizer


def seconds(recording: Recording, diarizer: Diarizer) -> np.ndarray:
    """[distances, 4]: seconds of confusion, missed, false alarm, and of true speech."""
    sound = read_mono(recording.path)
    length_s = sound.size / SAMPLE_RATE
    true = Annotation()
    for place, (start, end, who) in enumerate(recording.turns):
        true[Segment(start, min(end, length_s)), place] = who
    file: dict[str, Any] = {
        "waveform": torch.from_numpy(sound)[None],
        "sample_rate": SAMPLE_RATE,
        "uri": recording.name,
    }
    rows = []
    for distance in DISTANCES.tolist():
        figures = diarizer.pipeline.parameters(instantiated=True)
        figures["clustering"]["threshold"] = distance
        diarizer.pipeline.instantiate(figures)
        found = diarizer.pipeline(file).speaker_diarization
        rate = DiarizationErrorRate()
        parts = rate(true, found, uem=Timeline([Segment(0, length_s)]), detailed=True)
        rows.append([*(parts[name] for name in PARTS), parts["total"]])
    return np.array(rows)


def confusion(heard: Sequence[np.ndarray]) -> np.ndarray:
    """Share of true speech that is given to the wrong speaker, [distances]."""
    total = np.sum(heard, axis=0)
    return np.asarray(total[:, 0] / total[:, 3])


def chosen(heard: Sequence[np.ndarray]) -> int:
    """The middle of the distances with the least confusion."""
    rates = confusion(heard)
    return int(np.median(np.flatnonzero(rates <= rates.min() + 1e-9)))


def table(found: list[tuple[Recording, np.ndarray]]) -> str:
    """What the page shows."""
    kinds = {one.company.partition("-")[0] for one, _ in found}
    columns = {
        kind: [heard for one, heard in found if one.company.partition("-")[0] == kind]
        for kind in sorted(kinds)
    }
    lines = [
        f"| distance | {' | '.join(f'{k} ({len(v)})' for k, v in columns.items())} | all |",
        "|---" * (len(columns) + 2) + "|",
    ]
    everything = [heard for _, heard in found]
    for place, distance in enumerate(DISTANCES):
        cells = [f"{confusion(heard)[place]:.3f}" for heard in (*columns.values(), everything)]
        lines.append(f"| {distance:.2f} | {' | '.join(cells)} |")
    companies = sorted({one.company for one, _ in found})
    held_out = []
    for company in companies:
        fitted = [heard for one, heard in found if one.company != company]
        tested = [heard for one, heard in found if one.company == company]
        if fitted:
            at = chosen(fitted)
            held_out.append(
                (company, DISTANCES[at], confusion(tested)[at], confusion(tested).min())
            )
    lines += [
        "",
        "| held out | chosen on the others | confusion there | least possible |",
        "|---|---|---|---|",
        *(f"| {name} | {at:.2f} | {rate:.3f} | {best:.3f} |" for name, at, rate, best in held_out),
        f"| **nobody: all recordings** | **{DISTANCES[chosen(everything)]:.2f}** | "
        f"{confusion(everything)[chosen(everything)]:.3f} | {confusion(everything).min():.3f} |",
        "",
        f"The program has {SAME_SPEAKER_DISTANCE}.",
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Hear, cluster, print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--real", type=Path, default=os.environ.get("MSC_REAL_DATA"))
    parser.add_argument("--demo", type=Path, default=PROJECT / "data" / "01_raw" / "demo")
    parser.add_argument("--kinds", help="only companies that begin so, parted by commas")
    parser.add_argument("--step", type=float, default=STEP)
    parser.add_argument("--out", type=Path, help="a page with the marks of the section")
    told = parser.parse_args()
    if told.real is None or not (told.demo / "truth.json").is_file():
        parser.error("needs the recordings (--real or MSC_REAL_DATA) and the demo (--demo)")
    wanted = tuple(told.kinds.split(",")) if told.kinds else ("",)
    diarizer = opened(told.step)
    found = []
    for one in recordings(told.real, told.demo):
        if one.company.startswith(wanted) and np.isfinite([t[1] for t in one.turns]).all():
            found.append((one, seconds(one, diarizer)))
            print(one.name, flush=True)
    made = table(found)
    print(made)
    if told.out:
        pattern = r"(<!-- diarization -->\n).*?(<!-- /diarization -->)"
        page = told.out.read_text(encoding="utf-8")
        page, count = re.subn(pattern, lambda m: m[1] + made + m[2], page, flags=re.S)
        if count != 1:
            parser.error(f"{told.out} has {count} sections named diarization, expected one.")
        told.out.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
