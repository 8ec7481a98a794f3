"""The sound track of a dialogue: turns one after the other, as heard in a room with noise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from msc_kedro.corpora.demo.acoustics import impulse_response, reverberant, with_noise

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from msc_kedro.corpora.demo.acoustics import Noise, Room
    from msc_kedro.voice.manner import Speech

LEAD_S = 0.35  # silence before the first turn
TAIL_S = 0.45  # and after the last
GAPS_S = (0.25, 0.7)  # between two turns
OVERLAPS_S = (0.3, 0.6)  # of a turn with the one before it, where it begins too early
TURN_DB = -26.0  # root mean square of a turn of usual loudness, relative to full scale
QUIET_DB = 40.0  # below the loudest frame of a turn: its silent edges
LOUDEST = 0.98
_FRAME_S = 0.005


@dataclass(frozen=True)
class Voices:
    """What is said, before any room: per turn its samples, mono float32, and their span.

    Spans are in samples and in the order of the turns; two that follow each other may overlap.
    """

    turns: tuple[NDArray[np.float32], ...]
    spans: tuple[tuple[int, int], ...]
    length: int
    sample_rate: int

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return self.length / self.sample_rate


@dataclass(frozen=True)
class Track:
    """Mono float32 samples `[n]` and their rate.

    `level_db` is the root mean square of a turn of usual loudness, relative to full scale, had it
    been heard without the room.
    """

    samples: NDArray[np.float32]
    sample_rate: int
    level_db: float


def lay_out(
    turns: Sequence[Speech],
    *,
    gains_db: Sequence[float],
    over: Sequence[bool],
    sample_rate: int,
    random: np.random.Generator,
) -> Voices:
    """Put the turns one after the other, each cut to its audible part.

    Args:
        turns: the speech of each turn, at any rate.
        gains_db: loudness of each turn (root mean square over its span) against the usual.
        over: which turns begin before the one before them ends.
        sample_rate: of the track, in Hz.
        random: draws gaps and overlaps.
    """
    pieces: list[NDArray[np.float32]] = []
    spans: list[tuple[int, int]] = []
    place = round(LEAD_S * sample_rate)
    for speech, gain_db, early in zip(turns, gains_db, over, strict=True):
        if spans:
            wait_s = -random.uniform(*OVERLAPS_S) if early else random.uniform(*GAPS_S)
            place += round(float(wait_s) * sample_rate)
        piece = audible(_resampled(speech, sample_rate), sample_rate)
        pieces.append(_levelled(piece, gain_db))
        spans.append((place, place + len(piece)))
        place += len(piece)
    return Voices(tuple(pieces), tuple(spans), place + round(TAIL_S * sample_rate), sample_rate)


def heard(voices: Voices, *, room: Room, noise: Noise, random: np.random.Generator) -> Track:
    """The turns in a room with noise. Where that would exceed full scale, all of it is softer.

    Args:
        voices: what is said.
        room: its impulse response is applied to all turns.
        noise: goes through the whole track.
        random: draws the noise.
    """
    import numpy as np

    rate = voices.sample_rate
    dry = np.zeros(voices.length, np.float32)
    for (start, end), turn in zip(voices.spans, voices.turns, strict=True):
        dry[start:end] += turn
    wet = reverberant(dry, impulse_response(room, sample_rate=rate))
    track = with_noise(wet, noise, spans=voices.spans, sample_rate=rate, random=random)
    softer = min(1.0, LOUDEST / float(np.max(np.abs(track))))
    return Track((softer * track).astype(np.float32), rate, TURN_DB + float(20 * np.log10(softer)))


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
    """`samples` at the loudness of a turn."""
    import numpy as np

    present = float(np.sqrt(np.mean(samples.astype(np.float64) ** 2)))
    return samples * np.float32(10 ** ((TURN_DB + gain_db) / 20) / present)
