"""What was done to make the demo: taken from the script and the makers, never measured."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from msc_kedro.corpora.demo.acoustics import Noise, Room

if TYPE_CHECKING:
    from msc_kedro.corpora.demo.faces import Box

Span = tuple[float, float]


@dataclass(frozen=True)
class PersonTruth:
    """A member of the cast: the voice it is made of and what was done to that, in every turn."""

    name: str
    gender: str
    base_voice: str
    semitones: float
    formant: float
    rate: float
    range: float


@dataclass(frozen=True)
class TurnTruth:
    """What was said in one turn, when, by whom and how. The span is exact to the sample.

    `semitones`, `rate` and `range` are relative to the person's usual manner; `gain_db` is the
    loudness against `level_db` of the dialogue.
    """

    start_s: float
    end_s: float
    text: str
    speaker: str
    gender: str
    voice: str
    base_voice: str
    mood: str
    semitones: float
    rate: float
    range: float
    gain_db: float
    expression: str


@dataclass(frozen=True)
class HeadTruth:
    """A person on screen; `speaking` are the spans in which they speak within the shot.

    `box` is left, top, right, bottom in pixels: what holds head and hair all through the shot.
    """

    person: str
    box: Box
    speaking: tuple[Span, ...]


@dataclass(frozen=True)
class ShotTruth:
    """Who is on screen between two cuts; from left to right."""

    start_s: float
    end_s: float
    on_screen: tuple[HeadTruth, ...]


@dataclass(frozen=True)
class DialogueTruth:
    """What was put into one video. Fields and units: docs/demo.md."""

    name: str
    title: str
    duration_s: float
    fps: str
    sample_rate: int
    width: int
    height: int
    room: Room
    noise: Noise
    level_db: float
    cuts_s: tuple[float, ...]
    shots: tuple[ShotTruth, ...]
    turns: tuple[TurnTruth, ...]


def as_json(document: object) -> bytes:
    """JSON in UTF-8, one line per value; the same bytes for the same content."""
    return (json.dumps(document, indent=1, ensure_ascii=False) + "\n").encode()
