"""Picture features of utterances: decoded ahead in pieces, encoded across utterances."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from msc_kedro.execution.ragged import Ragged, narrowed
from msc_kedro.media.pictures import Box, frame_times, read_frames
from msc_kedro.media.probe import UnreadableMediaError
from msc_kedro.seeing.crops import FaceSpan, faces_at

if TYPE_CHECKING:
    import numpy as np

log = logging.getLogger(__name__)

_PIECE = 128  # pictures decoded in one go and encoded together


class ImageEncoder(Protocol):
    """Pictures to vectors of `width`.

    Attributes:
        short_side: pictures are scaled to this many pixels,
        crop: and of them the square of this side in the middle is looked at;
        bicubic: how they are scaled, else bilinear.
    """

    width: int
    short_side: int
    crop: int
    bicubic: bool

    def __call__(self, pictures: Sequence[np.ndarray], /) -> np.ndarray:
        """uint8 [crop, crop, 3] RGB each to float32 [f, width]; any number of them."""
        ...


@dataclass(frozen=True)
class Seen:
    """An utterance of which there are pictures: a span of a video, in seconds.

    `faces` are those that speak in it, where faces are to be looked at; None for whole pictures.
    """

    utterance_id: str
    video: Path
    start_s: float
    end_s: float
    faces: tuple[FaceSpan, ...] | None = None


@dataclass(frozen=True)
class Look:
    """Times of a video while an utterance lasts; with `boxes`, what of the picture at each."""

    video: Path
    utterance_id: str
    times_s: tuple[float, ...]
    boxes: tuple[Box, ...] | None = None


Piece = tuple[Look, ...]


def pieces(utterances: Iterable[Seen], *, frames_per_s: float, most: int = _PIECE) -> list[Piece]:
    """What is to be looked at, in pieces of `most` pictures at most; their order is kept.

    A long utterance goes over several pieces, and a piece over several short ones.
    """
    made: list[list[Look]] = [[]]
    room = most
    for one in utterances:
        times = tuple(frame_times(one.start_s, one.end_s, fps=frames_per_s))
        boxes: tuple[Box, ...] | None = None
        if one.faces is not None:
            times, boxes = faces_at(one.faces, times)
        while times:
            if room == 0:
                made.append([])
                room = most
            some = boxes and boxes[:room]
            made[-1].append(Look(one.video, one.utterance_id, times[:room], some))
            times, boxes, room = times[room:], boxes and boxes[room:], max(0, room - len(times))
    return [tuple(piece) for piece in made if piece]


def read_piece(piece: Piece, *, encode: ImageEncoder) -> list[np.ndarray | None]:
    """The pictures of a piece, small, each stretch of one video in one pass.

    Returns:
        Per look uint8 [f, crop, crop, 3], or None where they cannot be decoded.
    """
    import numpy as np

    found: list[np.ndarray | None] = []
    for video, group in groupby(piece, key=lambda look: look.video):
        looks = list(group)
        times = [time for look in looks for time in look.times_s]
        boxes = [box for look in looks for box in look.boxes or ()]
        pictures = np.empty((len(times), encode.crop, encode.crop, 3), np.uint8)
        try:
            frames = read_frames(
                video,
                times,
                short_side=encode.crop if boxes else encode.short_side,
                crop=encode.crop,
                bicubic=encode.bicubic,
                boxes=boxes or None,
                threads=1,  # pieces are decoded side by side instead
            )
            for index, picture in frames:
                pictures[index] = picture
        except UnreadableMediaError as error:
            log.warning("%s: %s; what is said there has sound alone", video.name, error)
            found += [None] * len(looks)
            continue
        ends = np.cumsum([len(look.times_s) for look in looks])
        found += np.split(pictures, ends[:-1])
    return found


def encode_pieces(
    read: Iterable[tuple[Piece, list[np.ndarray | None]]],
    starts_s: Mapping[str, float],
    *,
    encode: ImageEncoder,
    keep: Callable[[np.ndarray], np.ndarray] = narrowed,
) -> dict[str, Ragged]:
    """Features of the utterances of some pieces, each piece encoded in one go.

    Args:
        read: pieces, and what `read_piece` found.
        starts_s: when each utterance begins.
        encode: pictures to vectors.
        keep: what is held of a piece's vectors, float32 [f, width], until all are there.

    Returns:
        By utterance id float16 [f, width] and the times of the frames since the utterance began.
        What has pictures that cannot be decoded is left out.
    """
    import numpy as np

    vectors: dict[str, list[np.ndarray]] = {}
    times: dict[str, list[float]] = {}
    lost: set[str] = set()
    for piece, found in read:
        lost |= {look.utterance_id for look, own in zip(piece, found, strict=True) if own is None}
        pictures = [picture for own in found if own is not None for picture in own]
        encoded = keep(encode(pictures) if pictures else np.zeros((0, encode.width), np.float32))
        first = 0
        for look, own in zip(piece, found, strict=True):
            if own is not None:
                vectors.setdefault(look.utterance_id, []).append(encoded[first : first + len(own)])
                times.setdefault(look.utterance_id, []).extend(look.times_s)
                first += len(own)
    return {
        name: Ragged(
            np.concatenate(own), (np.asarray(times[name]) - starts_s[name]).astype(np.float32)
        )
        for name, own in vectors.items()
        if name not in lost
    }
