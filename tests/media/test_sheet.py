"""Contact sheets."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from made_media import BLUE, GREEN, RED, Sound, steady, tone, write_blind, write_media

from msc_kedro.media.sheet import _clock, contact_sheet


def film(folder: Path, size: tuple[int, int] = (64, 36)) -> Path:
    pictures = steady([RED, GREEN, BLUE], each_s=2)
    return write_media(folder / "film.mp4", pictures=pictures, sound=Sound(tone(6)), size=size)


def read(sheet: bytes) -> np.ndarray:
    return cv2.imdecode(np.frombuffer(sheet, np.uint8), cv2.IMREAD_COLOR)[..., ::-1]


def test_a_picture_from_the_middle_of_each_span(tmp_path: Path) -> None:
    spans = [(0.0, 1.8), (2.0, 4.0), (4.2, 6.0), (0.0, 2.0), (2.0, 4.0)]
    sheet = read(contact_sheet(film(tmp_path), spans))
    assert sheet.shape == (2 * (135 + 22 + 6) + 6, 4 * (240 + 6) + 6, 3)
    for place, colour in enumerate([RED, GREEN, BLUE, RED, GREEN]):
        row, column = divmod(place, 4)
        middle = sheet[6 + row * 163 + 67, 6 + column * 246 + 120].astype(int)
        assert np.abs(middle - colour).max() < 30, place
        caption = sheet[6 + row * 163 + 135 : row * 163 + 163, 6 + column * 246 :][:, :200]
        assert caption.min() < 100  # something is written below
    assert sheet[163 + 67, 6 + 3 * 246 + 120].min() > 240  # paper where there is no span


def test_the_same_bytes(tmp_path: Path) -> None:
    path, spans = film(tmp_path), [(0.0, 2.0), (2.0, 4.0)]
    assert contact_sheet(path, spans) == contact_sheet(path, spans)


def test_an_upright_film_is_whole(tmp_path: Path) -> None:
    sheet = read(contact_sheet(film(tmp_path, size=(36, 64)), [(0.0, 2.0)]))
    row = sheet[6 + 67]
    red = np.abs(row.astype(int) - RED).max(axis=1) < 40
    assert 70 <= red.sum() <= 82  # 135 / 64 * 36 of 240


def test_pictures_that_cannot_be_decoded_are_grey(tmp_path: Path) -> None:
    blind = write_blind(film(tmp_path), tmp_path / "blind.mp4")
    middle = read(contact_sheet(blind, [(0.0, 2.0)]))[6 + 67, 120]
    assert np.abs(middle.astype(int) - 200).max() < 8


def test_times() -> None:
    assert [_clock(t) for t in (0, 83.42, 3723, 59.97)] == [
        "0:00.0",
        "1:23.4",
        "1:02:03.0",
        "1:00.0",
    ]
