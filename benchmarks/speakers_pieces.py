"""Speech of which it is known who says it, in pieces of known length, with their embeddings.

Real: the recordings in MSC_REAL_DATA and the sample in pyannote.audio's package. Made: the demo
with its truth. Where two speak at once nothing is cut.
"""

from __future__ import annotations

import argparse
import json
import os
import re
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path

import numpy as np
import yaml

from msc_kedro.listening.embedding import SpeakerEncoder
from msc_kedro.listening.sound import SAMPLE_RATE
from msc_kedro.listening.speakers import cosine_distances
from msc_kedro.media.sound import read_mono
from msc_kedro.models import ensure, read_specs

PROJECT = Path(__file__).parents[1]
LENGTHS_S = (0.5, 0.8, 1.2, 1.8, 2.7, 4.0)
SHORTEST_S, LONGEST_S = 0.35, 8.0
Turn = tuple[float, float, str]

# Who says what is plain from the words (docs/speakers.md); "thank you" and "bye" are left out.
CALL = {
    "clerk": [
        *[(10.70, 12.30), (12.44, 14.01), (18.72, 19.18), (19.34, 23.29), (28.96, 29.52)],
        *[(29.94, 32.38), (36.61, 37.05), (37.43, 38.41)],
    ],
    "customer": [(5.04, 6.92), (7.06, 8.89), (15.52, 16.73), (25.72, 27.10), (34.04, 34.85)],
}
KATIE_AND_STEVE = {
    "Katie": [(0.10, 1.06), (3.90, 7.92), (8.26, 11.44), (24.75, 25.35)],
    "Steve": [(1.99, 2.85), (12.40, 16.34), (16.80, 20.32), (21.37, 23.83), (26.48, 28.58)],
}
ALONE = {
    "jfk": "audio/jfk.flac",
    "sad_aoc": "video/sad_aoc.mp4",
    "sad_katie": "video/sad_katie.mp4",
    "obama": "video/obama.mp4",
}


@dataclass(frozen=True)
class Recording:
    """`company`: whose people may meet, so that a split into halves leaves them together."""

    name: str
    path: Path
    made: bool
    place: str  # room of the demo, else the recording
    company: str
    turns: tuple[Turn, ...]


@dataclass(frozen=True)
class Pieces:
    """p pieces: unit vectors [p, d], spans in seconds [p], and the names of who and where [p].

    `turn` numbers the turn within its recording, `whole` marks those that are all of a turn.
    """

    vectors: np.ndarray
    start_s: np.ndarray
    end_s: np.ndarray
    person: np.ndarray
    recording: np.ndarray
    place: np.ndarray
    company: np.ndarray
    made: np.ndarray
    turn: np.ndarray
    whole: np.ndarray

    @property
    def duration_s(self) -> np.ndarray:
        return self.end_s - self.start_s


def recordings(real: Path, demo: Path) -> list[Recording]:
    """All recordings at hand, with the turns that are known."""
    found = []
    for table in sorted((real / "audio" / "ami").glob("*.rttm")):
        for name, turns in read_rttm(table).items():
            path = table.with_name(f"{name}.wav")
            if path.is_file():
                found.append(Recording(name, path, False, name, f"ami-{name[:3]}", turns))
    sample = Path(find_spec("pyannote.audio").origin).parent / "sample"
    turns = read_rttm(sample / "sample.rttm")["sample"]
    found.append(Recording("sample", sample / "sample.wav", False, "sample", "sample", turns))
    for name, file, spans in (
        ("call", "audio/commercial_mono.wav", CALL),
        ("katie and steve", "audio/katiesteve.wav", KATIE_AND_STEVE),
    ):
        turns = tuple(sorted((a, b, who) for who, own in spans.items() for a, b in own))
        found.append(Recording(name, real / file, False, name, name, turns))
    for name, file in ALONE.items():
        turns = ((0.0, float("inf"), name),)
        found.append(Recording(name, real / file, False, name, name, turns))
    for told in json.loads((demo / "truth.json").read_text(encoding="utf-8"))["dialogues"]:
        turns = tuple((turn["start_s"], turn["end_s"], turn["speaker"]) for turn in told["turns"])
        name, room = told["name"], told["room"]["name"]
        found.append(Recording(name, demo / f"{name}.mp4", True, room, "demo", turns))
    return found


def read_rttm(path: Path) -> dict[str, tuple[Turn, ...]]:
    """Turns per recording, in order of time."""
    turns: dict[str, list[Turn]] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        _, name, _, start, length, _, _, who, *_ = line.split()
        turns.setdefault(name, []).append((float(start), float(start) + float(length), who))
    return {name: tuple(sorted(found)) for name, found in turns.items()}


