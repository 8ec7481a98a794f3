"""Faces followed through a shot: who is who from one picture to the next, by place alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from msc_kedro.seeing.faces import Face

_LEAST_OVERLAP = 0.2  # of a face with the place where it is expected


@dataclass
class Track:
    """One face through a shot, as long as it is not lost for more than a gap.

    `seen` are the times in seconds and the faces, in order.
    """

    number: int
    seen: list[tuple[float, Face]] = field(default_factory=list)

    def expected(self, time_s: float) -> Face:
        """The last face, moved on as it moved before."""
        last_s, last = self.seen[-1]
        if len(self.seen) < 2:
            return last
        before_s, before = self.seen[-2]
        ahead = (time_s - last_s) / (last_s - before_s)
        return replace(
            last, x=last.x + (last.x - before.x) * ahead, y=last.y + (last.y - before.y) * ahead
        )


def overlap(first: Face, second: Face) -> float:
    """Intersection over union of two boxes, 0 to 1; 0 where one has no area."""
    width = min(first.x + first.w, second.x + second.w) - max(first.x, second.x)
    height = min(first.y + first.h, second.y + second.h) - max(first.y, second.y)
    if width <= 0 or height <= 0:
        return 0.0
    shared = width * height
    return shared / (first.w * first.h + second.w * second.h - shared)


class Tracker:
    """Follows the faces of one shot.

    Each new picture is assigned to the faces known so far so that boxes overlap the most in all
    (Kuhn 1955). What overlaps less than a fifth with where it is expected is another face.

    Args:
        max_gap_s: a face that is not seen for longer is a new one when it comes back.
    """

    def __init__(self, *, max_gap_s: float) -> None:
        self._max_gap_s = max_gap_s
        self._live: list[Track] = []
        self.tracks: list[Track] = []

    def see(self, time_s: float, faces: Sequence[Face]) -> list[Track]:
        """Take the faces of the next picture.

        Returns:
            The track of each, whose last entry it now is.
        """
        self._live = [t for t in self._live if time_s - t.seen[-1][0] <= self._max_gap_s + 1e-9]
        known = _assigned([track.expected(time_s) for track in self._live], faces)
        found = []
        for place, face in enumerate(faces):
            if place in known:
                track = self._live[known[place]]
            else:
                track = Track(len(self.tracks))
                self.tracks.append(track)
            track.seen.append((time_s, face))
            found.append(track)
        self._live += [track for track in found if track not in self._live]
        return found


def _assigned(expected: Sequence[Face], faces: Sequence[Face]) -> dict[int, int]:
    """Place of a face to the place of the one that it is."""
    import numpy as np
    from scipy.optimize import linear_sum_assignment

    if not expected or not faces:
        return {}
    shared = np.array([[overlap(one, other) for other in faces] for one in expected])
    shared[shared < _LEAST_OVERLAP] = 0.0
    rows, columns = linear_sum_assignment(shared, maximize=True)
    return {
        int(column): int(row)
        for row, column in zip(rows, columns, strict=True)
        if shared[row, column] > 0
    }
