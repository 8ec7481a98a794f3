"""A contact sheet: one small picture per span of a video, with its number and times."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from msc_kedro.media.pictures import read_frames
from msc_kedro.media.probe import UnreadableMediaError

if TYPE_CHECKING:
    import numpy as np

_COLUMNS = 4
_WIDTH, _HEIGHT, _BAND, _GAP = 240, 135, 22, 6  # pixels of a picture, of its caption, between
_PAPER, _INK, _EMPTY = 255, (40, 40, 40), 200


def contact_sheet(video: Path, spans: Sequence[tuple[float, float]]) -> bytes:
    """A JPEG with a picture from the middle of each span, numbered from 1 in their order.

    A span whose picture cannot be decoded has a grey one. The same file and spans give the same
    bytes on the same machine.
    """
    import cv2
    import numpy as np

    columns = min(_COLUMNS, len(spans))
    rows = -(-len(spans) // columns)
    across, down = _WIDTH + _GAP, _HEIGHT + _BAND + _GAP
    sheet = np.full((rows * down + _GAP, columns * across + _GAP, 3), _PAPER, np.uint8)
    for place, (start_s, end_s) in enumerate(spans):
        top, left = _GAP + place // columns * down, _GAP + place % columns * across
        sheet[top : top + _HEIGHT, left : left + _WIDTH] = _picture(video, (start_s + end_s) / 2)
        caption = f"{place + 1}   {_clock(start_s)} to {_clock(end_s)}"
        at = (left + 2, top + _HEIGHT + _BAND - 6)
        cv2.putText(sheet, caption, at, cv2.FONT_HERSHEY_SIMPLEX, 0.45, _INK, 1, cv2.LINE_AA)
    return cv2.imencode(".jpg", sheet, [cv2.IMWRITE_JPEG_QUALITY, 85])[1].tobytes()


def _picture(video: Path, time_s: float) -> np.ndarray:
    """What is on screen at a time, uint8 [_HEIGHT, _WIDTH, 3] BGR, grey around it."""
    import cv2
    import numpy as np

    tile = np.full((_HEIGHT, _WIDTH, 3), _EMPTY, np.uint8)
    try:
        ((_, frame),) = read_frames(video, [time_s], short_side=_HEIGHT)
    except UnreadableMediaError:
        return tile
    height, width = frame.shape[:2]
    scale = min(_WIDTH / width, _HEIGHT / height)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = cv2.resize(frame, size, interpolation=cv2.INTER_AREA)[..., ::-1]
    top, left = (_HEIGHT - size[1]) // 2, (_WIDTH - size[0]) // 2
    tile[top : top + size[1], left : left + size[0]] = small
    return tile


def _clock(time_s: float) -> str:
    """83.42 -> 1:23.4; 3723 -> 1:02:03.0."""
    tenths = round(time_s * 10)
    minutes, tenths = divmod(tenths, 600)
    hours, minutes = divmod(minutes, 60)
    seconds = f"{tenths // 10:02d}.{tenths % 10}"
    return f"{hours}:{minutes:02d}:{seconds}" if hours else f"{minutes}:{seconds}"
