"""Mel spectrograms as sound features: the arm of the paper's code without a trained encoder.

As torchaudio's MelSpectrogram(n_fft=1024) computes it: a Hann window of 1,024 samples every 512,
its power, 128 triangles on HTK's mel scale from 0 to 8 kHz; 31.25 vectors a second. The published
code takes each file's own rate but lays the triangles as for 16 kHz; here sound is at 16 kHz.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from msc_kedro.listening.sound import as_mono

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

_RATE, _WINDOW, _HOP, _BANDS = 16_000, 1024, 512, 128
_SILENCE = 1e-10  # power under which nothing is told apart
_LARGEST = 65_504.0  # of float16, in which shards keep features


class MelSpectrogram:
    """Power in 128 bands of pitch.

    Args:
        log: natural logarithm of the power. False gives the power itself, as published, which the
            loudest band of the loudest moment rules; what shards cannot hold is cut.
    """

    width = _BANDS
    vectors_per_s = _RATE / _HOP

    def __init__(self, *, log: bool = True) -> None:
        self._log = log
        self._bands = mel_bands()

    def __call__(self, sounds: Sequence[ArrayLike]) -> list[NDArray[np.float32]]:
        """Features of each sound.

        Args:
            sounds: mono [n] in [-1, 1] at 16 kHz each.

        Returns:
            float32 [t, 128] each, t = n // 512 + 1; none for a sound without samples.
        """
        return [self._one(as_mono(sound)) for sound in sounds]

    def _one(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        import numpy as np

        if not len(samples):
            return np.zeros((0, _BANDS), np.float32)
        padded = np.pad(samples.astype(np.float64), _WINDOW // 2, mode="reflect")
        frames = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW)[::_HOP]
        window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(_WINDOW) / _WINDOW)
        power = np.abs(np.fft.rfft(frames * window)) ** 2 @ self._bands
        if self._log:
            return np.log(np.maximum(power, _SILENCE)).astype(np.float32)
        return np.minimum(power, _LARGEST).astype(np.float32)


def mel_bands() -> NDArray[np.float64]:
    """Triangles on HTK's mel scale (2595 log10(1 + f / 700)): float64 [513, 128]."""
    import numpy as np

    top = 2595 * np.log10(1 + (_RATE / 2) / 700)
    corners = 700 * (10 ** (np.linspace(0, top, _BANDS + 2) / 2595) - 1)
    frequencies = np.linspace(0, _RATE / 2, _WINDOW // 2 + 1)[:, None]
    widths = np.diff(corners)
    rising = (frequencies - corners[:-2]) / widths[:-1]
    falling = (corners[2:] - frequencies) / widths[1:]
    triangles: NDArray[np.float64] = np.maximum(0.0, np.minimum(rising, falling))
    return triangles