def alone(turns: tuple[Turn, ...]) -> list[Turn]:
    """The parts of turns in which nobody else speaks."""
    parts = []
    for start, end, who in turns:
        free = [(start, end)]
        for other_start, other_end, other in turns:
            if other != who:
                free = [
                    span
                    for a, b in free
                    for span in ((a, min(b, other_start)), (max(a, other_end), b))
                    if span[1] > span[0]
                ]
        parts += [(a, b, who) for a, b in sorted(set(free))]
    return parts


def cuts(start_s: float, end_s: float) -> list[tuple[float, float, bool]]:
    """A turn as a whole, if it is not too long, and cut evenly into each of the lengths."""
    length = end_s - start_s
    found = [(start_s, end_s, True)] if length <= LONGEST_S else []
    for piece in LENGTHS_S:
        count = int(length / piece)
        if length > 1.15 * piece:
            edges = [start_s + place * piece for place in range(count + 1)]
            found += [(a, b, False) for a, b in pairwise(edges)]
    return [(a, b, whole) for a, b, whole in found if b - a >= SHORTEST_S]


def embedded(real: Path, demo: Path) -> Pieces:
    """Every piece heard with the speaker encoder of conf/base."""
    text = (PROJECT / "conf" / "base" / "models.yml").read_text(encoding="utf-8")
    encode = SpeakerEncoder(ensure(read_specs(yaml.safe_load(text))["speaker_embedding"]))
    rows, vectors = [], []
    for recording in recordings(real, demo):
        sound = read_mono(recording.path)
        for place, (start, end, who) in enumerate(alone(recording.turns)):
            for a, b, whole in cuts(start, min(end, len(sound) / SAMPLE_RATE)):
                vector = encode(sound[round(a * SAMPLE_RATE) : round(b * SAMPLE_RATE)])
                if vector is not None:
                    vectors.append(vector)
                    rows.append((a, b, who, recording, place, whole))
    starts, ends, people, where, places, wholes = zip(*rows, strict=True)
    return Pieces(
        vectors=np.stack(vectors).astype(np.float64),
        start_s=np.array(starts),
        end_s=np.array(ends),
        person=np.array(people),
        recording=np.array([recording.name for recording in where]),
        place=np.array([recording.place for recording in where]),
        company=np.array([recording.company for recording in where]),
        made=np.array([recording.made for recording in where]),
        turn=np.array(places),
        whole=np.array(wholes),
    )


@dataclass(frozen=True)
class Pairs:
    """All pairs of pieces that do not overlap in time, [q] each; `mean_s` is the harmonic mean."""

    first: np.ndarray
    second: np.ndarray
    distance: np.ndarray
    mean_s: np.ndarray
    same: np.ndarray
    within: np.ndarray  # both of one recording
    people: np.ndarray  # a number for the unordered pair of people


def pairs_of(pieces: Pieces) -> Pairs:
    """Pairs within a recording, and across those of one kind, made or real."""
    first, second = np.triu_indices(len(pieces.person), 1)
    within = pieces.recording[first] == pieces.recording[second]
    apart = (pieces.start_s[second] >= pieces.end_s[first] - 1e-6) | (
        pieces.start_s[first] >= pieces.end_s[second] - 1e-6
    )
    kept = (apart | ~within) & (pieces.made[first] == pieces.made[second])
    first, second, within = first[kept], second[kept], within[kept]
    _, who = np.unique(pieces.person, return_inverse=True)
    lengths = pieces.duration_s
    return Pairs(
        first=first,
        second=second,
        distance=cosine_distances(pieces.vectors)[first, second],
        mean_s=2 / (1 / lengths[first] + 1 / lengths[second]),
        same=who[first] == who[second],
        within=within,
        people=np.minimum(who[first], who[second]) * 1000 + np.maximum(who[first], who[second]),
    )


def folders() -> tuple[Path, Path]:
    """Where the real recordings and the demo lie, from the command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--real", type=Path, default=os.environ.get("MSC_REAL_DATA"))
    parser.add_argument("--demo", type=Path, default=PROJECT / "data" / "01_raw" / "demo")
    told = parser.parse_args()
    if told.real is None or not (told.demo / "truth.json").is_file():
        parser.error(
            "needs the recordings (--real or MSC_REAL_DATA) and the demo "
            "(`kedro run --pipeline demo`, or --demo)"
        )
    return Path(told.real), told.demo


def write_section(name: str, text: str) -> None:
    """Put a text between `<!-- name -->` and `<!-- /name -->` in docs/speakers.md."""
    page = PROJECT / "docs" / "speakers.md"
    marks = f"<!-- {name} -->\n", f"<!-- /{name} -->"
    before = page.read_text(encoding="utf-8")
    pattern = re.escape(marks[0]) + r".*?" + re.escape(marks[1])
    after, found = re.subn(pattern, lambda _: marks[0] + text + marks[1], before, flags=re.S)
    if found != 1:
        raise ValueError(f"{page} has {found} sections named {name}, expected one.")
    page.write_text(after, encoding="utf-8")
    print(text)
