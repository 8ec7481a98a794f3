"""Drawn rooms behind the heads. They differ so much that every change of speaker is a clear cut.

Everything is drawn at three times its size and reduced, so that edges are soft.
"""

from __future__ import annotations

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


def draw_room(scene: str, top: Colour, bottom: Colour) -> Image.Image:
    """A room, RGB, 320 x 240: a wall from `top` to `bottom` and the things of the scene.

    Args:
        scene: one of window, shelf, stripes, hills, tiles, lamp.
        top: colour of the wall at the top.
        bottom: colour of the wall at the bottom.
    """
    from PIL import Image, ImageDraw

    wide, high = WIDTH * SCALE, HEIGHT * SCALE
    ramp = Image.linear_gradient("L").resize((wide, high))
    image = Image.composite(
        Image.new("RGB", (wide, high), bottom), Image.new("RGB", (wide, high), top), ramp
    )
    pen = ImageDraw.Draw(image)
    _SCENES[scene](pen, top, bottom)
    return image.resize((WIDTH, HEIGHT), Image.Resampling.BOX)


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


_SCENES = {
    "window": _window,
    "shelf": _shelf,
    "stripes": _stripes,
    "hills": _hills,
    "tiles": _tiles,
    "lamp": _lamp,
}
