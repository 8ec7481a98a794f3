"""What a media file holds, without decoding it whole."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from msc_kedro.errors import MscKedroError


class UnreadableMediaError(MscKedroError):
    """A file that cannot be opened or decoded as media."""


@dataclass(frozen=True)
class MediaInfo:
    """Facts of one file. Sizes are 0 and `fps` is None where there is no such stream."""

    duration_s: float
    has_video: bool
    has_audio: bool
    width: int
    height: int
    fps: float | None
    sample_rate: int
    channels: int


def content_id(path: Path, *, digits: int = 12) -> str:
    """The first hexadecimal digits of the sha256 of the file's bytes.

    Raises:
        UnreadableMediaError: the file cannot be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()[:digits]
    except OSError as error:
        raise UnreadableMediaError(f"it cannot be read ({why(error)})") from error


def probe(path: Path) -> MediaInfo:
    """Open a file and read its streams' headers.

    Raises:
        UnreadableMediaError: the file is no media, is damaged, or has no stream to use.
    """
    with opened(path) as container:
        return info_of(container)


@contextmanager
def opened(path: Path) -> Iterator[Any]:
    """A container to read, closed at the end; for several looks at a file that is opened once.

    Raises:
        UnreadableMediaError: the file is no media, or is damaged.
    """
    import av

    try:
        container = open_media(path)
    except (av.FFmpegError, ValueError) as error:
        raise _unopened(error) from error
    with container:
        yield container


def info_of(container: Any) -> MediaInfo:
    """What a container says of its streams; nothing of it is read on.

    Raises:
        UnreadableMediaError: it is damaged, or has no stream to use.
    """
    import av

    try:
        video, audio = video_stream(container), audio_stream(container)
        if video is None and audio is None:
            raise UnreadableMediaError("it has neither sound nor pictures")
        return MediaInfo(
            duration_s=_duration_s(container, video, audio),
            has_video=video is not None,
            has_audio=audio is not None,
            width=video.codec_context.width if video else 0,
            height=video.codec_context.height if video else 0,
            fps=float(video.average_rate) if video and video.average_rate else None,
            sample_rate=audio.codec_context.sample_rate if audio else 0,
            channels=audio.codec_context.channels if audio else 0,
        )
    except (av.FFmpegError, ValueError) as error:
        raise _unopened(error) from error


def _unopened(error: Exception) -> UnreadableMediaError:
    return UnreadableMediaError(
        f"it cannot be opened as media: it is cut off, or no media at all ({why(error)})"
    )


def readable_s(path: Path) -> float:
    """Seconds up to where the last packet ends; less than `probe` says of a file that is cut off.

    Reads the file to its end and decodes nothing.

    Raises:
        UnreadableMediaError: the file cannot be opened.
    """
    import av

    try:
        with open_media(path) as container:
            streams = [video_stream(container), audio_stream(container)]
            start_s = clock_start_s(container)
            ends = (
                float((packet.pts + (packet.duration or 0)) * packet.time_base) - start_s
                for packet in container.demux([s for s in streams if s is not None])
                if packet.pts is not None
            )
            return max(ends, default=0.0)
    except (av.FFmpegError, ValueError) as error:
        raise UnreadableMediaError(f"it cannot be opened as media ({why(error)})") from error


def why(error: Exception) -> str:
    """FFmpeg's reason without the file's path, which is another on each machine."""
    return getattr(error, "strerror", None) or str(error)


def open_media(path: Path) -> Any:
    """A PyAV container to read. Tags that are not UTF-8 (old AVI, WAV) do no harm."""
    import av

    return av.open(str(path.absolute()), metadata_errors="replace")


def video_stream(container: Any) -> Any:
    """The first stream of pictures that can be decoded and is no cover art, or None."""
    streams = container.streams.video
    return next((s for s in streams if s.codec_context is not None and not _is_cover(s)), None)


def audio_stream(container: Any) -> Any:
    """The first stream of sound that can be decoded, or None."""
    return next((s for s in container.streams.audio if s.codec_context is not None), None)


def clock_start_s(container: Any) -> float:
    """Where the file's clock begins: broadcast and recorded streams do not begin at 0."""
    import av

    return 0.0 if container.start_time is None else container.start_time / av.time_base  # type: ignore[no-any-return]


def frames_of(container: Any, stream: Any) -> Iterator[Any]:
    """Frames of one stream, one after the other; a damaged packet is skipped, as players do."""
    import av

    for other in container.streams:
        if other is not stream:
            other.discard = av.stream.Discard.all
    for packet in container.demux(stream):
        try:
            yield from packet.decode()
        except av.error.InvalidDataError:
            continue


def _is_cover(stream: Any) -> bool:
    """A still picture attached to a sound file is not video."""
    import av

    return bool(stream.disposition & av.stream.Disposition.attached_pic)


def _duration_s(container: Any, video: Any, audio: Any) -> float:
    import av

    start_s = clock_start_s(container)
    if container.duration:
        # Matroska counts its length from 0, wherever its clock begins.
        before_s = start_s if "matroska" in container.format.name else 0.0
        return container.duration / av.time_base - before_s  # type: ignore[no-any-return]
    streams = [stream for stream in (video, audio) if stream is not None]
    lengths = [float(stream.duration * stream.time_base) for stream in streams if stream.duration]
    if not lengths:  # what browsers record names no length
        lengths = [readable_s(Path(container.name))]
    if max(lengths) <= 0:
        raise UnreadableMediaError("there is nothing in it, or it is cut off")
    return max(lengths)
