"""What is drawn behind the heads: so different that every change of speaker is a clear cut.

Everything is drawn at three times its size and reduced, so that edges are soft.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL import Image, ImageDraw

WIDTH, HEIGHT = 320, 240
SCALE = 3  # drawn larger and reduced

Colour = tuple[int, int, int]


def shaded(colour: Colour, factor: float) -> Colour:
    """`colour` darker (factor under 1) or lighter (above 1)."""
    red, green, blue = (min(255, round(part * factor)) for part in colour)
    return red, green, blue


def mixed(one: Colour, other: Colour, part: float) -> Colour:
    """The colour that lies `part` of the way from `one` to `other`."""
    red, green, blue = (round(a + (b - a) * part) for a, b in zip(one, other, strict=True))
    return red, green, blue


@dataclass(frozen=True)
class Backdrop:
    """A wall or sky, its colours at the top and at the bottom, and the things of the scene."""

    scene: str
    top: Colour
    bottom: Colour


@functools.cache
def draw_backdrop(backdrop: Backdrop) -> Image.Image:
    """A backdrop, RGB, 320 x 240; not to be changed."""
    from PIL import Image, ImageDraw

    wide, high = WIDTH * SCALE, HEIGHT * SCALE
    ramp = Image.linear_gradient("L").resize((wide, high))
    image = Image.composite(
        Image.new("RGB", (wide, high), backdrop.bottom),
        Image.new("RGB", (wide, high), backdrop.top),
        ramp,
    )
    pen = ImageDraw.Draw(image)
    _SCENES[backdrop.scene](pen, backdrop.top, backdrop.bottom)
    return image.reduce(SCALE)


def _box(pen: ImageDraw.ImageDraw, left: int, top: int, right: int, bottom: int,
         colour: Colour) -> None:  # fmt: skip
    pen.rectangle([left * SCALE, top * SCALE, right * SCALE, bottom * SCALE], fill=colour)


def _window(pen: ImageDraw.ImageDraw, top: Colour, bottom: Colour) -> None:
    _box(pen, 214, 20, 306, 140, (250, 246, 236))
    _box(pen, 220, 26, 257, 80, (160, 212, 240))
    _box(pen, 263, 26, 300, 80, (176, 220, 244))
    _box(pen, 220, 86, 257, 134, (150, 200, 140))
    _box(pen, 263, 86, 300, 134, (140, 192, 130))
    _box(pen, 0, 196, 320, 240, shaded(bottom, 0.8))


def _shelf(pen: ImageDraw.ImageDraw, top: Colour, bottom: Colour) -> None:
    books = ((176, 60, 56), (222, 186, 96), (78, 132, 110), (206, 206, 214), (120, 84, 140))
    for row, floor in enumerate((74, 142, 210)):
        for place in range(15):
            left = 6 + 21 * place
            high = 34 + (place * 7 + row * 11) % 16
            _box(pen, left, floor - high, left + 15, floor, books[(place * 3 + row) % 5])
        _box(pen, 0, floor, 320, floor + 6, (104, 72, 48))


def _stripes(pen: ImageDraw.ImageDraw, top: Colour, bottom: Colour) -> None:
    for left in range(0, 320, 40):
        _box(pen, left, 0, left + 18, 240, shaded(top, 1.25))
    _box(pen, 20, 34, 84, 84, (226, 190, 110))
    _box(pen, 25, 39, 79, 79, (70, 110, 120))


def _hills(pen: ImageDraw.ImageDraw, top: Colour, bottom: Colour) -> None:
    for x, y, wide, colour in ((60, 250, 130, (98, 170, 92)), (270, 260, 150, (70, 140, 76))):
        pen.ellipse(
            [(x - wide) * SCALE, (y - 90) * SCALE, (x + wide) * SCALE, (y + 90) * SCALE], colour
        )
    pen.ellipse([250 * SCALE, 20 * SCALE, 294 * SCALE, 64 * SCALE], (255, 236, 150))


def _tiles(pen: ImageDraw.ImageDraw, top: Colour, bottom: Colour) -> None:
    for row in range(6):
        for column in range(8):
            if (row + column) % 2:
                _box(pen, 40 * column, 40 * row, 40 * column + 40, 40 * row + 40, shaded(top, 1.15))


def _lamp(pen: ImageDraw.ImageDraw, top: Colour, bottom: Colour) -> None:
    for radius, part in ((70, 0.25), (48, 0.5), (28, 0.85)):
        pen.ellipse(
            [(52 - radius) * SCALE, (62 - radius) * SCALE,
             (52 + radius) * SCALE, (62 + radius) * SCALE],
            mixed(top, (255, 232, 160), part),
        )  # fmt: skip
    _box(pen, 48, 90, 56, 240, (34, 30, 40))


def _oval(pen: ImageDraw.ImageDraw, x: int, y: int, wide: int, high: int,
          colour: Colour) -> None:  # fmt: skip
    box = [(x - wide) * SCALE, (y - high) * SCALE, (x + wide) * SCALE, (y + high) * SCALE]
    pen.ellipse(box, fill=colour)


def _park(pen: ImageDraw.ImageDraw, top: Colour, bottom: Colour) -> None:
    _oval(pen, 60, 24, 34, 9, (250, 252, 255))
    _oval(pen, 84, 30, 30, 8, (250, 252, 255))
    for x, high in ((20, 74), (160, 66), (300, 80)):
        _box(pen, x - 6, high, x + 6, 190, (122, 88, 60))
        _oval(pen, x, high - 14, 40, 44, (52, 128, 62))
        _oval(pen, x + 12, high - 22, 24, 24, (74, 152, 76))
    _box(pen, 0, 176, 320, 240, (108, 178, 84))
    for plank in (172, 188, 204):
        _box(pen, 0, plank, 320, plank + 10, (150, 100, 62))


def _street(pen: ImageDraw.ImageDraw, top: Colour, bottom: Colour) -> None:
    for place, (left, high, colour) in enumerate(
        ((0, 40, (96, 78, 104)), (82, 66, (120, 92, 100)), (160, 30, (86, 74, 110)),
         (244, 56, (112, 86, 92)))
    ):  # fmt: skip
        _box(pen, left, high, left + 80, 240, colour)
        for row in range(4):
            for column in range(3):
                lit = (place + row * 2 + column * 3) % 4 != 0
                x, y = left + 10 + 24 * column, high + 12 + 34 * row
                _box(pen, x, y, x + 14, y + 20, (255, 214, 120) if lit else (58, 50, 74))


def _kitchen(pen: ImageDraw.ImageDraw, top: Colour, bottom: Colour) -> None:
    for left in range(0, 320, 32):
        _box(pen, left, 0, left + 1, 150, shaded(top, 0.9))
    for floor in range(22, 150, 32):
        _box(pen, 0, floor, 320, floor + 1, shaded(top, 0.9))
    for left in (6, 112, 218):
        _box(pen, left, 0, left + 96, 48, (196, 84, 112))
        _box(pen, left + 44, 38, left + 52, 42, (250, 240, 230))
    _box(pen, 0, 150, 320, 162, (120, 84, 70))
    _box(pen, 0, 162, 320, 240, (214, 110, 136))


def _beach(pen: ImageDraw.ImageDraw, top: Colour, bottom: Colour) -> None:
    _oval(pen, 160, 44, 22, 22, (255, 250, 214))
    _box(pen, 0, 92, 320, 150, (28, 112, 196))
    for y in (104, 120, 136):
        for left in range((y * 7) % 40 - 40, 320, 56):
            _box(pen, left, y, left + 26, y + 2, (186, 222, 246))
    _box(pen, 0, 150, 320, 240, (244, 216, 150))


def _stage(pen: ImageDraw.ImageDraw, top: Colour, bottom: Colour) -> None:
    for left in range(0, 320, 20):
        _box(pen, left, 0, left + 9, 190, shaded(top, 0.78))
    _box(pen, 0, 190, 320, 240, (206, 158, 96))
    _box(pen, 0, 0, 320, 16, (232, 192, 92))


_SCENES = {
    "window": _window,
    "shelf": _shelf,
    "stripes": _stripes,
    "hills": _hills,
    "tiles": _tiles,
    "lamp": _lamp,
    "park": _park,
    "street": _street,
    "kitchen": _kitchen,
    "beach": _beach,
    "stage": _stage,
}

# Behind two people at once.
PLACES: dict[str, Backdrop] = {
    "park": Backdrop("park", (140, 200, 246), (206, 232, 250)),
    "street": Backdrop("street", (250, 150, 110), (120, 80, 130)),
    "kitchen": Backdrop("kitchen", (250, 244, 240), (240, 226, 226)),
    "beach": Backdrop("beach", (150, 214, 255), (240, 248, 255)),
    "stage": Backdrop("stage", (214, 40, 60), (170, 20, 44)),
}
