"""The cast, and the screenplay as records."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise

from msc_kedro.corpora.demo.acoustics import COLOURS, ROOMS, Noise, Room
from msc_kedro.corpora.demo.backdrops import PLACES
from msc_kedro.corpora.demo.screenplay import SCREENPLAY
from msc_kedro.voice.manner import Gender, Identity


@dataclass(frozen=True)
class Person:
    """A member of the cast: which of the two voices speaks, and how it is told from others."""

    name: str
    gender: Gender
    identity: Identity


@dataclass(frozen=True)
class Line:
    """One turn of a dialogue.

    `over`: it begins before the line before it ends. `together`: it is said in the shot of the line
    before it.
    """

    speaker: str
    mood: str
    text: str
    over: bool = False
    together: bool = False


@dataclass(frozen=True)
class Scene:
    """One dialogue; `name` is the stem of its file, `place` what is behind two people at once."""

    name: str
    title: str
    room: Room
    noise: Noise
    place: str | None
    lines: tuple[Line, ...]


CAST: tuple[Person, ...] = (
    Person("Anna", "female", Identity(rate=0.93)),
    Person("Ruth", "female", Identity(semitones=-0.5, formant=0.9, rate=0.86)),
    Person("Mia", "female", Identity(semitones=2.0, formant=1.2)),
    Person("Ben", "male", Identity(semitones=3.0, rate=0.93, range=1.4)),
    Person("Carl", "male", Identity(semitones=-1.0, formant=0.83, rate=0.85, range=1.5)),
    Person("Tom", "male", Identity(semitones=5.0, formant=1.18, range=1.5)),
)

_HEADING = re.compile(
    r"^# (?P<title>[^\[]+) \[(?P<room>[\w ]+), (?P<colour>\w+) at (?P<snr_db>\d+)"
    r"(, (?P<place>\w+))?\]$"
)
_LINE = re.compile(
    r"^(?P<speaker>\w+) \((?P<mood>\w+)(?P<over>, over)?(?P<together>, together)?\): (?P<text>.+)$"
)


def scenes(screenplay: str = SCREENPLAY) -> tuple[Scene, ...]:
    """The dialogues in their order.

    Raises:
        ValueError: for a heading or a line that is not written as `screenplay` says, for more than
            two people in one shot, and for two people in a shot of a dialogue without a place.
    """
    blocks = screenplay.strip().split("\n\n")
    return tuple(_scene(number, block) for number, block in enumerate(blocks, start=1))


def shots(lines: tuple[Line, ...]) -> list[list[int]]:
    """The lines of each shot, by their places."""
    found: list[list[int]] = []
    for place, line in enumerate(lines):
        if line.together and found:
            found[-1].append(place)
        else:
            found.append([place])
    return found


def _scene(number: int, block: str) -> Scene:
    first, *turns = block.splitlines()
    heading = _matched(_HEADING, first, "# Title [room, noise at decibels, place]")
    title, room, place = heading["title"], heading["room"], heading["place"]
    for name, known in ((room, ROOMS), (heading["colour"], COLOURS), (place, PLACES)):
        if name is not None and name not in known:
            raise ValueError(f"{title!r} has {name!r}; known are {', '.join(known)}")
    lines = []
    for turn in turns:
        parts = _matched(_LINE, turn, "Name (mood, over, together): words")
        over, together = parts["over"] is not None, parts["together"] is not None
        lines.append(Line(parts["speaker"], parts["mood"], parts["text"], over, together))
    scene = Scene(
        name=f"{number:02d}_{re.sub('[^a-z]+', '_', title.lower())}",
        title=title,
        room=ROOMS[room],
        noise=Noise(heading["colour"], float(heading["snr_db"])),
        place=place,
        lines=tuple(lines),
    )
    _check(scene)
    return scene


def _check(scene: Scene) -> None:
    lines = scene.lines
    for shot in shots(lines):
        people = {lines[place].speaker for place in shot}
        if len(people) > 2:
            raise ValueError(f"{scene.title!r} has {', '.join(sorted(people))} in one shot")
        if len(people) == 2 and scene.place is None:
            raise ValueError(f"{scene.title!r} has two people in one shot, and no place for them")
    if lines[0].over or any(one.over and other.over for one, other in pairwise(lines)):
        raise ValueError(f"{scene.title!r} has `over` in its first line or in two running")


def _matched(pattern: re.Pattern[str], text: str, form: str) -> re.Match[str]:
    found = pattern.match(text)
    if found is None:
        raise ValueError(f"expected `{form}` in the screenplay, found {text!r}")
    return found
