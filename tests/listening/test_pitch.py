"""Pitch and its statistics."""

import numpy as np
import pytest

from msc_kedro.listening.pitch import (
    PitchTrack,
    PitchTracker,
    octave_slips,
    pitch_statistics,
    within_range,
)

RATE = 16_000


def voiced_sound(f0_hz):
    """A buzz with the harmonics of a voice, its pitch given per sample."""
    phase = 2 * np.pi * np.cumsum(f0_hz) / RATE
    return sum(0.3 / k * np.sin(k * phase) for k in range(1, 12)).astype(np.float32) * 0.5


@pytest.fixture(scope="module")
def track():
    return PitchTracker()


@pytest.mark.parametrize("hz", [90.0, 140.0, 220.0, 330.0])
def test_a_steady_voice(track, hz):
    found = pitch_statistics(track(voiced_sound(np.full(2 * RATE, hz))))
    assert found.mean_hz == pytest.approx(hz, rel=0.02)
    assert found.std_hz < 3


def test_a_lively_voice_has_the_spread_it_was_given(track):
    times = np.arange(3 * RATE) / RATE
    f0 = 200 + 40 * np.sin(2 * np.pi * 1.5 * times)
    found = pitch_statistics(track(voiced_sound(f0)))
    assert found.mean_hz == pytest.approx(200, rel=0.03)
    assert found.std_hz == pytest.approx(f0.std(), rel=0.15)


def test_octave_slips_are_found():
    f0 = np.full(100, 200.0)
    f0[20:24], f0[60:63] = 400.0, 100.0
    slips = octave_slips(f0, np.ones(100, bool))
    assert np.flatnonzero(slips).tolist() == [20, 21, 22, 23, 60, 61, 62]
    assert not octave_slips(np.linspace(150, 290, 100), np.ones(100, bool)).any()


def test_what_a_voice_does_not_reach_is_none_of_its_pitch():
    f0 = np.concatenate([np.linspace(100, 160, 80), np.full(10, 66.0), np.full(10, 550.0)])
    voiced = np.arange(100) < 98
    assert within_range(f0, voiced)[:80].all() and not within_range(f0, voiced)[80:].any()
    assert not within_range(f0, np.zeros(100, bool)).any()


def test_hum_of_the_mains_in_the_pauses_is_no_pitch(track):
    times = np.arange(4 * RATE) / RATE
    voice = voiced_sound(np.full(4 * RATE, 110.0)) * (times % 1 < 0.5)
    hum = 0.02 * np.sin(2 * np.pi * 60 * times)
    found = pitch_statistics(track((voice + hum).astype(np.float32)))
    assert found.mean_hz == pytest.approx(110, rel=0.02)
    assert found.std_hz < 6


def test_without_voice_there_are_no_statistics(track):
    nothing = PitchTrack(np.zeros(0), np.zeros(0), np.zeros(0, bool))
    assert pitch_statistics(nothing) is None
    assert pitch_statistics(track(np.zeros(0, np.float32))) is None
    assert pitch_statistics(track(np.zeros(RATE, np.float32))) is None


@pytest.mark.real
@pytest.mark.parametrize(
    # Medians by pyworld's harvest (60-500 Hz), another method altogether.
    ("name", "harvest_hz"),
    [("video/obama.mp4", 138), ("video/sad_aoc.mp4", 212), ("video/sad_katie.mp4", 149)],
)
def test_agreement_with_another_tracker(track, clip, name, harvest_hz):
    found = track(clip(name))
    assert np.median(found.f0_hz[found.voiced]) == pytest.approx(harvest_hz, rel=0.05)
    assert (found.f0_hz[~found.voiced] == 0).all()
