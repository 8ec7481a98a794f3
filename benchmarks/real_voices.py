"""Pitch and gender of real voices: against praat, and against who is known to speak.

Part of voice_and_features.py (--real). The recordings are those of speakers_pieces.py and the
composite of three of them. A voice is all that one person says in one recording while nobody else
speaks, joined.

Praat (`pip install praat-parselmouth`; GPL, so for comparison only): autocorrelation, a frame every
10 ms, twice: from 60 to 700 Hz, then from 0.75 of the lower to 1.5 of the upper quartile of what
that found (De Looze and Hirst 2008). The median is that of voiced frames.

Gender is known of people in AMI by their names there, of the others by who they are; of the clerk
and the customer of the call it is not known.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from speakers_pieces import ALONE, CALL, KATIE_AND_STEVE, Turn, alone, read_rttm
from voice_measures import opener

from msc_kedro.listening.pitch import PitchTracker
from msc_kedro.listening.sound import SAMPLE_RATE
from msc_kedro.media.sound import read_mono

SHORTEST_S, FEWEST_S = 0.35, 1.0  # of a stretch, and of all of a voice
CLOSE = 0.03  # of praat's median
TIME_STEP_S, FIRST_HZ = 0.01, (60.0, 700.0)
OF_QUARTILES = 0.75, 1.5
COMPOSITE = [  # its shots
    *[(0.0, 4.0, "sad_aoc"), (4.0, 8.0, "sad_katie"), (8.0, 12.0, "sad_aoc")],
    *[(12.0, 16.0, "sad_katie"), (16.0, float("inf"), "obama")],
]
IN_THE_SAMPLE = {"speaker90": "Diane", "speaker91": "Sheila"}  # by the words in its STM
WOMEN = ("sad_aoc", "sad_katie", "Katie", "Diane", "Sheila")
MEN = ("jfk", "obama", "Steve")


@dataclass(frozen=True)
class Voice:
    """What one person says in a recording: mono [n] at 16 kHz; gender where it is known."""

    recording: str
    who: str
    gender: str | None
    samples: np.ndarray


@dataclass(frozen=True)
class Heard:
    """Medians of the pitch by praat and by us, and the gender that is heard."""

    voice: Voice
    praat_hz: float
    ours_hz: float
    voiced_s: tuple[float, float]  # by praat, by us
    both_hz: tuple[float, float]  # medians of the frames that both call voiced
    gender: str | None

    @property
    def apart(self) -> float:
        return self.ours_hz / self.praat_hz - 1


def turns_of(folder: Path) -> Iterator[tuple[str, Path, Sequence[Turn], bool]]:
    """Recordings with the turns that are known: name, file, turns, whether they are of AMI."""
    for rttm in sorted((folder / "audio" / "ami").glob("*.rttm")):
        for name, turns in read_rttm(rttm).items():
            yield name, rttm.with_name(f"{name}.wav"), turns, True
    sample = Path(find_spec("pyannote.audio").origin).parent / "sample"
    turns = read_rttm(sample / "sample.rttm")["sample"]
    named = [(a, b, IN_THE_SAMPLE[who]) for a, b, who in turns]
    yield "pyannote's sample", sample / "sample.wav", named, False
    for name, spans in (("commercial_mono", CALL), ("katiesteve", KATIE_AND_STEVE)):
        turns = tuple((a, b, who) for who, own in spans.items() for a, b in own)
        yield name, folder / "audio" / f"{name}.wav", turns, False
    for name, file in ALONE.items():
        yield name, folder / file, [(0.0, float("inf"), name)], False
    yield "composite_3speakers", folder / "video" / "composite_3speakers.mp4", COMPOSITE, False


def voices(folder: Path) -> Iterator[Voice]:
    """Of each recording whoever says enough in it alone."""
    for name, file, turns, of_ami in turns_of(folder):
        if not file.is_file():
            continue
        sound = read_mono(file)
        parts: dict[str, list[np.ndarray]] = {}
        for start_s, end_s, who in sorted(alone(tuple(turns))):
            end = len(sound) if end_s == float("inf") else round(end_s * SAMPLE_RATE)
            part = sound[round(start_s * SAMPLE_RATE) : end]
            if len(part) >= SHORTEST_S * SAMPLE_RATE:
                parts.setdefault(who, []).append(part)
        for who, own in sorted(parts.items()):
            if sum(map(len, own)) < FEWEST_S * SAMPLE_RATE:
                continue
            gender = "female" if who in WOMEN else "male" if who in MEN else None
            if of_ami:  # FEO066: the first letter
                gender = {"F": "female", "M": "male"}[who[0]]
            yield Voice(name, who, gender, np.concatenate(own))


def by_praat(samples: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Times [f] in seconds and pitch [f] in Hz, 0 where there is none."""
    import parselmouth

    sound = parselmouth.Sound(samples.astype(np.float64), SAMPLE_RATE)

    def track(floor_hz: float, ceiling_hz: float):
        return sound.to_pitch_ac(
            time_step=TIME_STEP_S, pitch_floor=floor_hz, pitch_ceiling=ceiling_hz
        )

    first = track(*FIRST_HZ).selected_array["frequency"]
    lower, upper = np.percentile(first[first > 0], (25, 75))
    second = track(OF_QUARTILES[0] * lower, OF_QUARTILES[1] * upper)
    return second.xs(), second.selected_array["frequency"]


