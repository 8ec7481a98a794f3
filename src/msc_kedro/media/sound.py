"""Sound: any file to mono, in one pass, and mono to FLAC."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msc_kedro.media.probe import UnreadableMediaError

if TYPE_CHECKING:
    import numpy as np

LISTENING_RATE = 16_000  # Hz: what every model that listens here expects


def read_mono(path: Path, *, sample_rate: int = LISTENING_RATE) -> np.ndarray:
    """Decode the first sound track: all channels mixed to one, resampled.

    The sound keeps its place on the file's own clock: where the track begins later than time 0
    , silence stands in, so that one second here is one second of the pictures.

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
        with av.open(str(path)) as container:
            if not container.streams.audio:
                raise UnreadableMediaError("it has no sound")
            stream = container.streams.audio[0]
            stream.thread_type = "AUTO"
            resampler = av.AudioResampler(format="flt", layout="mono", rate=sample_rate)
            started = False
            for frame in _decodable_frames(container, stream):
                if not started and frame.time is not None:
                    lead = round(max(0.0, frame.time) * sample_rate)
                    if lead > 0:
                        pieces.append(np.zeros(lead, np.float32))
                        length += lead
                    started = True
                for mono in resampler.resample(frame):
                    pieces.append(mono.to_ndarray().reshape(-1))
                    length += pieces[-1].size
            for mono in resampler.resample(None):
                pieces.append(mono.to_ndarray().reshape(-1))
    except av.FFmpegError as error:
        raise UnreadableMediaError(f"its sound cannot be decoded ({error})") from error
    if not pieces:
        raise UnreadableMediaError("its sound track is empty")
    return np.clip(np.concatenate(pieces), -1.0, 1.0).astype(np.float32)


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
