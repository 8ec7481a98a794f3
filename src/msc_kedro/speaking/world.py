"""Change the pitch, the liveliness and the size of a voice with the WORLD vocoder.

Morise, Yokomori, Ozawa: WORLD: a vocoder-based high-quality speech synthesis system for real-time
applications, IEICE Transactions E99-D(7), 2016. Envelope by CheapTrick, aperiodicity by D4C. The
fundamental is swift-f0's: WORLD's own trackers hear the low male voice an octave too high.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from msc_kedro.speaking._pyworld import pyworld
from msc_kedro.speaking.fundamental import fundamental
from msc_kedro.voice.manner import Identity, Manner, Speech

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FRAME_MS = 5.0
LOWEST_HZ, HIGHEST_HZ = 50.0, 500.0  # of the fundamental that is looked for
OUTERMOST_HZ = (40.0, 700.0)  # of the fundamental that is made
LOUDEST = 0.99  # a changed wave that would exceed it is scaled down as a whole
NO_GUESS = 0.0  # D4C: leave to the pitch tracker which frames are voiced


def reshape(speech: Speech, *, manner: Manner, identity: Identity, tempo: float = 1.0) -> Speech:
    """Shift and scale the pitch of `speech`, and warp its envelope.

    Rates are not looked at here: synthesizers speak faster natively, and what they leave undone is
    `tempo`, a factor above 1 for faster. Loudness (root mean square) is kept. Where nothing is to
    be changed the speech itself is returned, so that no vocoder stands between the synthesizer and
    the listener; so is speech without any voiced sound.

    Returns:
        Speech of 1 / tempo times the number of samples, at the same sample rate.
    """
    import numpy as np

    semitones = manner.semitones + identity.semitones
    spread = manner.range * identity.range
    if semitones == 0 and spread == 1 and identity.formant == 1 and tempo == 1:
        return speech
    f0, times = fundamental(speech, frame_ms=FRAME_MS, lowest_hz=LOWEST_HZ, highest_hz=HIGHEST_HZ)
    voiced = f0 > 0
    if not voiced.any():
        return speech
    world = pyworld()
    wave, rate = speech.samples.astype(np.float64), speech.sample_rate
    size = world.get_cheaptrick_fft_size(rate, LOWEST_HZ)
    envelope = world.cheaptrick(wave, f0, times, rate, f0_floor=LOWEST_HZ, fft_size=size)
    aperiodicity = world.d4c(wave, f0, times, rate, threshold=NO_GUESS, fft_size=size)

    log_f0 = np.log(f0[voiced])
    median = float(np.median(log_f0))
    changed = np.zeros_like(f0)
    shifted = median + spread * (log_f0 - median) + semitones * math.log(2) / 12
    changed[voiced] = np.clip(np.exp(shifted), *OUTERMOST_HZ)
    if identity.formant != 1:
        envelope = warp(envelope, identity.formant)
        aperiodicity = warp(aperiodicity, identity.formant)
    made = world.synthesize(changed, envelope, aperiodicity, rate, FRAME_MS / tempo)
    return Speech(samples=_like(made, wave, round(len(wave) / tempo)), sample_rate=rate)


def warp(spectra: NDArray[np.float64], factor: float) -> NDArray[np.float64]:
    """Scale the frequency axis of `spectra` `[frames, bins]`: bin k takes what was at k / factor.

    Where the source would lie past the last bin, the last bin is held.
    """
    import numpy as np

    bins = np.arange(spectra.shape[1])
    source = np.minimum(bins / factor, spectra.shape[1] - 1)
    low = np.floor(source).astype(int)
    high = np.minimum(low + 1, spectra.shape[1] - 1)
    part = source - low
    return np.ascontiguousarray(spectra[:, low] * (1 - part) + spectra[:, high] * part)


def _like(made: NDArray[np.float64], wave: NDArray[np.float64], length: int) -> NDArray[np.float32]:
    """`made` cut or padded to `length` and brought to the loudness of `wave`."""
    import numpy as np

    fitted = np.zeros(length)
    fitted[: len(made)] = made[:length]
    loudness = math.sqrt(float(np.mean(fitted**2)))
    if loudness > 0:
        fitted *= math.sqrt(float(np.mean(wave**2))) / loudness
    peak = float(np.max(np.abs(fitted), initial=0.0))
    if peak > LOUDEST:
        fitted *= LOUDEST / peak
    return fitted.astype(np.float32)
