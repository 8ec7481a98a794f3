"""Encoders that cost nothing and write down what they were asked."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from pathlib import Path

import numpy as np

SEEN: list[int] = []  # pictures of each call
HEARD: list[int] = []  # samples of each sound


class MeanColour:
    """The mean colour of a picture."""

    width, short_side, crop, bicubic = 3, 16, 16, False

    def __init__(self, *, device: str = "cpu", dark: bool = False) -> None:
        self._scale = 0.5 if dark else 1.0

    def __call__(self, pictures: Sequence[np.ndarray]) -> np.ndarray:
        SEEN.append(len(pictures))
        means = [picture.reshape(-1, 3).mean(axis=0) for picture in pictures]
        return (np.stack(means) / 255 * self._scale).astype(np.float32)


class Loudness:
    """The level of every fiftieth of a second.

    Args:
        kill_after: sounds after which the process kills itself; the count lies in `folder`.
    """

    width, vectors_per_s = 1, 50

    def __init__(self, folder: Path | None = None, *, kill_after: int | None = None) -> None:
        self._kill_after = kill_after

    def __call__(self, sounds: Sequence[np.ndarray]) -> list[np.ndarray]:
        found = []
        for sound in sounds:
            if self._kill_after is not None and len(HEARD) == self._kill_after:
                os.kill(os.getpid(), signal.SIGKILL)
            HEARD.append(len(sound))
            steps = np.array_split(sound, max(1, len(sound) // 320))
            found.append(np.array([[np.abs(step).mean()] for step in steps], np.float32))
        return found
