"""What the limits of pace and pitch were chosen on: dry speech put into drawn rooms and noise.

Part of voice_and_features.py (--limits). SPEECH holds a folder per voice with dry recordings in it,
as for fit_reverberation.py, whose rooms and noises are drawn here: signal to noise ratio 10 to
50 dB, for half of them AAC. What is true is taken from the dry speech: the seconds in which it is
within 40 dB of its loudest 10 ms, pauses of more than 0.15 s left out; and, where praat can be
imported, the median of its pitch. No voice, room or sentence of the demo is among them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import soundfile
import soxr
from made_rooms import box, coloured, polack, through_codec
from real_voices import CLOSE, by_praat
from scipy.signal import oaconvolve
from voice_measures import spoken_s

from msc_kedro.listening.activity import speech_spans
from msc_kedro.listening.pitch import PitchTracker
from msc_kedro.listening.rate import heard_duration
from msc_kedro.listening.sound import SAMPLE_RATE
from msc_kedro.voice.manner import Speech

SNR_DB = (10.0, 50.0)


@dataclass(frozen=True)
class Example:
    """Sound [n] at 16 kHz as it is heard, and of the dry speech in it what is true."""

    samples: np.ndarray
    spoken_s: float
    pitch_hz: np.ndarray  # of its voiced frames; empty without praat


def example(sentences: list[np.ndarray], random: np.random.Generator, praat: bool) -> Example:
    """One or two sentences with a pause between, in a room of their own."""
    parts: list[np.ndarray] = []
    for place in random.permutation(len(sentences))[: random.integers(1, 3)]:
        pause = random.uniform(0.15, 0.9) if parts else random.uniform(0.0, 0.3)
        parts += [
            np.zeros(round(pause * SAMPLE_RATE)),
            sentences[place] * 10 ** (random.uniform(-3, 3) / 20),
        ]
    dry = np.concatenate([*parts, np.zeros(round(random.uniform(0.0, 0.3) * SAMPLE_RATE))])
    response = polack(random) if random.random() < 0.7 else box(random)
    wet = oaconvolve(dry, response)[: len(dry)]
    spoken = np.convolve(dry**2, np.ones(160) / 160, "same") > 1e-4 * np.mean(dry**2)
    power = np.mean(wet[spoken] ** 2) / 10 ** (random.uniform(*SNR_DB) / 10)
    track = wet + np.sqrt(power) * coloured(len(wet), random)
    track *= 10 ** (random.uniform(-30, -3) / 20) / np.max(np.abs(track))
    if random.random() < 0.5:
        track = through_codec(track, random)[: len(wet)]
    pitch = by_praat(dry)[1] if praat else np.zeros(0)
    return Example(track.astype(np.float32), spoken_s(Speech(dry, SAMPLE_RATE)), pitch[pitch > 0])


def examples(folder: Path, count: int, seed: int) -> list[Example]:
    """So many of them, each of a voice and in a room drawn for it."""
    voices = [
        [
            soxr.resample(*soundfile.read(f, dtype="float32"), SAMPLE_RATE).astype(np.float64)
            for f in sorted([*place.glob("*.flac"), *place.glob("*.wav")])
        ]
        for place in sorted(p for p in folder.iterdir() if p.is_dir())
    ]
    voices = [sentences for sentences in voices if sentences]
    praat = find_spec("parselmouth") is not None
    made = []
    for number in range(count):
        random = np.random.default_rng([seed, number])
        made.append(example(voices[random.integers(len(voices))], random, praat))
    return made


def by_spans(samples: np.ndarray) -> float:
    """Seconds in the spans that recognition reads."""
    return sum(end_s - start_s for start_s, end_s in speech_spans(samples))


def time_row(name: str, measure: Callable[[np.ndarray], float], made: list[Example]) -> str:
    """Errors of the time spoken, in parts of it."""
    off = np.array([np.log(max(measure(one.samples), 0.1) / one.spoken_s) for one in made])
    return (
        f"| {name} | {np.median(off):+.1%} | {np.median(np.abs(off)):.1%} | "
        f"{np.sqrt(np.mean(off**2)):.1%} |"
    )


def pitch_row(name: str, tracker: PitchTracker, made: list[Example]) -> str:
    """Errors of mean and spread of the pitch."""
    median, mean, spread, missed = [], [], [], 0
    for one in made:
        track = tracker(one.samples)
        f0 = track.f0_hz[track.voiced]
        if len(f0) < 10:
            missed += 1
            continue
        median.append(abs(np.median(f0) / np.median(one.pitch_hz) - 1))
        mean.append(abs(f0.mean() / one.pitch_hz.mean() - 1))
        spread.append(abs(np.log((f0.std() + 0.5) / (one.pitch_hz.std() + 0.5))))
    return (
        f"| {name} | {np.mean(np.array(median) <= CLOSE):.0%} | {np.median(mean):.1%} | "
        f"{np.quantile(mean, 0.9):.1%} | {np.median(spread):.1%} | {missed} |"
    )


def measured(folder: Path, *, count: int = 300, seed: int = 11) -> str:
    """Errors by limit, in Markdown."""
    made = examples(folder, count, seed)
    lines = [
        f"{len(made)} examples.",
        "",
        "| time spoken | median error | median size | root mean square |",
        "|---|--:|--:|--:|",
        time_row("spans for recognition", by_spans, made),
    ]
    for threshold in (0.3, 0.4, 0.5):
        for as_loud_db in (0.0, 6.0, 10.0):
            lines.append(
                time_row(
                    f"speech from {threshold}, or within {as_loud_db:.0f} dB",
                    lambda x, t=threshold, db=as_loud_db: heard_duration(
                        x, threshold=t, as_loud_db=db
                    ),
                    made,
                )
            )
    made = [one for one in made if len(one.pitch_hz) >= 20]
    if not made:
        return "\n".join([*lines, "", "Pitch: praat-parselmouth is not installed."])
    lines += [
        "",
        "| pitch | median within 3 % | mean: median error | mean: 9 of 10 within | "
        "spread: median error | none found |",
        "|---|--:|--:|--:|--:|--:|",
    ]
    for voiced in (0.2, 0.3, 0.4, 0.5):
        for silence_db in (20.0, 25.0, 35.0):
            tracker = PitchTracker(voiced=voiced, silence_db=silence_db)
            name = f"confidence {voiced}, down to {silence_db:.0f} dB"
            lines.append(pitch_row(name, tracker, made))
    return "\n".join(lines)
