"""Pictures: frames at given times, in one pass over a file, small before they are kept."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from msc_kedro.media.probe import (
    UnreadableMediaError,
    clock_start_s,
    open_media,
    video_stream,
    why,
)

if TYPE_CHECKING:
    import numpy as np

_LONG_JUMP_S = 10.0  # further ahead than this, one seek is cheaper than decoding on


def frame_times(start_s: float, end_s: float, *, fps: float) -> list[float]:
    """Times of the pictures of a span: the middles of steps of 1/fps, at least one.

    By time and not by frame number, so 23.98 fps and variable rates give `fps` per second too.
    """
    steps = max(1, round((end_s - start_s) * fps))
    return [start_s + (step + 0.5) * (end_s - start_s) / steps for step in range(steps)]


def read_frames(
    path: Path, times_s: Sequence[float], *, short_side: int
) -> Iterator[tuple[int, np.ndarray]]:
    """The picture that is on screen at each time, in one pass, decoded in order.

    Args:
        path: a file with pictures.
        times_s: seconds on the file's own clock, in any order.
        short_side: pictures are scaled so that their shorter side has this many pixels.

    Yields:
        (index into `times_s`, uint8 [height, width, 3] RGB). A time past the last picture gets
        the last one.

    Raises:
        UnreadableMediaError: no pictures, or none can be decoded.
    """
    import av

    order = sorted(range(len(times_s)), key=lambda index: times_s[index])
    waiting = iter(order)
    index = next(waiting, None)
    if index is None:
        return
    try:
        with open_media(path) as container:
            stream = video_stream(container)
            if stream is None:
                raise UnreadableMediaError("it has no pictures")
            stream.thread_type = "AUTO"
            shown = None
            origin_s = clock_start_s(container)
            if times_s[index] > _LONG_JUMP_S:
                container.seek(int((origin_s + times_s[index]) / stream.time_base), stream=stream)
            for packet in container.demux(stream):
                try:
                    frames = packet.decode()
                except av.error.InvalidDataError:
                    continue
                for frame in frames:
                    if frame.time is None:
                        continue
                    time_s = frame.time - origin_s
                    while index is not None and shown is not None and time_s > times_s[index]:
                        yield index, _small(shown, short_side)
                        index = next(waiting, None)
                    if index is None:
                        return
                    shown = frame
            if shown is None:
                raise UnreadableMediaError("none of its pictures can be decoded")
            while index is not None:
                yield index, _small(shown, short_side)
                index = next(waiting, None)
    except av.FFmpegError as error:
        raise UnreadableMediaError(f"its pictures cannot be decoded ({why(error)})") from error


def _small(frame: object, short_side: int) -> np.ndarray:
    width, height = frame.width, frame.height  # type: ignore[attr-defined]
    scale = short_side / min(width, height)
    return frame.to_ndarray(  # type: ignore[attr-defined, no-any-return]
        format="rgb24", width=max(1, round(width * scale)), height=max(1, round(height * scale))
    )
