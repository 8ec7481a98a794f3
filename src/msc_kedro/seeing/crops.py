"""Where the face of whoever speaks is, at any time of an utterance."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from msc_kedro.media.pictures import Box

if TYPE_CHECKING:
    import numpy as np

_HELD_S = 0.5  # a face stays where it was last seen for so long
_AROUND = 1.4  # side of the square that is looked at, in sides of the box: chin, hair and ears


@dataclass(frozen=True)
class FaceSpan:
    """A face that speaks from `start_s` to `end_s` of a video.

    Attributes:
        times_s: float [n], rising: when it was looked for.
        boxes: float [n, 4], x, y, width and height in pixels of the video.
    """

    start_s: float
    end_s: float
    times_s: np.ndarray
    boxes: np.ndarray

    def at(self, time_s: float) -> Box | None:
        """The square around the face at a time, in pixels; None where it is not known."""
        import numpy as np

        if not self.start_s <= time_s <= self.end_s or not len(self.times_s):
            return None
        if not self.times_s[0] - _HELD_S <= time_s <= self.times_s[-1] + _HELD_S:
            return None
        x, y, w, h = (float(np.interp(time_s, self.times_s, side)) for side in self.boxes.T)
        side = _AROUND * max(w, h)
        return x + (w - side) / 2, y + (h - side) / 2, side, side


def faces_at(
    spans: Sequence[FaceSpan], times_s: Iterable[float]
) -> tuple[tuple[float, ...], tuple[Box, ...]]:
    """The times at which a face is known, and where it is then."""
    found = [
        (time_s, box)
        for time_s in times_s
        if (box := next((b for s in spans if (b := s.at(time_s))), None)) is not None
    ]
    return tuple(time for time, _ in found), tuple(box for _, box in found)
