"""Pitch of a voice, by swift-f0, and the two figures the description needs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from msc_kedro.listening.sound import SAMPLE_RATE, as_mono

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

LOWEST_HZ, HIGHEST_HZ = 65.0, 600.0  # hum of the mains lies below
# What a voice reaches, in quartiles of its own pitch (De Looze and Hirst 2008; 2.5 is theirs for
# lively speech).
_OF_LOWER_QUARTILE, _OF_UPPER_QUARTILE = 0.75, 2.5
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
    """swift-f0: a small network on the spectrogram (Nieradzik 2025), 46.875-2093.75 Hz.

    Args:
        threads: of the network.
        voiced: confidence from which a frame is voiced. Echo and noise lower it while the pitch is
            still right.
        silence_db: frames so far under the loudest are taken for room, not voice. Both limits were
            best on dry speech put into drawn rooms and noise (docs/voice-and-features.md).
    """

    def __init__(self, *, threads: int = 1, voiced: float = 0.3, silence_db: float = 25.0) -> None:
        from swift_f0 import SwiftF0

        self._voiced, self._silence_db = voiced, silence_db
        self._detector = SwiftF0(threads=threads, spin=False)

    def __call__(self, samples: ArrayLike) -> PitchTrack:
        """Pitch every 16 ms, without what lies beyond the voice's range and octave slips.

        Args:
            samples: mono [n] in [-1, 1] at 16 kHz.
        """
        import numpy as np

        sound = as_mono(samples)
        if sound.size == 0:
            nothing = np.zeros(0)
            return PitchTrack(nothing, nothing, nothing.astype(bool))
        found = self._detector.detect(sound, SAMPLE_RATE, fmin=LOWEST_HZ, fmax=HIGHEST_HZ)
        loud = found.loudness_db >= found.loudness_db.max() - self._silence_db
        voiced = (found.confidence >= self._voiced) & loud
        voiced &= within_range(found.pitch_hz, voiced)
        voiced &= ~octave_slips(found.pitch_hz, voiced)
        return PitchTrack(found.timestamps, np.where(voiced, found.pitch_hz, 0.0), voiced)


def within_range(f0_hz: NDArray[np.float64], voiced: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Frames whose pitch the voice reaches, by the quartiles of its voiced frames, [f]."""
    import numpy as np

    if not voiced.any():
        return np.zeros(len(f0_hz), dtype=bool)
    lower, upper = np.percentile(f0_hz[voiced], (25, 75))
    within: NDArray[np.bool_] = f0_hz >= _OF_LOWER_QUARTILE * lower
    return within & (f0_hz <= _OF_UPPER_QUARTILE * upper)


def octave_slips(f0_hz: NDArray[np.float64], voiced: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Voiced frames whose pitch lies about an octave off, [f].

    A frame is a slip when it is more than 0.7 octaves from the median of the half second of
    voiced frames around it.
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
    slips[places] = np.abs(octaves - around) > _SLIP_OCTAVES
    return slips


def pitch_statistics(track: PitchTrack) -> PitchStatistics | None:
    """Mean and standard deviation of the pitch; None under 0.1 s of voice."""
    f0 = track.f0_hz[track.voiced]
    if len(f0) * 0.016 < _FEWEST_VOICED_S:
        return None
    return PitchStatistics(float(f0.mean()), float(f0.std()))
