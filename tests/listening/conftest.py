"""Real recordings for the tests that listen."""

import itertools
import os
from functools import cache
from pathlib import Path

import numpy as np
import pytest

RATE = 16_000


@cache
def _decoded(path: Path) -> np.ndarray:
    import av

    parts = []
    with av.open(str(path)) as container:
        resampler = av.AudioResampler(format="flt", layout="mono", rate=RATE)
        for frame in container.decode(audio=0):
            parts += [piece.to_ndarray().ravel() for piece in resampler.resample(frame)]
        parts += [piece.to_ndarray().ravel() for piece in resampler.resample(None)]
    return np.concatenate(parts).astype(np.float32)


@pytest.fixture(scope="session")
def clip():
    """`clip(name, start_s, end_s)`: float32 [n] at 16 kHz of a real recording."""
    folder = os.environ.get("MSC_REAL_DATA")
    if not folder:
        pytest.skip("MSC_REAL_DATA is not set: no real recordings at hand")

    def read(name: str, start_s: float = 0.0, end_s: float | None = None) -> np.ndarray:
        sound = _decoded(Path(folder) / name)
        return sound[round(start_s * RATE) : None if end_s is None else round(end_s * RATE)]

    return read


@pytest.fixture(scope="session")
def composite(clip):
    """The five turns A B A B C of the composed clip, as sounds."""
    edges = [0, 4, 8, 12, 16, None]
    name = "video/composite_3speakers.mp4"
    return [clip(name, start, end) for start, end in itertools.pairwise(edges)]
