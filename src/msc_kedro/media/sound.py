"""Sound: any file to mono, in one pass, and mono to FLAC."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msc_kedro.media.probe import (
    UnreadableMediaError,
    audio_stream,
    clock_start_s,
    open_media,
    why,
)

if TYPE_CHECKING:
    import numpy as np

LISTENING_RATE = 16_000  # Hz: what every model that listens here expects
# Silence is put in for a gap of this length; shorter ones are time stamps that are not exact, and
# longer ones time stamps that are wrong.
_GAP_S = (0.1, 3600.0)


def read_mono(path: Path, *, sample_rate: int = LISTENING_RATE) -> np.ndarray:
    """Decode the first sound track: all channels mixed to one, resampled.

    The sound keeps its place on the file's own clock, which begins where its first stream does:
    silence stands in where the track begins later, and where part of it is missing or damaged. So
    one second here is one second of the pictures.

    Returns:
        float32 [n] in [-1, 1] at `sample_rate`.

    Raises:
        UnreadableMediaError: no sound track, or nothing of it can be decoded.
    """
    import av
    import numpy as np

    pieces: list[np.ndarray] = []
    length = 0
    try:
        with open_media(path) as container:
            stream = audio_stream(container)
            if stream is None:
                raise UnreadableMediaError("it has no sound")
            stream.thread_type = "AUTO"
            # Into integers FFmpeg scales the mix so that no channels add up to more than 1.
            resampler = av.AudioResampler(format="s32", layout="mono", rate=sample_rate)
            origin_s = clock_start_s(container)
            for frame in _decodable_frames(container, stream):
                if frame.time is not None:
                    gap_s = frame.time - origin_s - length / sample_rate
                    if (_GAP_S[0] if pieces else 0.0) < gap_s < _GAP_S[1]:
                        pieces.append(np.zeros(round(gap_s * sample_rate), np.float32))
                        length += pieces[-1].size
                for mono in resampler.resample(frame):
                    pieces.append(_floats(mono))
                    length += pieces[-1].size
            for mono in resampler.resample(None):
                pieces.append(_floats(mono))
    except (av.FFmpegError, ValueError) as error:
        raise UnreadableMediaError(f"its sound cannot be decoded ({why(error)})") from error
    if not pieces:
        raise UnreadableMediaError("its sound track is empty")
    return np.concatenate(pieces)


def _floats(frame: Any) -> np.ndarray:
    """A mono frame of 32-bit integers as float32 [n] in [-1, 1]."""
    import numpy as np

    return (frame.to_ndarray().reshape(-1) / 2**31).astype(np.float32)


def _decodable_frames(container: Any, stream: Any) -> Iterator[Any]:
    """Frames of a stream; a damaged packet is skipped, as players do."""
    import av

    for packet in container.demux(stream):
        try:
            yield from packet.decode()
        except av.error.InvalidDataError:
            continue


def flac_bytes(samples: np.ndarray, sample_rate: int = LISTENING_RATE) -> bytes:
    """float32 [n] mono as a 16-bit FLAC file; the same samples give the same bytes."""
    import soundfile

    buffer = io.BytesIO()
    soundfile.write(buffer, samples, sample_rate, format="FLAC", subtype="PCM_16")
    return buffer.getvalue()


def sound_length_s(path: Path) -> float:
    """Seconds of a FLAC or WAV file, from its header."""
    import soundfile

    return soundfile.info(path).duration  # type: ignore[no-any-return]


def read_span(path: Path, start_s: float, end_s: float) -> tuple[np.ndarray, int]:
    """Samples of a span of a FLAC or WAV file, without reading the rest.

    Returns:
        float32 [n] mono, and its sample rate. Shorter than asked for at the file's end.
    """
    import soundfile

    with soundfile.SoundFile(path) as file:
        rate = file.samplerate
        first = min(max(0, round(start_s * rate)), file.frames)
        last = min(max(first, round(end_s * rate)), file.frames)
        file.seek(first)
        return file.read(last - first, dtype="float32", always_2d=True).mean(axis=1), rate
