"""Fit the embedded estimator of clarity (C50) and noise, and say how well it does.

    python benchmarks/fit_reverberation.py SPEECH --out src/msc_kedro/listening/reverberation.json

SPEECH holds a folder per voice with dry recordings in it (FLAC or WAV). The weights in the
repository were fitted to the 28 English voices of Kokoro-82M (Apache-2.0), sentences from everyday
dialogue; no voice, room, noise or sentence of the demo is among them.

Every example is one or two sentences of one voice with a pause between, in a room drawn for it
alone: either dense noise under a frequency-dependent exponential decay behind a few single
reflections (Polack 1988), or a box by the image method (Allen and Berkley 1979). Then noise of a
random colour, for half of them AAC, and a cut of 1 to 8 s. C50 is computed from the
impulse response, SNR from the two signals that were added. A fifth of the voices is held out.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import zlib
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import soundfile
import soxr
from scipy.fft import next_fast_len
from scipy.signal import oaconvolve

from msc_kedro.listening.reverberation import decay_features

RATE = 16_000  # Hz
C50_DB, SNR_DB = (0.0, 60.0), (0.0, 60.0)
SOUND_M_S = 343.0
PER_ROOM = 4  # examples


def c50_of(response: np.ndarray) -> float:
    """Of a response whose direct sound is its loudest sample."""
    start = int(np.argmax(np.abs(response)))
    early = start + round(0.05 * RATE)
    late = np.sum(response[early:] ** 2)
    return float(10 * np.log10(np.sum(response[start:early] ** 2) / (late + 1e-12)))


def polack(random: np.random.Generator) -> np.ndarray:
    """Dense noise, decaying faster at high frequencies, at the strength that gives a drawn C50."""
    rt60_s = float(np.exp(random.uniform(np.log(0.12), np.log(1.6))))
    count = next_fast_len(round(1.1 * rt60_s * RATE), real=True)
    time = np.arange(count) / RATE
    tail = np.zeros(count)
    edges = np.array([0, 500, 2000, 9_000])
    faster = np.cumprod([1.0, random.uniform(0.7, 1.1), random.uniform(0.5, 1.0)])
    tilt = np.cumprod([1.0, random.uniform(0.5, 1.2), random.uniform(0.2, 1.0)])
    hz = np.fft.rfftfreq(count, 1 / RATE)
    for low, high, factor, gain in zip(edges, edges[1:], faster, tilt, strict=False):
        spectrum = np.fft.rfft(random.standard_normal(count))
        spectrum[(hz < low) | (hz >= high)] = 0
        tail += gain * np.fft.irfft(spectrum, count) * 10 ** (-3 * time / (rt60_s * factor))
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
    lowest = 10 * np.log10(first / late) + 0.5 if late > 0 else 60.0
    clarity = 10 ** (random.uniform(min(max(C50_DB[0], lowest), 59.0), C50_DB[1]) / 10)
    response = tail / np.sqrt(max(clarity * late - first, 1e-9))
    response[0] = 1.0
    return response


def box(random: np.random.Generator) -> np.ndarray:
    """A room with flat walls: mirror images of the source, each a fractional sample."""
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
    """Noise of a random slope, sometimes with mains hum, of power 1."""
    size = next_fast_len(count, real=True)
    spectrum = np.fft.rfft(random.standard_normal(size))
    spectrum *= np.maximum(np.fft.rfftfreq(size, 1 / RATE), 40.0) ** random.uniform(-1.2, 0.1)
    noise = np.fft.irfft(spectrum, size)[:count]
    noise /= np.sqrt(np.mean(noise**2))
    if random.random() < 0.15:
        base = random.choice([50.0, 60.0])
        time = np.arange(count) / RATE
        hum = sum(
            np.sin(2 * np.pi * base * n * time + random.uniform(0, 6.3)) / n**0.7
            for n in range(1, random.integers(3, 16))
        )
        noise = noise * random.uniform(0.1, 0.7) + hum / np.sqrt(np.mean(hum**2))
        noise /= np.sqrt(np.mean(noise**2))
    return noise


def through_aac(samples: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Encoded and decoded again."""
    import av

    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        stream = container.add_stream("aac", rate=RATE, layout="mono")
        stream.bit_rate = int(random.choice([32_000, 48_000, 64_000, 96_000]))
        frame = av.AudioFrame.from_ndarray(
            samples.astype(np.float32)[None], format="fltp", layout="mono"
        )
        frame.sample_rate = RATE
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            container.mux(packet)
    file.seek(0)
    with av.open(file) as container:
        found = [frame.to_ndarray().ravel() for frame in container.decode(audio=0)]
    return np.concatenate(found).astype(np.float64)


