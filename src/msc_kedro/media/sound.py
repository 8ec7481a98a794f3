"""Sound: any file to mono, decoded in a stream, and mono to FLAC."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msc_kedro.media.probe import (
    UnreadableMediaError,
    audio_stream,
    clock_start_s,
    frames_of,
    opened,
    why,
)

if TYPE_CHECKING:
    import numpy as np

LISTENING_RATE = 16_000  # Hz: what every model that listens here expects
# Silence is put in for a gap of this length; shorter ones are time stamps that are not exact, and
# longer ones time stamps that are wrong.
_GAP_S = (0.1, 3600.0)


def mono_blocks(container: Any, *, sample_rate: int = LISTENING_RATE) -> Iterator[np.ndarray]:
    """Decode the first sound track bit by bit: all channels mixed to one, resampled.

    The sound keeps its place on the file's own clock, which begins where its first stream does:
    silence stands in where the track begins later, and where part of it is missing or damaged. So
    one second here is one second of the pictures.

    Args:
        container: of `probe.opened`, of which nothing was read yet.
        sample_rate: in Hz.

    Yields:
        float32 [n] in [-1, 1] at `sample_rate`, a second or a little more; the last may be shorter.

    Raises:
        UnreadableMediaError: no sound track, or nothing of it can be decoded.
    """
    import av
    import numpy as np

    def block() -> np.ndarray:
        return (np.concatenate(pieces) / 2**31).astype(np.float32)

    pieces: list[np.ndarray] = []
    gathered = 0
    try:
        for piece in _pieces(container, sample_rate):
            pieces.append(piece)
            gathered += piece.size
            if gathered >= sample_rate:
                yield block()
                pieces, gathered = [], 0
    except (av.FFmpegError, ValueError) as error:
        raise UnreadableMediaError(f"its sound cannot be decoded ({why(error)})") from error
    if pieces:
        yield block()


def _pieces(container: Any, sample_rate: int) -> Iterator[np.ndarray]:
    """What `mono_blocks` gathers: int32 [n], a frame of the file each, silence in between."""
    import av
    import numpy as np

    stream = audio_stream(container)
    if stream is None:
        raise UnreadableMediaError("it has no sound")
    stream.thread_type = "AUTO"
    # Into integers FFmpeg scales the mix so that no channels add up to more than 1.
    resampler = av.AudioResampler(format="s32", layout="mono", rate=sample_rate)
    origin_s = clock_start_s(container)
    length = 0
    for frame in chain(frames_of(container, stream), [None]):
        if frame is not None and frame.time is not None:
            gap_s = frame.time - origin_s - length / sample_rate
            if (_GAP_S[0] if length else 0.0) < gap_s < _GAP_S[1]:
                silence = round(gap_s * sample_rate)
                length += silence
                for first in range(0, silence, sample_rate):
                    yield np.zeros(min(sample_rate, silence - first), np.int32)
        for mono in resampler.resample(frame):
            length += mono.samples
            yield mono.to_ndarray().reshape(-1)
    if not length:
        raise UnreadableMediaError("its sound track is empty")


def read_mono(path: Path, *, sample_rate: int = LISTENING_RATE) -> np.ndarray:
    """The whole sound of a file that is not long, as `mono_blocks` decodes it: float32 [n].

    Raises:
        UnreadableMediaError: no media, no sound track, or nothing of it can be decoded.
    """
    import numpy as np

    with opened(path) as container:
        return np.concatenate(list(mono_blocks(container, sample_rate=sample_rate)))


def write_flac(file: Path, blocks: Iterable[np.ndarray], sample_rate: int = LISTENING_RATE) -> None:
    """Write float32 [n] mono, block by block, as a 16-bit FLAC file.

    The same samples give the same bytes, in whatever blocks they come.

    Raises:
        OSError: it cannot be written.
    """
    import soundfile

    with _Written(file, "wb") as target:
        try:
            with soundfile.SoundFile(target, "w", sample_rate, 1, "PCM_16", format="FLAC") as flac:
                for block in blocks:
                    flac.write(block)
        except (soundfile.LibsndfileError, AssertionError) as error:  # what was written short
            raise target.error or error from None
        if target.error:
            raise target.error


class _Written(io.FileIO):
    """A file that keeps the reason why it could not be written: libsndfile does not tell it."""

    error: OSError | None = None

    def write(self, data: Any) -> int:
        """All of `data`; nothing more after the first error."""
        rest = memoryview(data)
        try:
            while rest and not self.error:
                rest = rest[super().write(rest) :]
        except OSError as error:
            self.error = error
        return len(data) - len(rest)


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
