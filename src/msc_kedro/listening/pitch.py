"""Pitch of a voice, by swift-f0, and the two figures the description needs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from msc_kedro.listening.sound import SAMPLE_RATE, as_mono

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

LOWEST_HZ, HIGHEST_HZ = 50.0, 600.0
_VOICED = 0.5  # the network's confidence is calibrated so
_SILENCE_DB = 35.0  # frames so far under the loudest are taken for room, not voice
# A slip is a jump of about an octave away from the pitch around it.
_SLIP_OCTAVES = 0.7
_AROUND_FRAMES = 31  # half a second
_FEWEST_VOICED_S = 0.1


@dataclass(frozen=True)
class PitchTrack:
    """`times_s`, `f0_hz` and `voiced`, each [f], 16 ms apart; f0 is 0 where unvoiced."""

    times_s: NDArray[np.float64]
    f0_hz: NDArray[np.float64]
    voiced: NDArray[np.bool_]


class PitchStatistics(NamedTuple):
    """Mean and standard deviation of the pitch over voiced frames, in Hz."""

    mean_hz: float
    std_hz: float


class PitchTracker:
    """swift-f0: a small network on the spectrogram (Nieradzik 2025), 46.875-2093.75 Hz."""

    def __init__(self, *, threads: int = 1) -> None:
        from swift_f0 import SwiftF0

        self._detector = SwiftF0(threads=threads, spin=False)

    def __call__(self, samples: ArrayLike) -> PitchTrack:
        """Pitch every 16 ms, octave slips taken out.

        Args:
            samples: mono [n] in [-1, 1] at 16 kHz.
        """
        import numpy as np

        sound = as_mono(samples)
        if sound.size == 0:
            nothing = np.zeros(0)
            return PitchTrack(nothing, nothing, nothing.astype(bool))
        found = self._detector.detect(sound, SAMPLE_RATE, fmin=LOWEST_HZ, fmax=HIGHEST_HZ)
        loud = found.loudness_db >= found.loudness_db.max() - _SILENCE_DB
        voiced = (found.confidence >= _VOICED) & loud
        voiced &= ~octave_slips(found.pitch_hz, voiced)
        return PitchTrack(found.timestamps, np.where(voiced, found.pitch_hz, 0.0), voiced)


def octave_slips(f0_hz: NDArray[np.float64], voiced: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Voiced frames whose pitch lies about an octave off, [f].

    A frame is a slip when it is more than 0.7 octaves from the median of the half second of
    voiced frames around it, or more than 1.2 octaves from the median of all.
    """
    import numpy as np

    slips = np.zeros(len(f0_hz), dtype=bool)
    places = np.flatnonzero(voiced)
    if len(places) == 0:
        return slips
    octaves = np.log2(f0_hz[places])
    reach = _AROUND_FRAMES // 2
    padded = np.pad(octaves, reach, mode="reflect" if len(octaves) > reach else "edge")
    around = np.median(np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1), axis=1)
    off = np.abs(octaves - around) > _SLIP_OCTAVES
    off |= np.abs(octaves - np.median(octaves)) > 1.2
    slips[places] = off
    return slips


def pitch_statistics(track: PitchTrack) -> PitchStatistics | None:
    """Mean and standard deviation of the pitch; None under 0.1 s of voice."""
    f0 = track.f0_hz[track.voiced]
    if len(f0) * 0.016 < _FEWEST_VOICED_S:
        return None
    return PitchStatistics(float(f0.mean()), float(f0.std()))
