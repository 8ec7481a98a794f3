"""The sound track of a dialogue: turns with gaps between them over a quiet room."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from msc_kedro.voice.manner import Speech

LEAD_S = 0.35  # silence before the first turn
TAIL_S = 0.45  # and after the last
GAPS_S = (0.25, 0.7)  # between two turns
TURN_DB = -23.0  # root mean square of a turn of usual loudness, relative to full scale
ROOM_DB = -66.0  # of the room's noise
QUIET_DB = 40.0  # below the loudest frame of a turn: its silent edges
LOUDEST = 0.98
_FRAME_S = 0.005


@dataclass(frozen=True)
class Track:
    """Mono float32 samples `[n]`, their rate, and the sample spans of the turns, in order."""

    samples: NDArray[np.float32]
    sample_rate: int
    spans: tuple[tuple[int, int], ...]

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return len(self.samples) / self.sample_rate


def lay_out(
    turns: Sequence[Speech],
    *,
    gains_db: Sequence[float],
    sample_rate: int,
    random: np.random.Generator,
) -> Track:
    """Put the turns one after the other, each cut to its audible part.

    Args:
        turns: the speech of each turn, at any rate.
        gains_db: loudness of each turn against the usual.
        sample_rate: of the track, in Hz.
        random: draws the gaps and the room's noise.
    """
    import numpy as np

    pieces: list[NDArray[np.float32]] = []
    spans: list[tuple[int, int]] = []
    place = round(LEAD_S * sample_rate)
    for speech, gain_db in zip(turns, gains_db, strict=True):
        if spans:
            place += round(float(random.uniform(*GAPS_S)) * sample_rate)
        piece = _levelled(audible(_resampled(speech, sample_rate), sample_rate), gain_db)
        pieces.append(piece)
        spans.append((place, place + len(piece)))
        place += len(piece)
    samples = _room(place + round(TAIL_S * sample_rate), random)
    for (start, end), piece in zip(spans, pieces, strict=True):
        samples[start:end] += piece
    return Track(np.clip(samples, -1, 1), sample_rate, tuple(spans))


def audible(samples: NDArray[np.float32], sample_rate: int) -> NDArray[np.float32]:
    """`samples` `[n]` without their silent edges, faded over 5 ms at both ends."""
    import numpy as np

    frame = round(_FRAME_S * sample_rate)
    power = loudness(samples, frame)
    heard = np.flatnonzero(power > power.max(initial=0) * 10 ** (-QUIET_DB / 20))
    if len(heard) == 0:
        return samples
    kept = samples[heard[0] * frame : (heard[-1] + 1) * frame].copy()
    fade = np.linspace(0, 1, min(frame, len(kept)), dtype=np.float32)
    kept[: len(fade)] *= fade
    kept[len(kept) - len(fade) :] *= fade[::-1]
    return kept


def loudness(samples: NDArray[np.float32], frame: int) -> NDArray[np.float32]:
    """Root mean square of frames of `frame` samples, `[n / frame]` rounded up."""
    import numpy as np

    count = -(-len(samples) // frame)
    padded = np.zeros(count * frame, np.float32)
    padded[: len(samples)] = samples
    return np.sqrt(np.mean(padded.reshape(count, frame) ** 2, axis=1))


def _resampled(speech: Speech, sample_rate: int) -> NDArray[np.float32]:
    import soxr

    if speech.sample_rate == sample_rate:
        return speech.samples
    return soxr.resample(speech.samples, speech.sample_rate, sample_rate, quality="HQ")


def _levelled(samples: NDArray[np.float32], gain_db: float) -> NDArray[np.float32]:
    """`samples` at the loudness of a turn, or as near to it as full scale allows."""
    import numpy as np

    present = float(np.sqrt(np.mean(samples.astype(np.float64) ** 2)))
    peak = float(np.max(np.abs(samples), initial=0.0))
    if present == 0 or peak == 0:
        return samples
    factor = 10 ** ((TURN_DB + gain_db) / 20) / present
    return samples * np.float32(min(factor, LOUDEST / peak))


def _room(length: int, random: np.random.Generator) -> NDArray[np.float32]:
    """Soft noise with more of the low frequencies, as a room has: digital silence is unreal."""
    import numpy as np

    white = random.standard_normal(length + 1, dtype=np.float32)
    noise = white[1:] + white[:-1]
    return noise * np.float32(10 ** (ROOM_DB / 20) / np.sqrt(2))
