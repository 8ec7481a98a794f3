"""On a made voice: pulses through two formants, whose pitch and envelope are known."""

import numpy as np
import pytest

from msc_kedro.speaking.fundamental import fundamental
from msc_kedro.speaking.world import reshape, warp
from msc_kedro.voice.manner import Identity, Manner, Speech

RATE = 22_050


@pytest.fixture(scope="module")
def vowel():
    """1.5 s whose pitch swings between about 105 and 135 Hz."""
    from scipy.signal import lfilter

    time = np.arange(int(1.5 * RATE)) / RATE
    pitch = 120 * 2 ** (np.sin(2 * np.pi * 1.5 * time) * 2 / 12)
    phase = np.cumsum(pitch) / RATE
    wave = np.diff(np.floor(phase), prepend=0)
    for formant in (600, 1700):
        pole = np.exp(-np.pi * 90 / RATE + 2j * np.pi * formant / RATE)
        wave = lfilter([1], np.real(np.poly([pole, pole.conjugate()])), wave)
    return Speech((0.3 * wave / np.abs(wave).max()).astype(np.float32), RATE)


def pitch_of(speech):
    f0, _ = fundamental(speech, frame_ms=5, lowest_hz=50, highest_hz=500)
    return f0[f0 > 0]


def test_nothing_to_change_leaves_the_speech_alone(vowel):
    assert reshape(vowel, manner=Manner(), identity=Identity()) is vowel


def test_silence_stays_silence():
    silence = Speech(np.zeros(8000, np.float32), RATE)
    made = reshape(silence, manner=Manner(semitones=3), identity=Identity())
    assert not made.samples.any()


@pytest.mark.parametrize("semitones", [-4, 3, 7])
def test_pitch_is_shifted_by_the_semitones_asked_for(vowel, semitones):
    made = reshape(vowel, manner=Manner(semitones=semitones), identity=Identity())
    shift = 12 * np.log2(np.median(pitch_of(made)) / np.median(pitch_of(vowel)))
    assert shift == pytest.approx(semitones, abs=0.3)
    assert len(made.samples) == len(vowel.samples)


@pytest.mark.parametrize("spread", [0.4, 1.6])
def test_range_scales_the_swing_of_the_pitch(vowel, spread):
    made = reshape(vowel, manner=Manner(range=spread), identity=Identity())
    ratio = np.log(pitch_of(made)).std() / np.log(pitch_of(vowel)).std()
    assert ratio == pytest.approx(spread, rel=0.15)


def test_tempo_shortens_and_keeps_the_pitch(vowel):
    made = reshape(vowel, manner=Manner(), identity=Identity(), tempo=1.25)
    assert len(made.samples) == round(len(vowel.samples) / 1.25)
    assert np.median(pitch_of(made)) == pytest.approx(np.median(pitch_of(vowel)), rel=0.03)


def test_manner_and_identity_add_up(vowel):
    both = reshape(vowel, manner=Manner(semitones=2), identity=Identity(semitones=1, formant=1.1))
    one = reshape(vowel, manner=Manner(), identity=Identity(semitones=3, formant=1.1))
    assert np.array_equal(both.samples, one.samples)


def test_loudness_is_kept_and_the_same_call_gives_the_same_samples(vowel):
    made, again = (
        reshape(vowel, manner=Manner(semitones=-3), identity=Identity(formant=0.9))
        for _ in range(2)
    )
    assert np.array_equal(made.samples, again.samples)
    loud = np.sqrt(np.mean(made.samples**2)) / np.sqrt(np.mean(vowel.samples**2))
    assert loud == pytest.approx(1, rel=0.02)
    assert np.abs(made.samples).max() <= 1


def test_formants_move_by_the_factor():
    bins = np.arange(513)
    peak = np.exp(-(((bins - 200) / 10) ** 2))[None, :]
    assert warp(peak, 1.1).argmax() == 220
    assert warp(peak, 0.9).argmax() == 180
    assert warp(peak, 1.0) == pytest.approx(peak)