def heard(voice: Voice, tracker: PitchTracker, classify) -> Heard:
    """What praat and we say of a voice."""
    times, praat = by_praat(voice.samples)
    ours = tracker(voice.samples)
    nearest = np.abs(ours.times_s[None] - times[:, None]).argmin(axis=1)
    both = (praat > 0) & ours.voiced[nearest]
    guess = classify(voice.samples)
    return Heard(
        voice,
        float(np.median(praat[praat > 0])),
        float(np.median(ours.f0_hz[ours.voiced])),
        (float((praat > 0).sum() * TIME_STEP_S), float(ours.voiced.sum() * 0.016)),
        (float(np.median(praat[both])), float(np.median(ours.f0_hz[nearest][both]))),
        guess.label if guess else None,
    )


def report(found: Sequence[Heard]) -> str:
    """The figures in Markdown."""
    close = [abs(one.apart) <= CLOSE for one in found]
    off = np.abs([one.apart for one in found])
    known = [one for one in found if one.voice.gender]
    right = sum(one.gender == one.voice.gender for one in known)
    lines = [
        f"{len(found)} voices: {sum(close)} within {CLOSE:.0%} of praat's median, the median "
        f"difference is {np.median(off):.1%}, the largest {off.max():.1%}. Gender is known of "
        f"{len(known)} and right for {right}.",
        "",
        "| recording | who | sound | praat | this | apart | voiced: praat, this | both voiced | "
        "gender: known, heard |",
        "|---|---|--:|--:|--:|--:|--:|--:|---|",
    ]
    lines += [
        f"| {one.voice.recording} | {one.voice.who} | "
        f"{len(one.voice.samples) / SAMPLE_RATE:.1f} s | {one.praat_hz:.1f} Hz | "
        f"{one.ours_hz:.1f} Hz | {one.apart:+.1%} | {one.voiced_s[0]:.1f}, "
        f"{one.voiced_s[1]:.1f} s | {one.both_hz[0]:.1f}, {one.both_hz[1]:.1f} Hz | "
        f"{one.voice.gender or 'unknown'}, {one.gender} |"
        for one in found
    ]
    return "\n".join(lines)


def measured(folder: Path) -> str:
    """The figures of the recordings in a folder, in Markdown."""
    tracker, classify = PitchTracker(), opener("gender_classifier").open()
    return report([heard(voice, tracker, classify) for voice in voices(folder)])
