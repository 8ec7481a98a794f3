"""Mouths that move with the sound, with another sound, or not at all."""

from __future__ import annotations

import numpy as np
import pytest
from toy_faces import face

from msc_kedro.seeing.mouth_motion import MouthMotion, _similarity

RATE = 16_000


def syllables(seconds: float, seed: int) -> np.ndarray:
    """How loud each of 25 pictures a second is, 0 to 1."""
    pictures = np.arange(round(25 * seconds))
    corners = np.arange(0, len(pictures) + 4, 4)
    slow = np.interp(pictures, corners, np.random.default_rng(seed).random(len(corners)))
    return np.clip(slow * 1.4 - 0.2, 0, 1)


def talking(opening: np.ndarray) -> np.ndarray:
    """A drawn face, uint8 [f, 128, 128], whose mouth opens so far; its head sways."""
    rows, columns = np.mgrid[:128, :128]
    texture = 40 * np.sin(rows / 5) * np.cos(columns / 7) + 128
    pictures = []
    for place, wide in enumerate(opening):
        mouth = (((rows - 88) / (2 + 14 * wide)) ** 2 + ((columns - 64) / 16) ** 2) < 1
        picture = np.where(mouth, 30, texture)
        pictures.append(np.roll(picture, round(2 * np.sin(place / 20)), axis=1))
    return np.clip(np.stack(pictures), 0, 255).astype(np.uint8)


def spoken(level: np.ndarray) -> np.ndarray:
    """Noise that is so loud, float32 [n]."""
    noise = np.random.default_rng(1).normal(size=len(level) * RATE // 25)
    return (0.1 * noise * np.repeat(level + 0.01, RATE // 25)).astype(np.float32)


def test_a_mouth_that_moves_with_the_sound() -> None:
    level = syllables(4, 0)
    assert MouthMotion().score(talking(level), spoken(level)) > 1.0


def test_with_another_sound_it_is_not_sure() -> None:
    scores = [
        MouthMotion().score(talking(syllables(4, 0)), spoken(syllables(4, seed)))
        for seed in range(1, 9)
    ]
    assert (
        np.mean(scores)
        < 0.5
        < MouthMotion().score(talking(syllables(4, 0)), spoken(syllables(4, 0)))
    )


def test_the_sound_may_come_a_little_later() -> None:
    level = syllables(4, 0)
    assert MouthMotion().score(talking(level), spoken(np.roll(level, 2))) > 1.0
    assert MouthMotion().score(talking(level), spoken(np.roll(level, 12))) < 0.5


def test_a_still_mouth_is_not_sure() -> None:
    level = syllables(4, 0)
    assert MouthMotion().score(talking(np.full(100, 0.2)), spoken(level)) < 0.2


def test_longer_is_surer() -> None:
    level = syllables(8, 0)
    method = MouthMotion()
    assert method.score(talking(level), spoken(level)) > method.score(
        talking(level[:50]), spoken(level[:50])
    )


@pytest.mark.parametrize("samples", [np.zeros(64_000, np.float32), np.zeros(0, np.float32)])
def test_silence_says_nothing(samples: np.ndarray) -> None:
    assert MouthMotion().score(talking(syllables(4, 0)), samples) == 0.0


def test_too_few_pictures_say_nothing() -> None:
    level = syllables(4, 0)[:10]
    assert MouthMotion().score(talking(level), spoken(level)) == 0.0


def test_a_turned_face_is_turned_back() -> None:
    turn = np.exp(0.3j) * 0.5
    points = tuple(
        ((turn * complex(*p)).real + 7, (turn * complex(*p)).imag - 3) for p in face(0).landmarks
    )
    matrix = _similarity(points, face(0).landmarks)
    back = [matrix @ (*point, 1) for point in points]
    assert np.allclose(back, face(0).landmarks, atol=1e-9)


def test_a_patch_has_its_size_wherever_the_face_is() -> None:
    picture = np.zeros((120, 160), np.uint8)
    for x in (-30, 20, 150):
        assert MouthMotion().patch(picture, face(x)).shape == (128, 128)
