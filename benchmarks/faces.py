"""How well the face that speaks is found, by both methods, and what it costs: a Markdown table.

    python benchmarks/faces.py --data FOLDER [--detector FOLDER] [--seconds 2 4] [--out FILE]

FOLDER holds `video/composite_3speakers.mp4`, `video/obama.mp4`, `video/sad_aoc.mp4` and
`video/sad_katie.mp4`, and `asd/` with the weights of Light-ASD where that is to be measured.

Three people talk and one is silent beside another. Stretches of each are scored with their own
sound, with that of the two others, and the silent man with any. Two are also put side by side.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

from msc_kedro.media.probe import probe
from msc_kedro.media.sound import LISTENING_RATE, flac_bytes, read_mono
from msc_kedro.seeing.active_speaker import SourceFaces, find_speaking_faces
from msc_kedro.seeing.faces import Face, FaceDetector
from msc_kedro.seeing.light_asd import FILE, LightASD
from msc_kedro.seeing.mouth_motion import MouthMotion
from msc_kedro.seeing.speaking import RATE, FaceSettings, Method

CUTS = (0.0, 4.08, 8.08, 12.08, 16.08, 24.8)
SETTINGS = FaceSettings(frames_per_s=5, min_face_px=32, max_gap_s=0.6, min_score=None)
SILENT, SPEAKS = "silent man", "speaking man"


@dataclass
class Clip:
    """A video with its sound and size."""

    video: Path
    sound: Path
    size: tuple[int, int]
    seconds: float


class Kept:
    """A method that keeps what it is shown of each face, and scores nothing."""

    min_score = 0.0

    def __init__(self, method: Method) -> None:
        self._patch, self.shown = method.patch, []  # type: ignore[var-annotated]

    def patch(self, picture: np.ndarray, face: Face) -> np.ndarray:
        return self._patch(picture, face)

    def score(self, patches: np.ndarray, samples: np.ndarray) -> float:
        self.shown.append((patches, samples))
        return 0.0


def clip(folder: Path, name: str, work: Path) -> Clip:
    video = folder / "video" / f"{name}.mp4"
    info = probe(video)
    sound = work / f"{name}.flac"
    sound.write_bytes(flac_bytes(read_mono(video)))
    return Clip(video, sound, (info.width, info.height), info.duration_s)


def look(
    one: Clip, edges: tuple[float, ...], detector: FaceDetector, method: Method
) -> SourceFaces:
    spans = list(pairwise(edges))
    return find_speaking_faces(
        one.video,
        one.sound,
        [(str(start), start, end) for start, end in spans],
        size=one.size,
        shots=spans,
        detector=detector,
        method=method,
        settings=SETTINGS,
    )


def shots(one: Clip, detector: FaceDetector, method: Method) -> str:
    """Right faces by argmax, and those of them that are sure, of the five shots."""
    never = FaceSettings(**{**vars(SETTINGS), "min_score": -np.inf})
    spans = list(pairwise(CUTS))
    found = find_speaking_faces(
        one.video,
        one.sound,
        [(str(start), start, end) for start, end in spans],
        size=one.size,
        shots=spans,
        detector=detector,
        method=method,
        settings=never,
    )
    lefts = {box.track: box.x for box in found.boxes}
    right = [part for part in found.speaking if part.faces == 1 or lefts[part.track] > 256]  # type: ignore[index]
    sure = [part for part in right if (part.score or 0) >= method.min_score]
    return f"{len(right)} of {len(spans)}, {len(sure)} sure"


def windows(length: int, frames: int) -> Iterator[int]:
    return iter(range(0, length - frames + 1, frames))


def confusions(
    shown: Mapping[str, tuple[np.ndarray, np.ndarray]], method: Method, seconds: float
) -> list[str]:
    """Figures of stretches of so many seconds."""
    frames = round(seconds * RATE)
    step = LISTENING_RATE // RATE
    faces = {
        (who, at): patches[at : at + frames]
        for who, (patches, _) in shown.items()
        for at in windows(len(patches), frames)
    }
    sounds = {
        (who, at): samples[at * step : (at + frames) * step]
        for who, (patches, samples) in shown.items()
        for at in windows(len(patches), frames)
        if who != SILENT
    }
    scores = {
        (face, sound): method.score(patches, heard)
        for face, patches in faces.items()
        for sound, heard in sounds.items()
    }
    own = [score for (face, sound), score in scores.items() if face == sound]
    others = [s for (f, h), s in scores.items() if f[0] != h[0] and f[0] != SILENT]
    silent = [s for (f, _), s in scores.items() if f[0] == SILENT]
    pairs = [
        scores[(SPEAKS, at), (SPEAKS, at)] > scores[(SILENT, at), (SPEAKS, at)]
        for who, at in faces
        if who == SILENT and (SPEAKS, at) in faces
    ]
    beside = [
        scores[f, f] > scores[g, f] for f in sounds for g in faces if g[0] not in (f[0], SILENT)
    ]
    below = np.mean([o > n for o in own for n in others])

    def share(found: list[float]) -> str:
        return f"{np.mean(np.array(found) >= method.min_score):.0%} of {len(found)}"

    return [
        share(own),
        share(silent),
        share(others),
        f"{below:.2f}",
        f"{sum(pairs)} of {len(pairs)}",
        f"{sum(beside)} of {len(beside)}",
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])  # type: ignore[union-attr]
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--detector", type=Path, help="default: the model of the embedded recipe")
    parser.add_argument("--seconds", type=float, nargs="+", default=[2.0, 4.0])
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    import cv2
    import torch

    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    detector = FaceDetector(asked.detector or _detector_folder())
    methods: dict[str, Method] = {"mouth_motion": MouthMotion()}
    if (asked.data / "asd" / FILE).is_file():
        methods["light_asd"] = LightASD(asked.data / "asd")
    rows, costs = [], []
    with tempfile.TemporaryDirectory() as work:
        names = ("composite_3speakers", "obama", "sad_aoc", "sad_katie")
        clips = {name: clip(asked.data, name, Path(work)) for name in names}
        for title, method in methods.items():
            begun = time.process_time()
            edges = tuple(np.arange(0, clips["sad_aoc"].seconds + 0.1, 4.0))
            look(clips["sad_aoc"], edges, detector, method)
            seconds = time.process_time() - begun
            costs.append(f"{title}: {60 * seconds / clips['sad_aoc'].seconds:.0f} s")
            shown = {}
            for name, whose in (
                ("obama", (SILENT, SPEAKS)),
                ("sad_aoc", ("first woman",)),
                ("sad_katie", ("second woman",)),
            ):
                kept = Kept(method)
                look(clips[name], (0.0, clips[name].seconds), detector, kept)
                shown |= dict(zip(whose, kept.shown, strict=True))
            told = shots(clips["composite_3speakers"], detector, method)
            for length in asked.seconds:
                figures = confusions(shown, method, length)
                rows.append([title, f"{length:g} s", *figures, told])
                print(rows[-1], file=sys.stderr)
    head = (
        "method", "stretch", "own sound: sure", "silent face: sure", "another's sound: sure",
        "own above another's", "of two men the one who speaks", "of two who talk the right one",
        "shots of the composite",
    )  # fmt: skip
    lines = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    lines += ["", f"CPU per minute of video with one face, one thread: {', '.join(costs)}."]
    text = "\n".join(lines) + "\n"
    print(text)
    if asked.out:
        asked.out.write_text(text, encoding="utf-8")


def _detector_folder() -> Path:
    import yaml

    from msc_kedro.models import ensure, read_specs

    conf = Path(__file__).parents[1] / "conf" / "base" / "models.yml"
    return ensure(read_specs(yaml.safe_load(conf.read_text(encoding="utf-8")))["face_detector"])


if __name__ == "__main__":
    main()
