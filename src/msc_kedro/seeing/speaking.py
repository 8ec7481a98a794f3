"""Whose face speaks in a stretch of video: what methods share, and how one face is chosen."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from msc_kedro.media.sound import read_span
from msc_kedro.seeing.faces import Face

if TYPE_CHECKING:
    import numpy as np

    Patches = dict[int, np.ndarray]  # of one track, by frame

RATE = 25  # pictures per second that a method looks at
_LEAST_FRAMES = 10  # of a face in a stretch, to say anything of it
_LEAST_SHARE = 0.25  # of a stretch in which a face is on screen

NO_FACE = "no face"
TOO_SMALL = "faces too small"
TOO_SHORT = "too short"
NO_SOUND = "no sound"
NOT_SURE = "not sure"


class Method(Protocol):
    """How well what a face does fits what is heard."""

    min_score: float  # less is not sure

    def patch(self, picture: np.ndarray, face: Face) -> np.ndarray:
        """What it looks at of a face: uint8 [height, width] of a grey picture."""
        ...

    def score(self, patches: np.ndarray, samples: np.ndarray) -> float:
        """Of patches uint8 [f, height, width] and the sound of the same stretch, float32 [n]."""
        ...


@dataclass(frozen=True)
class FaceSettings:
    """How faces are looked for.

    `frames_per_s` pictures of each second are searched, others interpolated. A face whose longer
    side is below `min_face_px` pixels of the source is none. One that is lost for more than
    `max_gap_s` is a new track. A score below `min_score` is not sure; None: as the method says.
    """

    frames_per_s: float
    min_face_px: float
    max_gap_s: float
    min_score: float | None


@dataclass(frozen=True)
class SpeakingFace:
    """Whose face speaks in the part of an utterance that lies in one shot.

    `track` is None where none does for sure, and `reason` says why. `score` is that of the best
    face, also where it is not sure enough; `margin` is how much better it is than the next;
    `faces` counts those that came into question.
    """

    utterance_id: str
    start_s: float
    end_s: float
    track: int | None
    score: float | None
    margin: float | None
    faces: int
    reason: str | None


@dataclass(frozen=True)
class Stretch:
    """The frames [first, last) of an utterance within a shot."""

    utterance_id: str
    start_s: float
    end_s: float

    @property
    def first(self) -> int:
        return first_frame(self.start_s)

    @property
    def last(self) -> int:
        return first_frame(self.end_s)


def first_frame(time_s: float) -> int:
    """The first frame whose middle is not before a time."""
    return math.ceil(time_s * RATE - 0.5 - 1e-6)


def score_stretch(
    stretch: Stretch,
    patches: Mapping[int, Patches],
    small: bool,
    *,
    sound: Path | None,
    method: Method,
    settings: FaceSettings,
) -> SpeakingFace:
    """The face that speaks in a stretch, of the patches of each track by frame."""
    import numpy as np

    first, last = stretch.first, stretch.last
    least = max(_LEAST_FRAMES, math.ceil(_LEAST_SHARE * (last - first)))
    seen = {
        number: frames
        for number, cut in patches.items()
        if len(frames := sorted(frame for frame in cut if first <= frame < last)) >= least
    }

    def said(track: int | None, scores: Sequence[float], reason: str | None) -> SpeakingFace:
        best = sorted(scores, reverse=True)
        return SpeakingFace(
            *(stretch.utterance_id, stretch.start_s, stretch.end_s, track),
            score=best[0] if best else None,
            margin=round(best[0] - best[1], 4) if len(best) > 1 else None,
            faces=len(seen),
            reason=reason,
        )

    if last - first < _LEAST_FRAMES:
        return said(None, [], TOO_SHORT)
    if not seen:
        return said(None, [], TOO_SMALL if small else NO_FACE)
    if sound is None:
        return said(None, [], NO_SOUND)
    samples, rate = read_span(sound, first / RATE, last / RATE)
    scores = {}
    for number, frames in seen.items():
        cut = np.stack([patches[number][frame] for frame in frames])
        heard = samples[
            (frames[0] - first) * rate // RATE : (frames[-1] + 1 - first) * rate // RATE
        ]
        scores[number] = round(method.score(cut, heard), 4)
    best = max(scores, key=lambda number: scores[number])
    least_score = method.min_score if settings.min_score is None else settings.min_score
    if scores[best] < least_score:
        return said(None, list(scores.values()), NOT_SURE)
    return said(best, list(scores.values()), None)
