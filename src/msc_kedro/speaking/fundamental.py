"""The fundamental of spoken sound on a fine grid, for resynthesis.

swift-f0 (Nieradzik 2025) finds it every 16 ms; it is interpolated, and StoneMask (of WORLD) refines
it against the wave.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from msc_kedro.speaking._pyworld import pyworld

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from swift_f0 import SwiftF0

    from msc_kedro.voice.manner import Speech

_RATE = 16_000  # Hz, what swift-f0 hears
_SURE = 0.5  # confidence from which a frame counts as voiced
_QUIET_DB = 40.0  # below the loudest frame nothing counts as voiced
_SLIP_OCTAVES = 0.65  # further from the median than this is an octave slip
_REFINED = 0.1  # StoneMask is believed within this share of the coarse value


@functools.cache
def _tracker() -> SwiftF0:
    from swift_f0 import SwiftF0

    return SwiftF0(threads=1, spin=False)


def fundamental(
    speech: Speech, *, frame_ms: float, lowest_hz: float, highest_hz: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The fundamental every `frame_ms`.

    Returns:
        f0 in Hz `[frames]`, 0 where unvoiced, and the times of the frames in seconds `[frames]`.
    """
    import numpy as np
    import soxr

    wave = speech.samples.astype(np.float64)
    times = np.arange(int(1000 * speech.duration_s / frame_ms) + 1) * frame_ms / 1000
    heard = soxr.resample(speech.samples, speech.sample_rate, _RATE)
    found = _tracker().detect(heard, _RATE, fmin=lowest_hz, fmax=highest_hz)
    loud = found.loudness_db >= found.loudness_db.max(initial=-np.inf) - _QUIET_DB
    voiced = (found.confidence >= _SURE) & loud & (found.pitch_hz > 0)
    if not voiced.any():
        return np.zeros_like(times), times
    octaves = np.log2(found.pitch_hz[voiced])
    away = octaves - np.median(octaves)
    # A slip by an octave is put back, for to call it unvoiced would make it a whisper.
    octaves = np.where(np.abs(away) > _SLIP_OCTAVES, octaves - np.round(away), octaves)
    coarse = 2 ** np.interp(times, found.timestamps[voiced], octaves)
    places = np.interp(times, found.timestamps, np.arange(len(voiced)))
    coarse[~voiced[np.rint(places).astype(int)]] = 0
    refined = pyworld().stonemask(wave, coarse, times, speech.sample_rate)
    believed = np.abs(refined - coarse) <= _REFINED * coarse
    return np.where(believed, refined, coarse), times
