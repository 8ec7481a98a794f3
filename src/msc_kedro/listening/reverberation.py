"""How reverberant and how noisy a recording of speech is, without knowing the room.

Clear speech falls silent quickly between sounds; a room fills these gaps with an exponential decay,
noise with a floor. A small convolutional network follows the level of frequency bands over about
half a second and weighs those moments that tell most, as Brouhaha (Lavechin et al. 2023) and the
blind estimators of the ACE challenge (Eaton et al. 2016) do with larger ones. It is fitted to
speech in made rooms of known clarity (`benchmarks/fit_reverberation.py`). Its weights are in
`reverberation.safetensors` beside this file, with its error on other voices and rooms.
"""

from __future__ import annotations

import json
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, NamedTuple, Protocol

from msc_kedro.listening.sound import SAMPLE_RATE, as_mono

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import ArrayLike, NDArray

SHORTEST_S = 0.8  # under this there are too few gaps between sounds
LONGEST_S = 10.0  # what is looked at as one piece
WINDOW, HOP = 320, 128  # samples: 20 ms, 8 ms
# Critical bands (Zwicker 1961), the lowest two as one.
_LOWER_HZ = (100, 300, 400, 500, 650, 750, 900, 1100, 1250, 1500, 1700, 2000)
EDGES_HZ = (*_LOWER_HZ, 2300, 2700, 3150, 3700, 4400, 5300, 6400, 7700)
# A clarity that may be this much off (standard deviation) is not told. It is the largest limit, in
# steps of 0.5 dB, at which the levels that are told of cuts of voices that it was not fitted to
# reach a quadratic kappa of 0.8. Of 1,671 such cuts 37 % are not told; these are 11 dB off on
# average, the others 4.3 dB.
MOST_UNSURE_DB = 8.0
LOUD = 0.95  # quantile of the level that the others are told against
FLOOR_DB = -100.0  # below the loudest band; digital silence is not quieter
# Convolutions over time, by name of their weights: stride and dilation.
CONVOLUTIONS = {
    "first": (2, 1),
    "second": (2, 1),
    "third": (1, 1),
    "fourth": (1, 2),
    "fifth": (1, 4),
}


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
    """The embedded estimator: a small network over the levels of frequency bands."""

    def __call__(self, samples: ArrayLike) -> RoomGuess:
        """Clarity and noise of a recording of speech.

        The network tells how likely each clarity is; what is said is the one in the middle, and
        nothing where they lie too far apart, as where noise covers the echo.

        Args:
            samples: mono [n] in [-1, 1] at 16 kHz, mostly speech.
        """
        import numpy as np

        sound = as_mono(samples)
        if len(sound) < SHORTEST_S * SAMPLE_RATE:
            return RoomGuess(None, None, f"under {SHORTEST_S} s of sound")
        if not sound.any():
            return RoomGuess(None, None, "silence")
        levels = band_levels(sound)
        pieces = -(-len(levels) // round(LONGEST_S * SAMPLE_RATE / HOP))
        told = [guess(piece) for piece in np.array_split(levels, pieces)]
        c50, spread, snr = map(float, np.mean(told, axis=0))
        if spread > MOST_UNSURE_DB:
            return RoomGuess(None, snr, "too much noise, or too few pauses, to hear the room")
        return RoomGuess(c50, snr)


def band_levels(samples: ArrayLike) -> NDArray[np.float32]:
    """Level in dB of each band below the loudest moment of the loudest band, [f, 19].

    Args:
        samples: mono [n] at 16 kHz, not silent, at least a window long.
    """
    import numpy as np

    sound = as_mono(samples)
    frames = np.lib.stride_tricks.sliding_window_view(sound, WINDOW)[::HOP]
    power = np.abs(np.fft.rfft(frames * np.hanning(WINDOW).astype(np.float32), axis=1)) ** 2
    places = np.searchsorted(np.fft.rfftfreq(WINDOW, 1 / SAMPLE_RATE), EDGES_HZ)
    bands = np.add.reduceat(power[:, : places[-1]], places[:-1], axis=1)
    bands = bands / max(float(bands.max()), 1e-20)
    return np.asarray(10 * np.log10(bands + 10 ** (FLOOR_DB / 10)), np.float32)


def network_input(
    levels: NDArray[np.float32],
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """What the network sees of `band_levels`: [f, 20] over time and [19] once.

    Over time each band, and last all bands together, against its own loud moments, so that the
    microphone's colour does not matter; once the colour of the loud moments.
    """
    import numpy as np

    together = 10 * np.log10(np.sum(10 ** (levels / 10), axis=1, keepdims=True))
    each = np.concatenate([levels, together], axis=1)
    loud = np.quantile(each, LOUD, axis=0)
    below = np.maximum(each - loud, -80.0) / 20
    return below.astype(np.float32), ((loud[:-1] - loud[-1]) / 20 + 1).astype(np.float32)


def guess(levels: NDArray[np.float32]) -> tuple[float, float, float]:
    """C50, its standard deviation, and SNR, in dB, from `band_levels` [f, 19]."""
    import numpy as np

    network = _network()
    hidden, colour = network_input(levels)
    for name, (stride, dilation) in CONVOLUTIONS.items():
        hidden = _convolved(hidden, network[name], network[f"{name}_bias"], stride, dilation)
    focus = hidden @ network["focus"]
    focus = np.exp(focus - focus.max(axis=0))
    focused = (hidden * focus).sum(axis=0) / focus.sum(axis=0)
    pooled = np.concatenate([hidden.mean(axis=0), hidden.std(axis=0), focused, colour])
    last = np.maximum(pooled @ network["head"] + network["head_bias"], 0)
    told = last @ network["told"] + network["told_bias"]
    split = len(network["c50_db"])
    c50, snr = network["c50_db"], network["snr_db"]
    shares = _shares(told[:split])
    spread = float(np.sqrt(shares @ (c50 - shares @ c50) ** 2))
    return _middle(shares, c50), spread, float(_shares(told[split:]) @ snr)


def _convolved(
    frames: NDArray[np.float32],
    weight: NDArray[np.float32],
    bias: NDArray[np.float32],
    stride: int,
    dilation: int,
) -> NDArray[np.float32]:
    """Frames [f, in] through weights [taps, in, out], zeros at both ends, cut off below 0."""
    import numpy as np

    reach = dilation * (len(weight) // 2)
    padded = np.pad(frames, ((reach, reach), (0, 0)))
    count = -(-len(frames) // stride)
    found = bias + sum(
        padded[tap * dilation :: stride][:count] @ weight[tap] for tap in range(len(weight))
    )
    return np.maximum(found, 0)


def _shares(logits: NDArray[np.float32]) -> NDArray[np.float64]:
    """The distribution of logits."""
    import numpy as np

    share = np.exp(logits.astype(np.float64) - logits.max())
    return np.asarray(share / share.sum())


def _middle(shares: NDArray[np.float64], values: NDArray[np.float32]) -> float:
    """The median under shares [k] of values [k], each of which stands for all next to it."""
    import numpy as np

    halfway = (values[1:] + values[:-1]) / 2
    edges = np.concatenate([values[:1], halfway, values[-1:]])
    return float(np.interp(0.5, np.append(0, np.cumsum(shares)), edges))


@cache
def _network() -> Mapping[str, NDArray[np.float32]]:
    """Weights by name; `c50_db` and `snr_db` are the values that its outputs stand for."""
    import numpy as np
    from safetensors.numpy import load

    file = resources.files("msc_kedro.listening").joinpath("reverberation.safetensors")
    return {name: value.astype(np.float32) for name, value in load(file.read_bytes()).items()}


def quality() -> dict[str, float]:
    """Errors on voices and rooms that it was not fitted to, by `fit_reverberation.py`."""
    file = resources.files("msc_kedro.listening").joinpath("reverberation.safetensors")
    content = file.read_bytes()
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    return dict(json.loads(header["__metadata__"]["quality"]))
