"""Pictures: frames at given times, in one pass over a file, small before they are kept."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msc_kedro.media.packets import stretches
from msc_kedro.media.probe import (
    UnreadableMediaError,
    clock_start_s,
    open_media,
    video_stream,
    why,
)

if TYPE_CHECKING:
    import numpy as np

Box = tuple[float, float, float, float]  # x, y, width, height in pixels, from the left upper corner
_LONG_JUMP_S = 10.0  # further ahead than this, one seek is cheaper than decoding on
# Decoders that leave out a picture nothing is made from when told so before its packet: tested for
# each. dav1d for one is told once, when it is opened.
_LEAVING_OUT = frozenset({"h264", "hevc", "mpeg2video", "mpeg4"})


def frame_times(start_s: float, end_s: float, *, fps: float) -> list[float]:
    """Times of the pictures of a span: the middles of steps of 1/fps, at least one.

    By time and not by frame number, so 23.98 fps and variable rates give `fps` per second too.
    """
    steps = max(1, round((end_s - start_s) * fps))
    return [start_s + (step + 0.5) * (end_s - start_s) / steps for step in range(steps)]


def read_frames(
    path: Path,
    times_s: Sequence[float],
    *,
    short_side: int,
    crop: int | None = None,
    bicubic: bool = False,
    boxes: Sequence[Box] | None = None,
    threads: int | None = None,
) -> Iterator[tuple[int, np.ndarray]]:
    """The picture that is on screen at each time, in one pass, decoded in order.

    Pictures that are not asked for are decoded only where others are made from them.

    Args:
        path: a file with pictures.
        times_s: seconds on the file's own clock, in any order.
        short_side: pictures are scaled so that their shorter side has this many pixels.
        crop: side of the square in the middle that is kept; None keeps all.
        bicubic: scale as networks expect that were trained so; else bilinear.
        boxes: per time what part of the picture is meant, in pixels of the file; what lies outside
            of the picture is black. None for all of it.
        threads: of the decoder; None leaves it to FFmpeg.

    Yields:
        (index into `times_s`, uint8 [height, width, 3] RGB), in order of time. A time past the last
        picture gets the last one.

    Raises:
        UnreadableMediaError: no pictures, or none can be decoded.
    """
    order = sorted(range(len(times_s)), key=lambda index: times_s[index])
    if not order:
        return
    small = _Scaler(short_side, crop, bicubic)
    waiting = iter(order)
    index = next(waiting, None)
    shown = None
    for time_s, frame in _decoded(path, [times_s[i] for i in order], threads):
        while index is not None and shown is not None and time_s > times_s[index]:
            yield index, small(shown, boxes[index] if boxes else None)
            index = next(waiting, None)
        if index is None:
            return
        shown = frame
    if shown is None:
        raise UnreadableMediaError("none of its pictures can be decoded")
    while index is not None:
        yield index, small(shown, boxes[index] if boxes else None)
        index = next(waiting, None)


def _decoded(
    path: Path, times_s: Sequence[float], threads: int | None
) -> Iterator[tuple[float, Any]]:
    """Frames with their times on the file's own clock: those of `times_s`, and more.

    Args:
        times_s: in order, not empty.
    """
    import av

    seek = times_s[0] > _LONG_JUMP_S
    while True:
        try:
            with open_media(path) as container:
                stream = video_stream(container)
                if stream is None:
                    raise UnreadableMediaError("it has no pictures")
                for other in container.streams:
                    if other is not stream:
                        other.discard = av.stream.Discard.all
                stream.thread_type = "AUTO"
                if threads is not None:
                    stream.codec_context.thread_count = threads
                clock_s = clock_start_s(container)
                if seek:
                    container.seek(int((clock_s + times_s[0]) / stream.time_base), stream=stream)
                for time_s, frame in _frames(container, stream, times_s, clock_s):
                    if seek and time_s > times_s[0]:
                        break  # it led too far: from the beginning, then
                    seek = False
                    yield time_s, frame
                else:
                    return
                seek = False
        except av.FFmpegError as error:
            raise UnreadableMediaError(f"its pictures cannot be decoded ({why(error)})") from error


def _frames(
    container: Any, stream: Any, times_s: Sequence[float], clock_s: float
) -> Iterator[tuple[float, Any]]:
    import av

    decoder = stream.codec_context

    def timed(frames: Iterable[Any]) -> Iterator[tuple[float, Any]]:
        # By the stream's time base: what a decoder gives at its end has none of its own.
        for frame in frames:
            if frame.pts is not None:
                yield float(frame.pts * stream.time_base) - clock_s, frame

    leaves_out = decoder.name in _LEAVING_OUT
    begun = False
    for stretch in stretches(container.demux(stream), times_s, clock_s):
        if stretch.skipped:
            if begun:
                yield from timed(decoder.decode(None))
                decoder.flush_buffers()
            begun = False
            continue
        begun = True
        for packet, wanted in zip(stretch.packets, stretch.wanted, strict=True):
            if leaves_out:
                decoder.skip_frame = "DEFAULT" if wanted else "NONREF"
            try:
                frames = packet.decode()
            except av.error.InvalidDataError:
                continue
            yield from timed(frames)
    if begun:
        yield from timed(decoder.decode(None))


class _Scaler:
    """Frames to small pictures; what scaling needs is set up once for frames of one size."""

    def __init__(self, short_side: int, crop: int | None, bicubic: bool) -> None:
        from av.video.reformatter import VideoReformatter

        self._reformatter = VideoReformatter()
        self._short_side, self._crop = short_side, crop
        self._way = "BICUBIC" if bicubic else "BILINEAR"

    def __call__(self, frame: Any, box: Box | None = None) -> np.ndarray:
        import numpy as np

        if box is not None:
            return self._part(frame, box)
        scale = self._short_side / min(frame.width, frame.height)
        width, height = (max(1, round(side * scale)) for side in (frame.width, frame.height))
        small = self._reformatter.reformat(
            frame, width, height, "rgb24", interpolation=self._way, threads=1
        ).to_ndarray()
        return np.ascontiguousarray(self._middle(small))

    def _middle(self, picture: np.ndarray) -> np.ndarray:
        if self._crop is None:
            return picture
        top, left = ((side - self._crop) // 2 for side in picture.shape[:2])
        return picture[top : top + self._crop, left : left + self._crop]

    def _part(self, frame: Any, box: Box) -> np.ndarray:
        """A part of the picture, scaled; outside of the picture it is black."""
        import cv2
        import numpy as np

        whole = self._reformatter.reformat(frame, format="rgb24", threads=1).to_ndarray()
        x, y, w, h = box
        scale = self._short_side / min(w, h)
        size = max(1, round(w * scale)), max(1, round(h * scale))
        # From a pixel of what is wanted to one of the picture; their middles lie on halves.
        across, down = w / size[0], h / size[1]
        places = np.array([[across, 0, x + across / 2 - 0.5], [0, down, y + down / 2 - 0.5]])
        if across > 1:  # smaller: every pixel counts, so first by area
            step = 1 / across, 1 / down
            whole = cv2.resize(whole, None, fx=step[0], fy=step[1], interpolation=cv2.INTER_AREA)
            real = whole.shape[1] / frame.width, whole.shape[0] / frame.height
            places = np.array([[1.0, 0, x * real[0]], [0, 1.0, y * real[1]]])
        part = cv2.warpAffine(whole, places, size, flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
        return np.ascontiguousarray(self._middle(part))
