"""What a media file holds, without decoding it whole."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

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
    """The first hexadecimal digits of the sha256 of the file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:digits]


def probe(path: Path) -> MediaInfo:
    """Open a file and read its streams' headers.

    Raises:
        UnreadableMediaError: the file is no media, is damaged, or has no stream to use.
    """
    import av

    try:
        with av.open(str(path)) as container:
            video = next((s for s in container.streams.video if not _is_cover(s)), None)
            audio = next(iter(container.streams.audio), None)
            if video is None and audio is None:
                raise UnreadableMediaError("it has neither sound nor pictures")
            duration_s = _duration_s(container, video, audio)
            return MediaInfo(
                duration_s=duration_s,
                has_video=video is not None,
                has_audio=audio is not None,
                width=video.codec_context.width if video else 0,
                height=video.codec_context.height if video else 0,
                fps=float(video.average_rate) if video and video.average_rate else None,
                sample_rate=audio.codec_context.sample_rate if audio else 0,
                channels=audio.codec_context.channels if audio else 0,
            )
    except (av.FFmpegError, ValueError) as error:
        raise UnreadableMediaError(f"it cannot be opened as media ({error})") from error


def _is_cover(stream: object) -> bool:
    """A still picture attached to a sound file is not video."""
    import av

    return bool(stream.disposition & av.stream.Disposition.attached_pic)  # type: ignore[attr-defined]


def _duration_s(container: object, video: object, audio: object) -> float:
    import av

    if container.duration:  # type: ignore[attr-defined]
        return container.duration / av.time_base  # type: ignore[attr-defined, no-any-return]
    lengths = [
        float(stream.duration * stream.time_base)  # type: ignore[attr-defined]
        for stream in (video, audio)
        if stream is not None and stream.duration  # type: ignore[attr-defined]
    ]
    if not lengths:
        raise UnreadableMediaError("its length is not known: the file may be cut off")
    return max(lengths)
