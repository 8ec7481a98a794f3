"""How reverberant and how noisy a recording of speech is, without knowing the room.

Clear speech falls silent quickly between sounds; a room fills these gaps with an exponential decay,
noise with a floor. So a small network looks at how the level of frequency bands is distributed and
at how far it falls within given times: the decay-rate distributions of Wen, Habets, Naylor (ICASSP
2008) and Löllmann et al. (2010), with the modulation energies of Falk et al. (2010, SRMR). It is
fitted to speech in made rooms of known clarity (`benchmarks/fit_reverberation.py`); its weights and
its error on rooms and voices it was not fitted to are in `reverberation.json` beside this file.
"""

from __future__ import annotations

import itertools
import json
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, NamedTuple, Protocol

from msc_kedro.listening.sound import SAMPLE_RATE, as_mono

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import ArrayLike, NDArray

SHORTEST_S = 0.8  # under this there are too few gaps between sounds
_WINDOW, _HOP = 320, 128  # samples: 20 ms, 8 ms
_EDGES_HZ = (80, 250, 500, 1000, 1500, 2000, 3000, 4000, 6000, 7800)
_QUANTILES = (0.02, 0.05, 0.1, 0.2, 0.35, 0.5, 0.75)  # of the level, below the loud
_LOUD = 0.95
_LOUD_WITHIN_DB = 15.0
_FALLS_S = (0.024, 0.048, 0.096, 0.2)
_FALL_QUANTILES = (0.02, 0.1, 0.3)
_SLOPE_FRAMES = 8  # over which a slope is taken: 64 ms
_DEPTHS_DB = ((5.0, 20.0), (20.0, 35.0), (35.0, 55.0))  # below the loud, where slopes are taken
_MODULATIONS_HZ = ((2.0, 8.0), (8.0, 20.0), (20.0, 60.0))
_FLOOR_DB = -100.0  # below the loudest band; digital silence is not quieter


class RoomGuess(NamedTuple):
    """`c50_db` is the clarity of the room (ISO 3382-1), `snr_db` speech over noise; both in dB.

    None where it could not be told, with the reason.
    """

    c50_db: float | None
    snr_db: float | None
    reason: str = ""


class RoomMeter(Protocol):
    """Tells how a recording of speech was made."""

    def __call__(self, samples: ArrayLike) -> RoomGuess:
        """Clarity and noise of mono samples [n] at 16 kHz."""
        ...


class DecayRegression:
    """The embedded estimator: decay features and a small network."""

    def __call__(self, samples: ArrayLike) -> RoomGuess:
        """Clarity and noise of a recording of speech.

        Args:
            samples: mono [n] in [-1, 1] at 16 kHz, mostly speech.
        """
        import numpy as np

        sound = as_mono(samples)
        if len(sound) < SHORTEST_S * SAMPLE_RATE:
            return RoomGuess(None, None, f"under {SHORTEST_S} s of sound")
        if not sound.any():
            return RoomGuess(None, None, "silence")
        network = _network()
        hidden = (decay_features(sound) - network.mean) / network.scale
        hidden = np.clip(hidden, -5.0, 5.0)  # of what no training sound was like
        for place, (weight, bias) in enumerate(network.layers):
            hidden = hidden @ weight + bias
            if place + 1 < len(network.layers):
                hidden = np.maximum(hidden, 0.0)
        c50, snr = np.clip(hidden, *np.transpose(network.bounds_db))
        return RoomGuess(float(c50), float(snr))


class _Network(NamedTuple):
    mean: NDArray[np.float64]  # of the features, [k]
    scale: NDArray[np.float64]
    layers: Sequence[tuple[NDArray[np.float64], NDArray[np.float64]]]  # weight [in, out], bias
    bounds_db: tuple[tuple[float, float], tuple[float, float]]  # of C50 and SNR


@cache
def _network() -> _Network:
    import numpy as np

    file = resources.files("msc_kedro.listening").joinpath("reverberation.json")
    told = json.loads(file.read_text("utf-8"))
    return _Network(
        np.array(told["mean"]),
        np.array(told["scale"]),
        [(np.array(one["weight"]), np.array(one["bias"])) for one in told["layers"]],
        tuple(tuple(pair) for pair in told["bounds_db"]),  # type: ignore[arg-type]
    )


