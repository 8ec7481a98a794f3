"""One shot, while its pictures go by: faces are followed, and scored once an utterance is over."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from msc_kedro.seeing.faces import Face, between
from msc_kedro.seeing.speaking import (
    RATE,
    FaceSettings,
    Method,
    SpeakingFace,
    Stretch,
    first_frame,
)
from msc_kedro.seeing.tracks import Track, Tracker

if TYPE_CHECKING:
    import numpy as np

    from msc_kedro.seeing.speaking import Patches

Span = tuple[float, float]  # start and end in seconds
Said = tuple[str, float, float]  # utterance id, start and end in seconds


class Shot:
    """What is known of a shot while its pictures go by; few of them are held at a time."""

    def __init__(
        self,
        span: Span,
        said: Sequence[Said],
        settings: FaceSettings,
        score: Callable[[Stretch, Mapping[int, Patches], bool], SpeakingFace],
        method: Method,
    ) -> None:
        start_s, end_s = span
        first, last = first_frame(start_s), first_frame(end_s)
        self._stretches = [
            Stretch(identity, max(start_s, from_s), min(end_s, to_s))
            for identity, from_s, to_s in sorted(said, key=lambda one: one[1:])
            if from_s < end_s and to_s > start_s
        ]
        step = max(1, round(RATE / settings.frames_per_s))
        looked_at = {frame for frame in range(first, last) if frame % step == 0}
        self._looked_at = looked_at | ({first, last - 1} if last > first else set())
        self._wanted = {
            frame for one in self._stretches for frame in range(one.first, min(one.last, last))
        }
        self.frames = sorted(self._looked_at | self._wanted)
        self._settings, self._score, self._method = settings, score, method
        self._gap = round(settings.max_gap_s * RATE)
        self._tracker = Tracker(max_gap_s=settings.max_gap_s)
        self._held: list[tuple[int, np.ndarray]] = []  # grey pictures since a face was last seen
        self._patches: dict[int, Patches] = {}
        self._too_small: set[int] = set()  # frames
        self._open = list(self._stretches)
        self._done: list[SpeakingFace] = []

    def see(
        self, frame: int, picture: np.ndarray, detect: Callable[[np.ndarray], list[Face]]
    ) -> None:
        """Take the next picture, uint8 [height, width, 3]."""
        import cv2

        if frame in self._wanted:
            self._held.append((frame, cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)))
        if frame not in self._looked_at:
            return
        found = detect(picture)
        faces = [face for face in found if face.side >= self._settings.min_face_px]
        if len(faces) < len(found):
            self._too_small.add(frame)
        for track in self._tracker.see(frame / RATE, faces):
            self._cut_out(track)
        self._held = [held for held in self._held if held[0] >= frame - self._gap]
        self._finish(frame - self._gap)

    def tracks(self) -> list[Track]:
        """Those that were seen more than once."""
        return [track for track in self._tracker.tracks if len(track.seen) > 1]

    def speaking(self) -> list[SpeakingFace]:
        """All that is said in the shot; no picture comes any more."""
        self._finish(None)
        return self._done

    def _cut_out(self, track: Track) -> None:
        """The patches of a track since it was last seen."""
        now_s, now = track.seen[-1]
        before_s, before = track.seen[-2] if len(track.seen) > 1 else track.seen[-1]
        patches = self._patches.setdefault(track.number, {})
        for frame, picture in self._held:
            time_s = frame / RATE
            if before_s <= time_s <= now_s and frame not in patches:
                share = (time_s - before_s) / (now_s - before_s) if now_s > before_s else 1.0
                patches[frame] = self._method.patch(picture, between(before, now, share))

    def _finish(self, until: int | None) -> None:
        """Score what ends before a frame, and forget its patches."""
        ready = [one for one in self._open if until is None or one.last <= until]
        if not ready:
            return
        self._open = [one for one in self._open if one not in ready]
        for one in ready:
            small = any(one.first <= frame < one.last for frame in self._too_small)
            self._done.append(self._score(one, self._patches, small))
        keep = min((one.first for one in self._open), default=None)
        for patches in self._patches.values():
            for frame in [frame for frame in patches if keep is None or frame < keep]:
                del patches[frame]
