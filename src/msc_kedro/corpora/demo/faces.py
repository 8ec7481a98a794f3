"""Drawn talking heads: one look per person, one face per expression, mouth and lids that move.

A shot needs one backdrop (`backdrops`) and a head for each opening of mouth and lids; they are
drawn once and pasted together for each picture.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING

from msc_kedro.corpora.demo.backdrops import HEIGHT, SCALE, Backdrop, Colour, mixed, shaded

if TYPE_CHECKING:
    from PIL import Image

    from msc_kedro.corpora.demo.moods import Expression

MOUTHS = 6  # openings from shut to wide
LIDS = 3  # open, half, shut
SHOULDERS, HAIR_TOP = 1.7, 1.5  # as far as anybody reaches to the sides and up, in half faces

Box = tuple[int, int, int, int]  # left, top, right, bottom, in pixels of the picture


@dataclass(frozen=True)
class Look:
    """How a person looks, and what is behind in a close shot. Colours are RGB.

    `centre` is the middle of the face in pixels and `size` half its height: the framing.
    `hair_style` is one of long, bun, curls, short, bald, cap.
    """

    skin: Colour
    hair: Colour
    shirt: Colour
    hair_style: str
    backdrop: Backdrop
    centre: tuple[int, int]
    size: int
    glasses: bool = False
    beard: bool = False


LOOKS: dict[str, Look] = {
    "Anna": Look(
        (244, 205, 178), (196, 92, 48), (38, 110, 120),
        "long", Backdrop("window", (250, 226, 178), (226, 160, 96)), (150, 118), 62,
    ),
    "Ruth": Look(
        (226, 184, 160), (186, 186, 192), (122, 52, 92),
        "bun", Backdrop("shelf", (46, 66, 92), (92, 120, 150)), (178, 122), 58, glasses=True,
    ),
    "Mia": Look(
        (142, 92, 62), (34, 24, 22), (246, 196, 60),
        "curls", Backdrop("hills", (128, 206, 190), (58, 148, 140)), (140, 128), 54,
    ),
    "Ben": Look(
        (206, 150, 112), (52, 36, 28), (222, 226, 230),
        "short", Backdrop("stripes", (120, 48, 44), (74, 26, 30)), (166, 114), 64,
    ),
    "Carl": Look(
        (236, 190, 170), (120, 112, 106), (74, 88, 52),
        "bald", Backdrop("tiles", (196, 206, 150), (120, 140, 84)), (144, 116), 66, beard=True,
    ),
    "Tom": Look(
        (250, 216, 188), (226, 182, 96), (200, 62, 56),
        "cap", Backdrop("lamp", (64, 78, 160), (30, 34, 88)), (172, 126), 56,
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Sprite:
    """A drawn head, RGBA, and where its left top corner lies in the picture when it is at rest."""

    image: Image.Image
    left: int
    top: int


def draw_head(look: Look, expression: Expression, *, mouth: int, lids: int) -> Sprite:
    """Head and shoulders on nothing, down to the lower edge of the picture.

    Args:
        look: whose head.
        expression: its brows, its lids and the bend of its mouth.
        mouth: opening, 0 shut to `MOUTHS - 1` wide.
        lids: 0 open, 1 half, 2 shut.
    """
    person = _Pen(look)
    person.hair_behind()
    person.body()
    person.head()
    person.hair_before()
    person.eyes(expression, lids / (LIDS - 1))
    person.brows(expression)
    person.nose()
    person.mouth(expression, mouth / (MOUTHS - 1))
    return Sprite(person.image.reduce(SCALE), person.left, person.top)


@functools.cache
def head_box(look: Look) -> Box:
    """The box of head and hair, without neck and shoulders, when the head is at rest."""
    person = _Pen(look)
    person.hair_behind()
    person.head()
    person.hair_before()
    box = person.image.reduce(SCALE).getchannel("A").getbbox()
    if box is None:
        raise ValueError(f"nothing was drawn of {look}")
    left, top, right, bottom = box
    return left + person.left, top + person.top, right + person.left, bottom + person.top


class _Pen:
    """Draws in units of half the face's height about the middle of the face."""

    def __init__(self, look: Look) -> None:
        from PIL import Image, ImageDraw

        self.look = look
        middle_x, middle_y = look.centre
        self.left = middle_x - round(SHOULDERS * look.size)
        self.top = middle_y - round(HAIR_TOP * look.size)
        size = (2 * (middle_x - self.left) * SCALE, (HEIGHT - self.top) * SCALE)
        self.image = Image.new("RGBA", size, (*look.shirt, 0))
        self.pen = ImageDraw.Draw(self.image)

    def at(self, x: float, y: float) -> tuple[float, float]:
        unit = self.look.size * SCALE
        middle_x, middle_y = self.look.centre
        left, top = self.left * SCALE, self.top * SCALE
        return middle_x * SCALE + x * unit - left, middle_y * SCALE + y * unit - top

    def oval(self, x: float, y: float, wide: float, high: float, colour: Colour) -> None:
        self.pen.ellipse([self.at(x - wide, y - high), self.at(x + wide, y + high)], fill=colour)

    def shape(self, points: list[tuple[float, float]], colour: Colour) -> None:
        self.pen.polygon([self.at(*point) for point in points], fill=colour)

    def stroke(self, points: list[tuple[float, float]], colour: Colour, thick: float) -> None:
        width = max(1, round(thick * self.look.size * SCALE))
        places = [self.at(*point) for point in points]
        self.pen.line(places, fill=colour, width=width, joint="curve")
        for x, y in (places[0], places[-1]):
            half = width / 2
            self.pen.ellipse([x - half, y - half, x + half, y + half], fill=colour)

    def hair_behind(self) -> None:
        hair = self.look.hair
        if self.look.hair_style == "long":
            self.oval(0, -0.15, 0.95, 1.02, hair)
            self.shape([(-0.95, -0.1), (0.95, -0.1), (1.02, 1.25), (-1.02, 1.25)], hair)
        elif self.look.hair_style == "bun":
            self.oval(0, -1.12, 0.34, 0.3, hair)
            self.oval(0, -0.2, 0.87, 0.93, hair)
        elif self.look.hair_style == "curls":
            for x, y in ((-0.8, -0.2), (-0.62, -0.72), (0, -0.98), (0.62, -0.72), (0.8, -0.2),
                         (-0.84, 0.3), (0.84, 0.3), (-0.32, -0.9), (0.32, -0.9)):  # fmt: skip
                self.oval(x, y, 0.4, 0.38, hair)

    def body(self) -> None:
        skin, shirt = self.look.skin, self.look.shirt
        self.oval(0, 2.15, 1.65, 0.95, shirt)
        self.shape([(-1.65, 2.15), (1.65, 2.15), (1.65, 4), (-1.65, 4)], shirt)
        self.shape([(-0.34, 0.6), (0.34, 0.6), (0.42, 1.32), (-0.42, 1.32)], shaded(skin, 0.85))
        self.oval(0, 1.3, 0.44, 0.22, shaded(skin, 0.85))
        self.stroke([(-0.5, 1.28), (-0.25, 1.5), (0, 1.56), (0.25, 1.5), (0.5, 1.28)],
                    shaded(shirt, 0.75), 0.09)  # fmt: skip

    def head(self) -> None:
        skin = self.look.skin
        for side in (-1, 1):
            self.oval(side * 0.76, 0.08, 0.14, 0.2, shaded(skin, 0.9))
        if self.look.beard:
            self.oval(0, 0.2, 0.77, 0.93, self.look.hair)
        self.oval(0, 0 if not self.look.beard else -0.1, 0.75, 0.98, skin)
        if self.look.beard:
            self.shape([(-0.72, 0.22), (0.72, 0.22), (0.5, 0.85), (-0.5, 0.85)], self.look.hair)
            self.oval(0, 0.2, 0.62, 0.3, skin)
            self.oval(0, 0.56, 0.4, 0.24, skin)
            self.oval(0, 0.94, 0.36, 0.16, self.look.hair)
        for side in (-1, 1):
            self.oval(side * 0.44, 0.28, 0.14, 0.1, mixed(skin, (232, 96, 96), 0.17))

    def hair_before(self) -> None:
        hair, style = self.look.hair, self.look.hair_style
        if style in ("long", "bun", "curls"):
            self.shape([(-0.76, -0.12), (-0.66, -0.62), (-0.35, -0.95), (0, -1.02), (0.35, -0.95),
                        (0.66, -0.62), (0.76, -0.12), (0.6, -0.42), (0.2, -0.64), (-0.3, -0.58),
                        (-0.62, -0.38)], hair)  # fmt: skip
        elif style == "short":
            self.shape([(-0.78, 0.02), (-0.78, -0.55), (-0.5, -1.0), (0, -1.12), (0.5, -1.02),
                        (0.78, -0.58), (0.78, 0.02), (0.66, -0.4), (0.3, -0.52), (-0.2, -0.46),
                        (-0.62, -0.5)], hair)  # fmt: skip
        elif style == "bald":
            for side in (-1, 1):
                self.oval(side * 0.75, -0.18, 0.09, 0.26, hair)
        else:
            self.shape([(-0.78, -0.1), (-0.7, -0.55), (0.7, -0.55), (0.78, -0.1), (0.64, -0.4),
                        (-0.64, -0.4)], hair)  # fmt: skip
            cap = shaded(self.look.shirt, 0.85)
            points = [(-0.78, -0.45), (-0.68, -0.8), (-0.35, -1.06), (0, -1.12), (0.35, -1.06),
                      (0.68, -0.8), (0.78, -0.45)]  # fmt: skip
            self.shape(points, cap)
            self.oval(0.12, -0.46, 0.86, 0.1, shaded(cap, 0.7))

    def eyes(self, expression: Expression, shut: float) -> None:
        skin = self.look.skin
        opening = max(0.0, expression.eyes * (1 - shut))
        for side in (-1, 1):
            x, y = side * 0.3, -0.08
            if opening < 0.12:
                self.stroke([(x - 0.14, y + 0.02), (x, y + 0.06), (x + 0.14, y + 0.02)],
                            shaded(skin, 0.4), 0.045)  # fmt: skip
            else:
                high = 0.125 * opening
                self.oval(x, y, 0.165, high, (252, 252, 250))
                self.oval(x, y, min(0.085, high), min(0.085, high), (52, 42, 40))
                self.oval(x + 0.03, y - 0.3 * high, 0.025, min(0.025, high / 3), (250, 250, 250))
                self.stroke([(x - 0.165, y - 0.25 * high), (x - 0.09, y - 0.85 * high),
                             (x, y - 1.02 * high), (x + 0.09, y - 0.85 * high),
                             (x + 0.165, y - 0.25 * high)], shaded(skin, 0.4), 0.04)  # fmt: skip
        if self.look.glasses:
            dark = (40, 44, 60)
            for side in (-1, 1):
                ring = [self.at(side * 0.3 - 0.23, -0.29), self.at(side * 0.3 + 0.23, 0.15)]
                self.pen.ellipse(ring, outline=dark, width=round(0.035 * self.look.size * SCALE))
            self.stroke([(-0.08, -0.1), (0.08, -0.1)], dark, 0.035)

    def brows(self, expression: Expression) -> None:
        colour = shaded(self.look.hair, 0.75) if self.look.hair_style != "bald" else (92, 84, 80)
        height = -0.33 - 0.1 * expression.brow_lift
        tilt = 0.09 * expression.brow_slant
        for side in (-1, 1):
            self.stroke([(side * 0.14, height + tilt), (side * 0.3, height - 0.05),
                         (side * 0.47, height + 0.01 - tilt)], colour, 0.065)  # fmt: skip

    def nose(self) -> None:
        shade = shaded(self.look.skin, 0.8)
        self.stroke([(0.02, 0.0), (0.08, 0.22), (-0.03, 0.25)], shade, 0.04)

    def mouth(self, expression: Expression, opening: float) -> None:
        """Lips as two arcs: corners up for a smile, the lower lip drops as the mouth opens."""
        bend, half = 0.11 * expression.smile, 0.27 - 0.05 * opening + 0.05 * abs(expression.smile)
        y, drop = 0.54, 0.26 * opening
        places = [step / 6 for step in range(-6, 7)]
        upper = [(half * t, y - bend * (t * t - 0.5) - 0.02 * (1 - t * t)) for t in places]
        lower = [(half * t, y - bend * (t * t - 0.5) + drop * (1 - t * t)) for t in places]
        lips = mixed(self.look.skin, (176, 52, 60), 0.6)
        if opening > 0:
            self.shape(upper + lower[::-1], (92, 26, 34))
            if opening > 0.35:
                teeth = [(x, top + min(0.06, 0.4 * (low - top)))
                         for (x, top), (_, low) in zip(upper, lower, strict=True)]  # fmt: skip
                self.shape(upper + teeth[::-1], (246, 244, 238))
        self.stroke(upper, lips, 0.055)
        self.stroke(lower, lips, 0.06)
