"""Clarity and noise of made recordings, and of real ones."""

import numpy as np
import pytest
import soxr

from msc_kedro.listening.reverberation import (
    LONGEST_S,
    DecayRegression,
    band_levels,
    guess,
    network_input,
    quality,
)

RATE = 16_000


def bursts(seed: int = 0, seconds: float = 4.0) -> np.ndarray:
    """Noise that comes and goes three times a second, as syllables do; silent in between."""
    random = np.random.default_rng(seed)
    time = np.arange(round(seconds * RATE)) / RATE
    envelope = np.clip(np.sin(2 * np.pi * 3 * time), 0, None) ** 2
    return (0.2 * envelope * random.standard_normal(len(time))).astype(np.float32)


def room(c50_db: float, rt60_s: float, seed: int = 1) -> np.ndarray:
    """A direct sound of height 1 and an exponential decay at the strength of this clarity."""
    count, early = round(rt60_s * RATE), round(0.05 * RATE)
    decay = 10 ** (-3 * np.arange(count) / count)
    tail = np.random.default_rng(seed).standard_normal(count) * decay
    tail[:32] = 0
    clarity = 10 ** (c50_db / 10)
    strength = 1 / (clarity * np.sum(tail[early:] ** 2) - np.sum(tail[:early] ** 2))
    assert strength > 0, "no direct sound is weak enough for this clarity"
    response = tail * np.sqrt(strength)
    response[0] = 1.0
    measured = np.sum(response[:early] ** 2) / np.sum(response[early:] ** 2)
    assert 10 * np.log10(measured) == pytest.approx(c50_db, abs=0.01)
    return response


def heard(sound: np.ndarray, response: np.ndarray, snr_db: float = 45.0) -> np.ndarray:
    """In a room with some noise."""
    wet = np.convolve(sound, response)[: len(sound)]
    noise = np.random.default_rng(3).standard_normal(len(wet))
    noise *= np.sqrt(np.mean(wet**2)) * 10 ** (-snr_db / 20)
    return (wet + noise).astype(np.float32)


def test_what_the_network_sees_does_not_depend_on_loudness_or_microphone():
    soft = network_input(band_levels(0.1 * bursts()))
    for one, other in zip(network_input(band_levels(bursts())), soft, strict=True):
        assert one == pytest.approx(other, abs=0.01)
    brighter = np.linspace(0, 12, 19).astype(np.float32)
    levels = np.maximum(band_levels(bursts()), -60)
    below, colour = network_input(levels)
    seen, other = network_input(levels + brighter)
    assert seen[:, :19] == pytest.approx(below[:, :19], abs=0.01)
    assert np.ptp(other - colour) > 0.3


def test_a_hall_is_less_clear_than_a_studio():
    clear, far = (
        DecayRegression()(heard(bursts(), room(*of))).c50_db for of in ((55.0, 0.2), (8.0, 1.0))
    )
    assert clear > far + 15


def test_noise_is_heard():
    noise = np.random.default_rng(2).standard_normal(4 * RATE)
    told = [
        DecayRegression()((bursts() + level * noise).astype(np.float32)).snr_db
        for level in (0.0003, 0.003, 0.03)
    ]
    assert told[0] > told[1] + 8 and told[1] > told[2] + 8


def test_long_sound_is_looked_at_in_pieces():
    once = heard(bursts(seconds=LONGEST_S - 1), room(20.0, 0.6))
    long = DecayRegression()(np.tile(once, 5))
    assert long.c50_db == pytest.approx(DecayRegression()(once).c50_db, abs=3)


def test_what_is_too_short_or_silent_is_not_told():
    short = DecayRegression()(bursts()[: RATE // 2])
    assert short.c50_db is None and short.snr_db is None and "under" in short.reason
    assert DecayRegression()(np.zeros(2 * RATE, np.float32)) == (None, None, "silence")


def test_the_weights_say_how_good_they_are():
    assert quality()["c50_mean_absolute_error_db_at_snr_20_or_more"] < 5


@pytest.mark.real
def test_rooms_of_known_clarity_are_told(model_folder):
    """Against impulse responses: speech of a voice that the weights were not fitted to."""
    from msc_kedro.speaking.hibari import HibariVoice

    voice = HibariVoice(model_folder("voice_female"))
    texts = (
        "Where did you put the keys? I looked all over.",
        "It was late, and nobody came home.",
    )
    known = [(c50, rt60) for c50 in (10.0, 20.0, 30.0, 40.0, 50.0) for rt60 in (0.4, 0.8)]
    told = np.zeros((len(texts), len(known)))
    for row, text in enumerate(texts):
        speech = voice.plain(text, rate=1.0, seed=row)
        dry = soxr.resample(speech.samples, speech.sample_rate, RATE)
        for column, of in enumerate(known):
            guess = DecayRegression()(heard(dry, room(*of, seed=column)))
            told[row, column] = guess.c50_db
    error = told - [c50 for c50, _ in known]
    assert np.abs(error).mean() < 8 and np.abs(error).max() < 20
    assert np.corrcoef(told.mean(axis=0), [c50 for c50, _ in known])[0, 1] > 0.95


@pytest.mark.real
def test_an_address_in_the_open_is_less_clear_than_speech_at_a_desk(clip):
    """Over loudspeakers before a crowd (an inauguration), against two people at microphones."""
    far, close = (
        [clip(name, at, at + 4) for at in (0, 3.5, 7)]
        for name in ("audio/jfk.flac", "audio/katiesteve.wav")
    )
    assert None not in [DecayRegression()(one).c50_db for one in close]
    # The crowd covers the echo, so that its clarity may not be told; it is still thought lower.
    clear, unclear = (np.median([guess(band_levels(one))[0] for one in of]) for of in (close, far))
    assert clear > unclear + 8


def test_a_room_that_cannot_be_heard_is_not_told():
    """The noise covers all but the loudest moments; how loud it is can still be told."""
    dry = bursts()
    guess = DecayRegression()(heard(dry, np.ones(1), snr_db=-5.0))
    assert guess.c50_db is None and "noise" in guess.reason
    assert guess.snr_db is not None and guess.snr_db < 10