def example(
    sentences: list[np.ndarray], random: np.random.Generator
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Features [k] and what they are to tell, C50 and SNR in dB: two noises, two cuts of each."""
    parts = []
    for place in random.permutation(len(sentences))[: random.integers(1, 3)]:
        pause = np.zeros(round(random.uniform(0.15, 0.8) * RATE))
        parts += [pause, sentences[place] * 10 ** (random.uniform(-3, 3) / 20)]
    dry = np.concatenate([*parts, np.zeros(round(random.uniform(0.05, 0.5) * RATE))])
    longest = round(9 * RATE)
    start = random.integers(0, max(1, len(dry) - longest))
    dry = dry[start : start + longest]
    response = polack(random) if random.random() < 0.7 else box(random)
    wet = oaconvolve(dry, response)[: len(dry)]
    spoken = np.convolve(dry**2, np.ones(160) / 160, "same") > 1e-4 * np.mean(dry**2)
    power = np.mean(wet[spoken] ** 2)
    rows, targets = [], []
    for _ in range(2):
        snr_db = random.uniform(*SNR_DB)
        noise = coloured(len(wet), random)
        track = wet + np.sqrt(power / 10 ** (snr_db / 10)) * noise
        track *= 10 ** (random.uniform(-30, -3) / 20) / np.max(np.abs(track))
        if random.random() < 0.5:
            track = through_aac(track, random)
        for _ in range(2):
            length = round(min(random.uniform(1.0, 8.0) * RATE, len(track)))
            start = random.integers(0, len(track) - length + 1)
            rows.append(decay_features(track[start : start + length].astype(np.float32)))
            targets.append(np.array([np.clip(c50_of(response), *C50_DB), snr_db]))
    return rows, targets


def examples(
    folder: Path, count: int, seed: int, kept: Path | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Features [n, k], targets [n, 2] and whether the voice is held out [n]; four a room."""
    voices = {}
    for place in sorted(p for p in folder.iterdir() if p.is_dir()):
        files = sorted([*place.glob("*.flac"), *place.glob("*.wav")])
        voices[place.name] = [
            soxr.resample(*soundfile.read(f, dtype="float32"), RATE).astype(np.float64)
            for f in files
        ]
    names = sorted(voices)
    held = set(sorted(names, key=lambda name: zlib.crc32(name.encode()))[: len(names) // 5])
    rows: list[np.ndarray] = []
    targets: list[np.ndarray] = []
    out: list[bool] = []
    for number in range(count):
        random = np.random.default_rng([seed, number])
        name = names[random.integers(len(names))]
        features, target = example(voices[name], random)
        rows += features
        targets += target
        out += [name in held] * len(features)
        if kept is not None and ((number + 1) % 100 == 0 or number + 1 == count):
            np.savez(kept, x=np.array(rows), y=np.array(targets), held=np.array(out))
            print(f"{number + 1}/{count} rooms", flush=True)
    return np.array(rows), np.array(targets), np.array(out)


def rounded(values: np.ndarray, digits: int = 4) -> list:
    """Significant digits enough for the figures to come out the same to 0.1 dB."""
    return [
        rounded(row) if isinstance(row, np.ndarray) else float(f"{row:.{digits}g}")
        for row in values
    ]


def network_of(alpha: float, seed: int):
    """The network that is fitted; `alpha` is its weight decay."""
    from sklearn.neural_network import MLPRegressor

    return MLPRegressor(
        hidden_layer_sizes=(32,), alpha=alpha, early_stopping=True, random_state=seed, max_iter=300
    )


def main() -> None:
    from sklearn.model_selection import GroupKFold, cross_val_score

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("speech", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--rooms", type=int, default=1_100)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--features", type=Path, help="kept here, so that only the fit is redone")
    arguments = parser.parse_args()
    kept = arguments.features
    if kept is not None and kept.is_file():
        found = np.load(kept)
        x, y, held = found["x"], found["y"], found["held"]
    else:
        x, y, held = examples(arguments.speech, arguments.rooms, arguments.seed, kept)
    mean, scale = x[~held].mean(axis=0), x[~held].std(axis=0) + 1e-6
    ready = np.clip((x - mean) / scale, -5, 5)
    rooms = np.arange(len(x)) // PER_ROOM
    alpha = max(
        (1.0, 10.0, 100.0),
        key=lambda a: cross_val_score(
            network_of(a, arguments.seed),
            ready[~held],
            y[~held] / 10,
            groups=rooms[~held],
            cv=GroupKFold(3),
            scoring="neg_mean_absolute_error",
        ).mean(),
    )
    network = network_of(alpha, arguments.seed).fit(ready[~held], y[~held] / 10)
    guess = np.clip(10 * network.predict(ready[held]), *np.transpose([C50_DB, SNR_DB]))
    error = guess - y[held]
    enough = y[held][:, 1] >= 20
    quality = {
        "held_out_examples": int(held.sum()),
        "fitted_examples": int((~held).sum()),
        "weight_decay": alpha,
        "c50_mean_absolute_error_db": round(float(np.abs(error[:, 0]).mean()), 2),
        "c50_mean_absolute_error_db_at_snr_20_or_more": round(
            float(np.abs(error[enough, 0]).mean()), 2
        ),
        "c50_correlation": round(float(np.corrcoef(guess[:, 0], y[held][:, 0])[0, 1]), 3),
        "snr_mean_absolute_error_db": round(float(np.abs(error[:, 1]).mean()), 2),
        "snr_correlation": round(float(np.corrcoef(guess[:, 1], y[held][:, 1])[0, 1]), 3),
    }
    print(json.dumps(quality, indent=1))
    scales = [1.0] * (len(network.coefs_) - 1) + [10.0]  # the last layer speaks in dB
    document = {
        "made_by": "benchmarks/fit_reverberation.py",
        "quality": quality,
        "bounds_db": [C50_DB, SNR_DB],
        "mean": rounded(mean),
        "scale": rounded(scale),
        "layers": [
            {"weight": rounded(weight * s), "bias": rounded(bias * s)}
            for weight, bias, s in zip(network.coefs_, network.intercepts_, scales, strict=True)
        ],
    }
    arguments.out.write_text(json.dumps(document, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
