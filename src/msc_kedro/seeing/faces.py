"""Faces in a picture: YuNet (Wu et al. 2023, "YuNet: A Tiny Millisecond-level Face Detector")."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

Point = tuple[float, float]

_SURE = 0.7  # of a box that is taken for a face; the detector's own figure, 0 to 1
_OVERLAP = 0.3  # of two boxes that are taken for one face
_LOOK_SIDE = 320  # pixels of the shorter side of what is looked at; a face takes about 10 of them


@dataclass(frozen=True)
class Face:
    """A face in a picture, in pixels of that picture from its left upper corner.

    `landmarks` are the eyes, the tip of the nose and the corners of the mouth, each pair from the
    left of the picture to the right in a face that looks at the camera: [5, 2].
    """

    x: float
    y: float
    w: float
    h: float
    score: float
    landmarks: tuple[Point, ...]

    @property
    def side(self) -> float:
        """The longer side of the box."""
        return max(self.w, self.h)

    def scaled(self, factor: float) -> Face:
        """The same face in a picture so many times as large."""
        x, y, w, h = (value * factor for value in (self.x, self.y, self.w, self.h))
        points = tuple((across * factor, down * factor) for across, down in self.landmarks)
        return Face(x, y, w, h, self.score, points)


def between(first: Face, second: Face, share: float) -> Face:
    """The face `share` (0 to 1) of the way from one place to another; the score is the lower."""

    def mix(a: float, b: float) -> float:
        return a + (b - a) * share

    points = tuple(
        (mix(a[0], b[0]), mix(a[1], b[1]))
        for a, b in zip(first.landmarks, second.landmarks, strict=True)
    )
    return Face(
        mix(first.x, second.x),
        mix(first.y, second.y),
        mix(first.w, second.w),
        mix(first.h, second.h),
        min(first.score, second.score),
        points,
    )


class FaceDetector:
    """YuNet by OpenCV.

    Args:
        folder: holds `face_detection_yunet_2023mar.onnx`.
    """

    def __init__(self, folder: Path) -> None:
        self._file = Path(folder) / "face_detection_yunet_2023mar.onnx"

    def sized(self, width: int, height: int) -> Callable[[np.ndarray], list[Face]]:
        """A detector for pictures of one size; it belongs to one thread.

        Returns:
            Pictures uint8 [height, width, 3] RGB to their faces, from the left to the right. They
            are looked at with a shorter side of 320 pixels at the most.
        """
        import cv2

        scale = min(1.0, _LOOK_SIDE / min(width, height))
        size = max(1, round(width * scale)), max(1, round(height * scale))
        level = cv2.utils.logging.getLogLevel()
        # OpenCV 5 warns on the terminal of what is of no use here.
        cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_ERROR)
        try:
            network = cv2.FaceDetectorYN.create(str(self._file), "", size, _SURE, _OVERLAP)
        finally:
            cv2.utils.logging.setLogLevel(level)

        def detect(picture: np.ndarray) -> list[Face]:
            bgr = cv2.cvtColor(picture, cv2.COLOR_RGB2BGR)
            if bgr.shape[1::-1] != size:
                bgr = cv2.resize(bgr, size, interpolation=cv2.INTER_AREA)
            _, rows = network.detect(bgr)
            found = [] if rows is None else [_face(row.tolist()).scaled(1 / scale) for row in rows]
            return sorted(found, key=lambda face: (face.x, face.y))

        return detect


def _face(row: list[float]) -> Face:
    """A row of 15: the box, five points, the score."""
    points = tuple((row[at], row[at + 1]) for at in range(4, 14, 2))
    return Face(row[0], row[1], row[2], row[3], row[14], points)
