"""Rooms one hears, and noise: made, so that reverberation and noise are known exactly.

C50 (clarity) as in ISO 3382-1: 10 log10 of the energy of an impulse response within 50 ms of the
direct sound over the energy after that.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

EARLY_S = 0.05  # after the direct sound: what C50 counts as early
SILENT_S = 0.003  # between the direct sound and the first that the walls send back
REFLECTIONS = 6  # single ones, before the echoes grow dense
REFLECTED = 8.0  # strength of a single one against the dense tail
DULL_HZ = 6000.0  # walls and air take what is above
LOWEST_HZ = 30.0  # of coloured noise
MAINS_HZ = 60.0
MAINS_HARMONICS = 10


@dataclass(frozen=True)
class Room:
    """A room with one place to speak and one to listen.

    `c50_db` is the clarity of its impulse response, `rt60_s` the time in which its tail falls by
    60 dB.
    """

    name: str
    c50_db: float
    rt60_s: float


@dataclass(frozen=True)
class Noise:
    """Noise of a colour (one of `COLOURS`), `snr_db` below the speech (see `with_noise`)."""

    colour: str
    snr_db: float


# One or more for each level of reverberation of data-speech, from "very close-sounding" on.
ROOMS: dict[str, Room] = {
    room.name: room
    for room in (
        Room("studio", 59.5, 0.15),
        Room("bedroom", 57.0, 0.25),
        Room("living room", 50.0, 0.35),
        Room("office", 40.0, 0.40),
        Room("kitchen", 30.0, 0.45),
        Room("classroom", 22.0, 0.60),
        Room("hall", 15.0, 0.90),
    )
}


def impulse_response(room: Room, *, sample_rate: int) -> NDArray[np.float64]:
    """The response of a room to one sample of height 1, `[rt60_s * sample_rate]`.

    The direct sound is sample 0 and has height 1. Behind it come a few single reflections and dense
    noise, both under one exponential envelope that falls by 60 dB in `rt60_s`, at the one strength
    that gives `c50_db`. A room always has the same response.

    Raises:
        ValueError: for a `c50_db` that no strength gives: so little that even a room without direct
            sound is clearer.
    """
    import numpy as np

    random = np.random.default_rng(zlib.crc32(room.name.encode()))
    count = round(room.rt60_s * sample_rate)
    silent, early = round(SILENT_S * sample_rate), round(EARLY_S * sample_rate)
    spectrum = np.fft.rfft(random.standard_normal(count))
    spectrum /= 1 + (np.fft.rfftfreq(count, 1 / sample_rate) / DULL_HZ) ** 2
    walls = np.fft.irfft(spectrum, count)
    walls /= np.sqrt(np.mean(walls**2))
    places = random.choice(np.arange(silent, early), REFLECTIONS, replace=False)
    walls[places] += REFLECTED * random.choice([-1.0, 1.0], REFLECTIONS)
    walls *= 10 ** (-3 * np.arange(count) / count)
    walls[:silent] = 0
    # (1 + g² early) / (g² late) = clarity, solved for g²
    clarity = 10 ** (room.c50_db / 10)
    left = clarity * np.sum(walls[early:] ** 2) - np.sum(walls[:early] ** 2)
    if left <= 0:
        raise ValueError(f"a C50 of {room.c50_db} dB is too little for {room.rt60_s} s")
    response = walls / np.sqrt(left)
    response[0] = 1.0
    return response


def clarity_db(response: NDArray[np.float64], *, sample_rate: int) -> float:
    """C50 of an impulse response `[n]` whose direct sound is its first sample."""
    import numpy as np

    early = round(EARLY_S * sample_rate)
    return float(10 * np.log10(np.sum(response[:early] ** 2) / np.sum(response[early:] ** 2)))


def reverberant(samples: NDArray[np.float32], response: NDArray[np.float64]) -> NDArray[np.float64]:
    """`samples` `[n]` as heard in a room, `[n]`: what would ring on after the last is cut off."""
    import numpy as np

    size = 1 << (len(samples) + len(response) - 2).bit_length()
    product = np.fft.rfft(samples.astype(np.float64), size) * np.fft.rfft(response, size)
    return np.fft.irfft(product, size)[: len(samples)]


def with_noise(
    speech: NDArray[np.float64],
    noise: Noise,
    *,
    spans: Sequence[tuple[int, int]],
    sample_rate: int,
    random: np.random.Generator,
) -> NDArray[np.float64]:
    """Speech with noise from its first sample to its last.

    The signal to noise ratio is the mean power of `speech` over the samples that are in any of
    `spans`, over the mean power of the noise.

    Args:
        speech: `[n]`, reverberant if it is.
        noise: colour and signal to noise ratio.
        spans: where the turns are, in samples.
        sample_rate: in Hz.
        random: draws the noise.
    """
    import numpy as np

    said = np.zeros(len(speech), bool)
    for start, end in spans:
        said[start:end] = True
    power = np.mean(speech[said] ** 2) / 10 ** (noise.snr_db / 10)
    return speech + np.sqrt(power) * coloured(noise.colour, len(speech), sample_rate, random)


def coloured(
    colour: str, count: int, sample_rate: int, random: np.random.Generator
) -> NDArray[np.float64]:
    """Noise of mean power 1, `[count]`.

    `hiss` has the same power per Hz everywhere (white), `pink` 3 dB less per octave, `rumble`
    6 dB less per octave (brown), all from 30 Hz on; `hum` is 60 Hz mains with its harmonics, over
    pink noise 15 dB below it.
    """
    import numpy as np

    size = 1 << (count - 1).bit_length()
    frequencies = np.fft.rfftfreq(size, 1 / sample_rate)
    spectrum = np.fft.rfft(random.standard_normal(size))
    spectrum *= np.maximum(frequencies, LOWEST_HZ) ** COLOURS[colour]
    spectrum[frequencies < LOWEST_HZ] = 0
    noise = _of_power_one(np.fft.irfft(spectrum, size)[:count])
    if colour == "hum":
        angle = 2 * np.pi * MAINS_HZ * np.arange(count) / sample_rate
        phases = random.uniform(0, 2 * np.pi, MAINS_HARMONICS)
        tones = sum(
            np.sin(order * angle + phase) / np.sqrt(order)
            for order, phase in enumerate(phases, start=1)
        )
        noise = _of_power_one(_of_power_one(tones) + 10 ** (-15 / 20) * noise)
    return noise


# Power of the frequency by which the amplitude grows.
COLOURS = {"hiss": 0.0, "pink": -0.5, "rumble": -1.0, "hum": -0.5}


def _of_power_one(samples: NDArray[np.float64]) -> NDArray[np.float64]:
    import numpy as np

    return samples / np.sqrt(np.mean(samples**2))
