"""Clarity and noise of made recordings."""

import numpy as np
import pytest

from msc_kedro.listening.reverberation import DecayRegression, decay_features

RATE = 16_000


def bursts(seed: int = 0, seconds: float = 4.0) -> np.ndarray:
    """Noise that comes and goes three times a second, as syllables do; silent in between."""
    random = np.random.default_rng(seed)
    time = np.arange(round(seconds * RATE)) / RATE
    envelope = np.clip(np.sin(2 * np.pi * 3 * time), 0, None) ** 2
    return (0.2 * envelope * random.standard_normal(len(time))).astype(np.float32)


def in_a_room(sound: np.ndarray, rt60_s: float, strength: float) -> np.ndarray:
    random = np.random.default_rng(1)
    count = round(rt60_s * RATE)
    response = strength * random.standard_normal(count) * 10 ** (-3 * np.arange(count) / count)
    response[0] = 1.0
    return np.convolve(sound, response)[: len(sound)].astype(np.float32)


def test_features_do_not_depend_on_the_loudness():
    assert decay_features(0.1 * bursts()) == pytest.approx(decay_features(bursts()), abs=0.05)


def test_a_hall_is_less_clear_than_a_studio():
    clear, far = (
        DecayRegression()(in_a_room(bursts(), rt60_s, strength)).c50_db
        for rt60_s, strength in ((0.1, 0.0005), (1.0, 0.05))
    )
    assert clear > far + 15


def test_noise_is_heard():
    noise = np.random.default_rng(2).standard_normal(4 * RATE)
    told = [
        DecayRegression()((bursts() + level * noise).astype(np.float32)).snr_db
        for level in (0.0003, 0.003, 0.03)
    ]
    assert told[0] > told[1] + 8 and told[1] > told[2] + 8


def test_what_is_too_short_or_silent_is_not_told():
    short = DecayRegression()(bursts()[: RATE // 2])
    assert short.c50_db is None and short.snr_db is None and "under" in short.reason
    assert DecayRegression()(np.zeros(2 * RATE, np.float32)) == (None, None, "silence")
