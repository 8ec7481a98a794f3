"""Rooms of known clarity, noise and codecs, as `fit_reverberation.py` draws them."""

from __future__ import annotations

import io

import numpy as np
from scipy.fft import next_fast_len

RATE = 16_000  # Hz
LOWEST_C50_DB, HIGHEST_C50_DB = (
    -5.0,
    66.0,
)  # drawn evenly; above 60 dB nothing can be told apart
SOUND_M_S = 343.0


def c50_of(response: np.ndarray) -> float:
    """Clarity (ISO 3382-1) of a response whose direct sound is its loudest sample."""
    start = int(np.argmax(np.abs(response)))
    early = start + round(0.05 * RATE)
    late = np.sum(response[early:] ** 2)
    return float(10 * np.log10(np.sum(response[start:early] ** 2) / (late + 1e-12)))


def made_room(random: np.random.Generator) -> np.ndarray:
    """An impulse response: three in twenty are no room at all, the others one of two models."""
    kind = random.random()
    if kind < 0.15:
        return np.ones(1)
    return polack(random) if kind < 0.75 else box(random)


def polack(random: np.random.Generator) -> np.ndarray:
    """Dense noise at the strength of a drawn C50; three in five are duller and shorter high up."""
    rt60_s = float(np.exp(random.uniform(np.log(0.12), np.log(1.6))))
    count = next_fast_len(round(random.uniform(0.9, 1.2) * rt60_s * RATE), real=True)
    time = np.arange(count) / RATE
    tail = np.zeros(count)
    edges = np.array([0, 500, 2000, 9_000])
    faster = tilt = np.ones(3)
    if random.random() < 0.6:
        faster = np.cumprod([1.0, random.uniform(0.7, 1.1), random.uniform(0.5, 1.0)])
        tilt = np.cumprod([1.0, random.uniform(0.5, 1.2), random.uniform(0.3, 1.0)])
    hz = np.fft.rfftfreq(count, 1 / RATE)
    noise = np.fft.rfft(random.standard_normal(count))
    for low, high, factor, gain in zip(edges, edges[1:], faster, tilt, strict=False):
        band = np.where((hz >= low) & (hz < high), noise, 0)
        tail += gain * np.fft.irfft(band, count) * 10 ** (-3 * time / (rt60_s * factor))
    gap = round(random.uniform(0.001, 0.012) * RATE)
    tail[:gap] = 0
    tail /= np.sqrt(np.mean(tail[gap : gap + 320] ** 2)) + 1e-12
    singles = random.integers(0, 16)
    if singles:
        until = min(count, round(0.06 * RATE))
        places = random.integers(gap, until, singles)
        strength = random.uniform(1, 12) * 10 ** (-3 * places / (RATE * rt60_s))
        tail[places] += strength * random.choice([-1.0, 1.0], singles)
    early = round(0.05 * RATE)
    first, late = np.sum(tail[:early] ** 2), np.sum(tail[early:] ** 2)
    # The tail alone has this clarity; the direct sound can only add to it.
    lowest = 10 * np.log10(first / late) + 0.5 if late > 0 else HIGHEST_C50_DB
    clarity = 10 ** (random.uniform(np.clip(lowest, LOWEST_C50_DB, 65.0), HIGHEST_C50_DB) / 10)
    response = tail / np.sqrt(max(clarity * late - first, 1e-9))
    response[0] = 1.0
    return response


def box(random: np.random.Generator) -> np.ndarray:
    """A room with flat walls: mirror images of the source, each a fractional sample.

    The direct sound is up to 25 dB stronger than from a source that speaks alike in all directions.
    """
    size = random.uniform([2.5, 2.5, 2.2], [10.0, 8.0, 4.5])
    source, listener = (random.uniform(0.3, size - 0.3) for _ in range(2))
    listener = source + (listener - source) * random.uniform(0.05, 1.0)
    reflected = np.sqrt(1 - random.uniform(0.15, 0.9))
    order = 9
    grid = np.arange(-order, order + 1)
    images = []
    for axis in range(3):
        flips = grid % 2 != 0
        place = grid * size[axis] + np.where(flips, size[axis] - source[axis], source[axis])
        images.append(place - listener[axis])
    distance = np.sqrt(
        images[0][:, None, None] ** 2 + images[1][None, :, None] ** 2 + images[2][None, None] ** 2
    )
    bounces = (
        np.abs(grid)[:, None, None] + np.abs(grid)[None, :, None] + np.abs(grid)[None, None, :]
    )
    amplitude = reflected**bounces / np.maximum(distance, 0.1)
    amplitude[order, order, order] *= 10 ** (random.uniform(0, 25) / 20)
    # Air and walls scatter: a mirror image's sign is left to chance beyond the first order.
    amplitude *= np.where(bounces > 1, random.choice([-1.0, 1.0], bounces.shape), 1.0)
    when = distance / SOUND_M_S * RATE
    when -= when.min()
    kept = when < 0.7 * RATE
    response = np.zeros(round(0.7 * RATE) + 2)
    whole = when[kept].astype(int)
    part = when[kept] - whole
    np.add.at(response, whole, amplitude[kept] * (1 - part))
    np.add.at(response, whole + 1, amplitude[kept] * part)
    return response / np.max(np.abs(response))


def coloured(count: int, random: np.random.Generator) -> np.ndarray:
    """Noise of a random slope, some of it with mains hum or slowly changing, of power 1."""
    size = next_fast_len(count, real=True)
    spectrum = np.fft.rfft(random.standard_normal(size))
    spectrum *= np.maximum(np.fft.rfftfreq(size, 1 / RATE), 40.0) ** random.uniform(-1.2, 0.1)
    noise = np.fft.irfft(spectrum, size)[:count]
    noise /= np.sqrt(np.mean(noise**2))
    kind = random.random()
    if kind < 0.15:
        base = random.choice([50.0, 60.0])
        time = np.arange(count) / RATE
        noise *= random.uniform(0.1, 0.7)
        for n in range(1, random.integers(3, 16)):
            noise += np.sin(2 * np.pi * base * n * time + random.uniform(0, 6.3)) / n**0.7
    elif kind < 0.35:
        places = np.arange(0, count + RATE, RATE // 2)
        noise *= 10 ** (np.interp(np.arange(count), places, random.normal(0, 4, len(places))) / 20)
    return noise / np.sqrt(np.mean(noise**2))


def through_codec(samples: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Encoded and decoded again, AAC or (one in four) Opus."""
    import av

    opus = random.random() < 0.25
    file = io.BytesIO()
    with av.open(file, "w", format="ogg" if opus else "mp4") as container:
        stream = container.add_stream("libopus" if opus else "aac", rate=RATE, layout="mono")
        stream.bit_rate = int(random.choice([24_000, 32_000, 48_000, 64_000, 96_000]))
        if not opus:
            stream.options = {"aac_coder": "fast"}  # the default takes three times as long
        frame = av.AudioFrame.from_ndarray(
            samples.astype(np.float32)[None], format="fltp", layout="mono"
        )
        frame.sample_rate = RATE
        if opus:
            frame = av.AudioResampler(format="flt", layout="mono", rate=RATE).resample(frame)[0]
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            container.mux(packet)
    file.seek(0)
    resampler = av.AudioResampler(format="fltp", layout="mono", rate=RATE)
    found = []
    with av.open(file) as container:
        for decoded in [*container.decode(audio=0), None]:
            found += [one.to_ndarray().ravel() for one in resampler.resample(decoded)]
    return np.concatenate(found).astype(np.float64)