def decay_features(samples: ArrayLike) -> NDArray[np.float64]:
    """What the network looks at, [k]; the same for louder and softer sound.

    Per band: quantiles of the level below the loud, quantiles of the fall of the level after loud
    frames, slopes at three depths, and modulation energies; then the spectrum of the loud.

    Args:
        samples: mono [n] at 16 kHz, not silent, at least `SHORTEST_S`.
    """
    import numpy as np

    levels = _levels(as_mono(samples))  # [f, bands]
    loud = np.quantile(levels, _LOUD, axis=0)
    below = levels - loud
    parts = [np.quantile(below, _QUANTILES, axis=0).ravel()]
    for band in below.T:
        parts.append(_falls(band))
        parts.append(_slopes(band))
    parts.append(_modulations(below).ravel())
    parts.append(loud - loud[-1])
    quiet = np.quantile(levels, 0.05, axis=0)
    parts.append(quiet - quiet[-1])
    return np.concatenate(parts)


def _levels(sound: NDArray[np.float32]) -> NDArray[np.float64]:
    """Level in dB of each band, and last of all bands together, [f, bands + 1]."""
    import numpy as np

    frames = np.lib.stride_tricks.sliding_window_view(sound, _WINDOW)[::_HOP]
    power = np.abs(np.fft.rfft(frames * np.hanning(_WINDOW).astype(np.float32), axis=1)) ** 2
    hz = np.fft.rfftfreq(_WINDOW, 1 / SAMPLE_RATE)
    places = np.searchsorted(hz, _EDGES_HZ)
    bands = np.stack(
        [power[:, low:high].sum(axis=1) for low, high in itertools.pairwise(places)]
        + [power[:, places[0] : places[-1]].sum(axis=1)],
        axis=1,
    )
    floor = bands.max() * 10 ** (_FLOOR_DB / 10) + 1e-20
    return np.asarray(10 * np.log10(bands + floor))


def _falls(band: NDArray[np.float64]) -> NDArray[np.float64]:
    """Quantiles of how the level changes within given times after loud frames."""
    import numpy as np

    found = []
    for fall_s in _FALLS_S:
        step = round(fall_s * SAMPLE_RATE / _HOP)
        change = (band[step:] - band[:-step])[band[:-step] > -_LOUD_WITHIN_DB]
        found.append(np.quantile(change, _FALL_QUANTILES) if change.size else np.zeros(3))
    return np.concatenate(found)


def _slopes(band: NDArray[np.float64]) -> NDArray[np.float64]:
    """Median and steep falling slope (dB per frame) at each depth, and how often it is there."""
    import numpy as np

    count = _SLOPE_FRAMES
    x = np.arange(count) - (count - 1) / 2
    windows = np.lib.stride_tricks.sliding_window_view(band, count)
    slope = windows @ x / (x @ x)
    depth = -windows.mean(axis=1)
    found = []
    for shallow, deep in _DEPTHS_DB:
        there = (depth >= shallow) & (depth < deep)
        falling = slope[there & (slope < 0)]
        steep = np.quantile(falling, (0.1, 0.5)) if falling.size >= 3 else np.zeros(2)
        found.append(np.append(steep, there.mean()))
    return np.concatenate(found)


def _modulations(below: NDArray[np.float64]) -> NDArray[np.float64]:
    """Energy of slow, middle and fast changes of the amplitude against its mean, in dB."""
    import numpy as np

    amplitude = 10 ** (below / 20)
    spectrum = np.abs(np.fft.rfft(amplitude, axis=0)) ** 2
    hz = np.fft.rfftfreq(len(amplitude), _HOP / SAMPLE_RATE)
    mean = spectrum[0] + 1e-12
    found = [
        spectrum[(hz >= low) & (hz < high)].sum(axis=0) / mean for low, high in _MODULATIONS_HZ
    ]
    return np.asarray(10 * np.log10(np.array(found) + 1e-8))
