"""The image encoder with its real weights."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from msc_kedro.seeing.mobilenet import MobileNetV2

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def folder(model_folder: Callable[[str], Path]) -> Path:
    return model_folder("image_encoder")


@pytest.fixture(scope="module")
def encode(folder: Path) -> MobileNetV2:
    return MobileNetV2(folder)


@pytest.fixture(scope="module")
def pictures() -> list[np.ndarray]:
    """Noise, a grey field, stripes and a disc, none of the same size."""
    random = np.random.default_rng(0)
    rows, columns = np.mgrid[:256, :300]
    stripes = np.repeat(((columns // 20) % 2 * 255)[..., None], 3, axis=2)
    disc = np.where(((rows - 128) ** 2 + (columns - 150) ** 2 < 80**2)[..., None], 250, 20)
    return [
        random.integers(0, 256, (256, 340, 3), np.uint8),
        np.full((400, 256, 3), 128, np.uint8),
        stripes.astype(np.uint8),
        np.repeat(disc, 3, axis=2).astype(np.uint8),
    ]


def test_shape_and_type(encode: MobileNetV2, pictures: list[np.ndarray]) -> None:
    vectors = encode(pictures)
    assert vectors.shape == (len(pictures), 1280) and vectors.dtype == np.float32
    assert np.isfinite(vectors).all() and (vectors >= 0).all()  # after a ReLU
    assert encode([]).shape == (0, 1280)


def test_neighbours_in_a_batch_change_nothing(
    folder: Path, encode: MobileNetV2, pictures: list[np.ndarray]
) -> None:
    together = encode(pictures)
    alone = np.concatenate([encode([picture]) for picture in pictures])
    assert np.allclose(together, alone, atol=1e-4)
    small = MobileNetV2(folder, batch_size=3)(pictures)
    assert np.allclose(together, small, atol=1e-4)
    assert np.allclose(encode(pictures[::-1])[::-1], together, atol=1e-4)


def test_same_pictures_same_bytes(
    folder: Path, encode: MobileNetV2, pictures: list[np.ndarray]
) -> None:
    assert encode(pictures).tobytes() == encode(pictures).tobytes()
    assert MobileNetV2(folder)(pictures).tobytes() == encode(pictures).tobytes()


def test_different_pictures_differ(encode: MobileNetV2, pictures: list[np.ndarray]) -> None:
    vectors = encode(pictures)
    length = np.linalg.norm(vectors, axis=1)
    alike = vectors @ vectors.T / np.outer(length, length)
    assert (alike[~np.eye(len(pictures), dtype=bool)] < 0.9).all()
    darker = (pictures[3] * 0.9).astype(np.uint8)
    near = encode([darker])[0]
    assert near @ vectors[3] / np.linalg.norm(near) / length[3] > 0.95


def test_the_middle_is_looked_at(encode: MobileNetV2, pictures: list[np.ndarray]) -> None:
    framed = pictures[3].copy()
    framed[:, :20] = framed[:, -20:] = 255  # outside the square of 224
    assert encode([framed]).tobytes() == encode([pictures[3]]).tobytes()
