"""What a mood does to the voice and to the face."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from msc_kedro.voice.manner import Manner

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class Expression:
    """The face of a mood.

    `smile` bends the mouth (-1 down, 1 up), `brow_lift` raises the brows (-1..1), `brow_slant`
    tilts them (-1 inner ends up, as in worry; 1 inner ends down, as in anger), `eyes` opens the
    lids (0 shut, 1 usual, 1.3 wide).
    """

    name: str
    smile: float
    brow_lift: float
    brow_slant: float
    eyes: float


@dataclass(frozen=True)
class Mood:
    """Voice and face of a mood; `gain_db` is its loudness against calm speech."""

    manner: Manner
    expression: Expression
    gain_db: float


_HAPPY = Expression("happy", smile=0.8, brow_lift=0.3, brow_slant=0.0, eyes=1.0)
_JOYFUL = Expression("joyful", smile=1.0, brow_lift=0.8, brow_slant=0.0, eyes=1.2)
_NEUTRAL = Expression("neutral", smile=0.1, brow_lift=0.0, brow_slant=0.0, eyes=1.0)
_SAD = Expression("sad", smile=-0.8, brow_lift=0.1, brow_slant=-0.9, eyes=0.7)
_TIRED = Expression("tired", smile=-0.3, brow_lift=-0.2, brow_slant=-0.3, eyes=0.45)
_AFRAID = Expression("afraid", smile=-0.5, brow_lift=0.7, brow_slant=-1.0, eyes=1.2)
_ANGRY = Expression("angry", smile=-0.7, brow_lift=-0.6, brow_slant=1.0, eyes=0.85)
_GENTLE = Expression("gentle", smile=0.5, brow_lift=0.2, brow_slant=-0.3, eyes=0.8)
_SURPRISED = Expression("surprised", smile=0.2, brow_lift=1.0, brow_slant=-0.1, eyes=1.35)
_STERN = Expression("stern", smile=-0.3, brow_lift=-0.3, brow_slant=0.4, eyes=0.9)

MOODS: dict[str, Mood] = {
    "cheerful": Mood(Manner(semitones=1.5, rate=1.08, range=1.3), _HAPPY, 1.0),
    "excited": Mood(Manner(semitones=3.0, rate=1.2, range=1.5), _JOYFUL, 2.5),
    "calm": Mood(Manner(semitones=-0.5, rate=0.94, range=0.85), _NEUTRAL, 0.0),
    "sad": Mood(Manner(semitones=-2.0, rate=0.8, range=0.6), _SAD, -3.0),
    "tired": Mood(Manner(semitones=-2.5, rate=0.76, range=0.45), _TIRED, -3.5),
    "worried": Mood(Manner(semitones=1.0, rate=1.12, range=0.9), _AFRAID, 0.5),
    "angry": Mood(Manner(semitones=2.0, rate=1.16, range=1.35), _ANGRY, 3.0),
    "tender": Mood(Manner(semitones=-1.0, rate=0.86, range=0.8), _GENTLE, -2.0),
    "surprised": Mood(Manner(semitones=3.0, rate=1.04, range=1.6), _SURPRISED, 1.5),
    "serious": Mood(Manner(semitones=-1.5, rate=0.95, range=0.6), _STERN, 0.5),
}


def acted(mood: Mood, random: np.random.Generator) -> Manner:
    """The manner of a mood with the small differences of one take from the next.

    Uniform within 0.4 semitones, 3 % of rate and 0.06 of range, rounded so that the truth file
    states exactly what was done.
    """
    semitones, rate, spread = random.uniform(-1, 1, 3)
    return Manner(
        semitones=round(float(mood.manner.semitones + 0.4 * semitones), 3),
        rate=round(float(mood.manner.rate * (1 + 0.03 * rate)), 3),
        range=round(float(mood.manner.range + 0.06 * spread), 3),
    )
