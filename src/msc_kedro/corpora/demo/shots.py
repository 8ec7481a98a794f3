"""Who is seen when and where: close shots of one person, wide ones of two."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING

from msc_kedro.corpora.demo.faces import LIDS, LOOKS, Box, Look, head_box
from msc_kedro.corpora.demo.script import shots as lines_of_shots

if TYPE_CHECKING:
    from fractions import Fraction

    import numpy as np

    from msc_kedro.corpora.demo.script import Scene
    from msc_kedro.corpora.demo.sound import Voices

BLINK_EVERY_S = (1.8, 4.5)
BLINK_S = 0.2
SWAY_PIXELS = (4.0, 1.5)  # sideways and down
SWAY_S = 3.1  # one sway to and fro
WIDE_X = (88, 232)  # middles of the two faces of a wide shot
WIDE_Y = 124
WIDE_SIZE = 0.72  # of a face against a close shot


@dataclass(frozen=True)
class Head:
    """A person in a shot; per picture how far (right, down) from rest in pixels, and the lids."""

    person: str
    look: Look
    sway: tuple[tuple[int, int], ...]
    lids: tuple[int, ...]

    @property
    def box(self) -> Box:
        """Left, top, right and bottom of what holds the head in all pictures of the shot."""
        left, top, right, bottom = head_box(self.look)
        across, down = zip(*self.sway, strict=True)
        return left + min(across), top + min(down), right + max(across), bottom + max(down)


@dataclass(frozen=True)
class Shot:
    """From picture `first` to before picture `last`; `place` is None for a close shot."""

    first: int
    last: int
    heads: tuple[Head, ...]
    place: str | None


def plan_shots(
    scene: Scene, voices: Voices, *, fps: Fraction, random: np.random.Generator
) -> list[Shot]:
    """The shots of a dialogue.

    A cut falls on a picture in the middle third of the gap between two turns, or of their overlap.
    In a wide shot whoever speaks first stands on the left.
    """
    groups = lines_of_shots(scene.lines)
    cuts = [0]
    for group in groups[1:]:
        end, start = voices.spans[group[0] - 1][1], voices.spans[group[0]][0]
        place = end + (start - end) * float(random.uniform(1 / 3, 2 / 3))
        cuts.append(round(place / voices.sample_rate * fps))
    cuts.append(int(voices.length * fps / voices.sample_rate))
    planned = []
    for group, (first, last) in zip(groups, pairwise(cuts), strict=True):
        people = list(dict.fromkeys(scene.lines[place].speaker for place in group))
        looks = [LOOKS[person] for person in people]
        if len(people) > 1:
            looks = [_aside(look, x) for look, x in zip(looks, WIDE_X, strict=True)]
        heads = tuple(
            Head(
                person,
                look,
                sway=sways(last - first, fps=fps, random=random),
                lids=blinks(last - first, fps=fps, random=random),
            )
            for person, look in zip(people, looks, strict=True)
        )
        planned.append(Shot(first, last, heads, scene.place if len(people) > 1 else None))
    return planned


def sways(
    pictures: int, *, fps: Fraction, random: np.random.Generator
) -> tuple[tuple[int, int], ...]:
    """How far a head is from rest in each picture, in whole pixels to the right and down."""
    import numpy as np

    times = np.arange(pictures) / float(fps)
    angle = float(random.uniform(0, 2 * np.pi)) + 2 * np.pi * times / SWAY_S
    across = np.rint(SWAY_PIXELS[0] * np.sin(angle)).astype(int)
    down = np.rint(SWAY_PIXELS[1] * (1 + np.sin(1.7 * angle))).astype(int)
    return tuple(zip(across.tolist(), down.tolist(), strict=True))


def blinks(pictures: int, *, fps: Fraction, random: np.random.Generator) -> tuple[int, ...]:
    """State of the lids in each picture: 0 open, 1 half, 2 shut."""
    lids = [0] * pictures
    time_s = float(random.uniform(0.5, BLINK_EVERY_S[1] / 2))
    while time_s * fps < pictures:
        first = round(time_s * fps)
        length = max(3, round(BLINK_S * fps))
        for step in range(min(length, pictures - first)):
            lids[first + step] = 1 if step in (0, length - 1) else LIDS - 1
        time_s += float(random.uniform(*BLINK_EVERY_S))
    return tuple(lids)


def _aside(look: Look, x: int) -> Look:
    """A look as it is in a wide shot."""
    return replace(look, centre=(x, WIDE_Y), size=round(WIDE_SIZE * look.size))
