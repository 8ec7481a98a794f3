"""Who of the faces on screen speaks: faces followed through each shot, scored per utterance.

One pass over a video. Times are seconds on the file's own clock, boxes are pixels of the source.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from msc_kedro.media.pictures import read_frames
from msc_kedro.seeing.faces import Face, FaceDetector, between
from msc_kedro.seeing.shots import Said, Shot, Span
from msc_kedro.seeing.speaking import (
    RATE,
    FaceSettings,
    Method,
    SpeakingFace,
    score_stretch,
)
from msc_kedro.seeing.tracks import Track

if TYPE_CHECKING:
    import numpy as np

READ_SIDE = 480  # pixels of the shorter side of what is decoded: enough for a crop of a face


@dataclass(frozen=True)
class FaceBox:
    """Where a face is at a time. `seen` is false where it was interpolated."""

    track: int
    time_s: float
    x: float
    y: float
    w: float
    h: float
    score: float
    seen: bool


@dataclass(frozen=True)
class SourceFaces:
    """The faces of a video, and who of them speaks."""

    boxes: tuple[FaceBox, ...]
    speaking: tuple[SpeakingFace, ...]


def find_speaking_faces(
    video: Path,
    sound: Path | None,
    said: Sequence[Said],
    *,
    size: tuple[int, int],
    shots: Sequence[Span],
    detector: FaceDetector,
    method: Method,
    settings: FaceSettings,
) -> SourceFaces:
    """Follow the faces of a video and say whose speaks in each utterance, in one pass.

    Args:
        video: a file with pictures.
        sound: its sound at 16 kHz, on the same clock; None where it has none.
        said: the utterances.
        size: width and height of the video in pixels.
        shots: what is looked at: spans without a cut in them, that do not overlap.
        detector: finds faces.
        method: scores them.
        settings: see there.

    Returns:
        Tracks are numbered over the whole video, in order of appearance. An utterance has an entry
        for each shot that it lies in.

    Raises:
        UnreadableMediaError: the pictures cannot be decoded.
    """
    side = min(READ_SIDE, *size)
    scale = min(size) / side
    score = partial(score_stretch, sound=sound, method=method, settings=settings)
    small = replace(settings, min_face_px=settings.min_face_px / scale)
    watched = [Shot(shot, said, small, score, method) for shot in sorted(shots)]
    frames = [(frame, shot) for shot in watched for frame in shot.frames]
    times = [(frame + 0.5) / RATE for frame, _ in frames]
    detect: Callable[[np.ndarray], list[Face]] | None = None
    for index, picture in read_frames(video, times, short_side=side):
        detect = detect or detector.sized(picture.shape[1], picture.shape[0])
        frame, shot = frames[index]
        shot.see(frame, picture, detect)
    boxes: list[FaceBox] = []
    speaking: list[SpeakingFace] = []
    for shot in watched:
        numbers: dict[int, int] = {}
        for track in shot.tracks():
            numbers[track.number] = len({box.track for box in boxes})
            boxes += _boxes(track, numbers[track.number], scale, settings)
        speaking += [
            one if one.track is None else replace(one, track=numbers[one.track])
            for one in shot.speaking()
        ]
    return SourceFaces(tuple(boxes), tuple(speaking))


def _boxes(track: Track, number: int, scale: float, settings: FaceSettings) -> Iterator[FaceBox]:
    """The boxes of a track in pixels of the source, gaps filled at the same rate."""
    step_s = 1 / settings.frames_per_s
    before: tuple[float, Face] | None = None
    for time_s, face in track.seen:
        if before is not None:
            missing = round((time_s - before[0]) / step_s) - 1
            for place in range(1, missing + 1):
                share = place / (missing + 1)
                at_s = before[0] + (time_s - before[0]) * share
                yield _box(number, at_s, between(before[1], face, share).scaled(scale), seen=False)
        yield _box(number, time_s, face.scaled(scale), seen=True)
        before = (time_s, face)


def _box(number: int, time_s: float, face: Face, *, seen: bool) -> FaceBox:
    x, y, w, h = (round(value, 1) for value in (face.x, face.y, face.w, face.h))
    at_s = round(time_s + 0.5 / RATE, 3)  # the middle of the frame
    return FaceBox(number, at_s, x, y, w, h, round(face.score, 3), seen)
