"""A detector of what tests draw: a white picture has a face in it, and a grey one two."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from msc_kedro.seeing.faces import Face


def face(x: float, y: float = 10, side: float = 40, score: float = 0.9) -> Face:
    points = ((0.3, 0.4), (0.7, 0.4), (0.5, 0.6), (0.35, 0.8), (0.65, 0.8))
    landmarks = tuple((x + across * side, y + down * side) for across, down in points)
    return Face(x, y, side, side, score, landmarks)


class ToyDetector:
    def sized(self, width: int, height: int) -> Callable[[np.ndarray], list[Face]]:
        def detect(picture: np.ndarray) -> list[Face]:
            brightness = picture.mean()
            if brightness > 200:
                return [face(20)]
            return [face(5), face(80, side=20)] if brightness > 100 else []

        return detect


class LeftSpeaks:
    """A method that finds the larger face to speak, and looks at what it is given."""

    min_score = 0.0

    def __init__(self) -> None:
        self.asked: list[tuple[int, int]] = []  # frames and samples

    def patch(self, picture: np.ndarray, face: Face) -> np.ndarray:
        return np.full((4, 4), round(face.side), np.uint8)

    def score(self, patches: np.ndarray, samples: np.ndarray) -> float:
        self.asked.append((len(patches), len(samples)))
        return float(patches.mean()) / 100
