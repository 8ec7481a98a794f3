"""Rooms and noise do what they state."""

import numpy as np
import pytest

from msc_kedro.corpora.demo.acoustics import (
    COLOURS,
    ROOMS,
    Noise,
    Room,
    clarity_db,
    coloured,
    impulse_response,
    reverberant,
    with_noise,
)
from msc_kedro.voice.bins import level, words

RATE = 24_000


def power_db(samples):
    return 10 * np.log10(np.mean(np.square(samples)))


@pytest.mark.parametrize("rate", [16_000, 24_000, 48_000])
@pytest.mark.parametrize("room", ROOMS.values(), ids=list(ROOMS))
def test_a_room_has_the_clarity_it_states(room, rate):
    response = impulse_response(room, sample_rate=rate)
    early, late = response[: rate // 20], response[rate // 20 :]
    assert 10 * np.log10(np.sum(early**2) / np.sum(late**2)) == pytest.approx(room.c50_db, abs=0.01)
    assert clarity_db(response, sample_rate=rate) == pytest.approx(room.c50_db, abs=0.01)


def test_clarity_counts_the_first_50_ms_as_early():
    response = np.zeros(RATE)
    response[0], response[RATE // 20 - 1], response[RATE // 20] = 3.0, 1.0, 1.0
    assert clarity_db(response, sample_rate=RATE) == pytest.approx(10.0)


@pytest.mark.parametrize("room", ROOMS.values(), ids=list(ROOMS))
def test_the_tail_of_a_room_falls_as_fast_as_it_states(room):
    response = impulse_response(room, sample_rate=RATE)
    assert response[0] == 1 == np.max(np.abs(response))
    left = np.cumsum(response[::-1] ** 2)[::-1]  # Schroeder 1965
    left_db = 10 * np.log10(left / left[1])
    first, last = (int(np.argmax(left_db <= fall)) for fall in (-15, -35))
    slope = (left_db[last] - left_db[first]) / (last - first) * RATE
    assert -60 / slope == pytest.approx(room.rt60_s, rel=0.1)


def test_a_room_always_sounds_the_same_and_two_rooms_do_not():
    one, again, other = (
        impulse_response(Room(name, 30.0, 0.4), sample_rate=RATE) for name in ("a", "a", "b")
    )
    assert np.array_equal(one, again)
    assert not np.allclose(one, other)


def test_a_clarity_that_cannot_be_is_refused():
    with pytest.raises(ValueError, match="too little for 3"):
        impulse_response(Room("cave", -12.0, 3.0), sample_rate=RATE)


def test_rooms_reach_every_level_of_reverberation():
    assert {level("reverberation", room.c50_db) for room in ROOMS.values()} == set(
        words("reverberation")
    )


def test_what_is_heard_is_the_convolution():
    random = np.random.default_rng(0)
    speech = random.standard_normal(3000).astype(np.float32)
    response = impulse_response(ROOMS["office"], sample_rate=8000)
    expected = np.convolve(speech, response)[:3000]
    assert reverberant(speech, response) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("colour", COLOURS)
@pytest.mark.parametrize("snr_db", [0.0, 30.0])
def test_noise_is_as_far_below_the_speech_as_stated(colour, snr_db):
    random = np.random.default_rng(1)
    speech = np.zeros(2 * RATE)
    spans = [(2000, 9000), (8000, 20_000)]  # they overlap
    speech[2000:20_000] = 0.1 * random.standard_normal(18_000)
    speech[30_000:31_000] = 5.0  # outside the turns: does not count
    track = with_noise(speech, Noise(colour, snr_db), spans=spans, sample_rate=RATE, random=random)
    found = power_db(speech[2000:20_000]) - power_db(track - speech)
    assert found == pytest.approx(snr_db, abs=0.01)


@pytest.mark.parametrize(
    ("colour", "per_octave_db"), [("hiss", 0.0), ("pink", -3.01), ("rumble", -6.02)]
)
def test_a_colour_falls_by_so_much_per_octave(colour, per_octave_db):
    noise = coloured(colour, 8 * RATE, RATE, np.random.default_rng(2))
    power = np.abs(np.fft.rfft(noise)) ** 2
    hertz = np.fft.rfftfreq(len(noise), 1 / RATE)
    octaves = [(low <= hertz) & (hertz < 2 * low) for low in (60, 120, 240, 480, 960, 1920)]
    per_hz_db = [10 * np.log10(np.mean(power[band])) for band in octaves]
    assert np.polyfit(range(6), per_hz_db, 1)[0] == pytest.approx(per_octave_db, abs=0.3)


def test_hum_is_mains_and_its_harmonics():
    noise = coloured("hum", 4 * RATE, RATE, np.random.default_rng(3))
    power = np.abs(np.fft.rfft(noise)) ** 2
    hertz = np.fft.rfftfreq(len(noise), 1 / RATE)
    tones = (np.abs(hertz - 60 * np.rint(hertz / 60)) < 1) & (hertz > 50) & (hertz < 610)
    assert 10 * np.log10(np.sum(power[tones]) / np.sum(power[~tones])) == pytest.approx(15, abs=0.5)
