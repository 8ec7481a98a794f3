"""Does a voice sound male or female.

The network is inaSpeechSegmenter's (Doukhan et al., ICASSP 2018, "An open-source speaker gender
detection framework for monitoring gender equality"): a small CNN over patches of 68 frames of 24
log mel bands. Its Keras weights are read into torch, so TensorFlow is not needed. It tells how a
voice sounds, not who someone is.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from msc_kedro.errors import MscKedroError
from msc_kedro.listening.sound import SAMPLE_RATE, as_mono

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray
    from torch import nn

WEIGHTS = "keras_male_female_cnn.hdf5"
_LABELS = ("female", "male")  # the order of the network's outputs
_WINDOW, _HOP, _FFT = 400, 160, 512  # samples: 25 ms, 10 ms
_BANDS, _LOWEST_HZ, _HIGHEST_HZ = 24, 100.0, 8000.0
_PREEMPHASIS = 0.97
_PATCH, _STEP = 68, 16  # frames; the published step is 2, the mean over patches is the same
SHORTEST_S = 0.3


class GenderGuess(NamedTuple):
    """`label` is "male" or "female"; `probability` is its mean over the voiced part."""

    label: str
    probability: float


def _filters() -> NDArray[np.float64]:
    """Triangular filters of equal area, equally spaced in mel: [257, 24]."""
    import numpy as np

    def mel(hz: float) -> float:
        return float(2595.0 * np.log10(1.0 + hz / 700.0))

    mels = np.linspace(mel(_LOWEST_HZ), mel(_HIGHEST_HZ), _BANDS + 2)
    corners = 700.0 * (10.0 ** (mels / 2595.0) - 1.0)
    low, centre, high = corners[:-2], corners[1:-1], corners[2:]
    bins = np.arange(_FFT // 2 + 1)[:, None] * SAMPLE_RATE / _FFT
    height = 2.0 / (high - low)
    rising = (bins - low) / (centre - low)
    falling = (high - bins) / (high - centre)
    return height * np.clip(np.minimum(rising, falling), 0.0, None)


def mel_bands(samples: ArrayLike) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Log mel bands and log energy of each 25 ms frame, one every 10 ms.

    Pre-emphasis is applied within each frame, as in the network's training.

    Args:
        samples: mono [n] at 16 kHz, at least one window.

    Returns:
        float32 [f, 24] and float64 [f]; frames of digital silence hold -inf.
    """
    import numpy as np

    sound = as_mono(samples)
    frames = np.lib.stride_tricks.sliding_window_view(sound, _WINDOW)[::_HOP].astype(np.float64)
    before = np.concatenate([frames[:, :1], frames[:, :-1]], axis=1)
    frames = frames - _PREEMPHASIS * before
    with np.errstate(divide="ignore"):
        energy = np.log((frames**2).sum(axis=1))
        power = np.abs(np.fft.rfft(frames * np.hanning(_WINDOW), _FFT)) ** 2
        bands = np.log(power @ _filters())
    return bands.astype(np.float32), energy


def _open(path: Path) -> nn.Module:
    """The published layers in torch, with the Keras weights put in."""
    import h5py
    import numpy as np
    import torch
    from torch import nn

    convolutions = [(1, 64), (64, 64), (64, 128), (128, 128), (128, 256)]
    pools = {1: (1, 2), 3: (2, 2), 4: (28, 1)}  # after which convolution: (time, band)
    layers: list[nn.Module] = []
    for place, (width_in, width) in enumerate(convolutions):
        layers += [nn.Conv2d(width_in, width, 3), nn.BatchNorm2d(width, eps=1e-3), nn.ReLU()]
        if place in pools:
            layers.append(nn.MaxPool2d(pools[place]))
    layers.append(nn.Flatten())
    for width_in in (256, 512, 512, 512):
        layers += [nn.Linear(width_in, 512), nn.BatchNorm1d(512, eps=1e-3), nn.ReLU()]
    layers.append(nn.Linear(512, 2))
    network = nn.Sequential(*layers)

    def put(parameter: torch.Tensor, group: h5py.Group, name: str, axes: tuple[int, ...]) -> None:
        value = np.ascontiguousarray(np.transpose(group[f"{name}:0"][()], axes))
        with torch.no_grad():
            parameter.copy_(torch.from_numpy(value))

    with h5py.File(path, "r") as file:
        weights = file["model_weights"]
        counts = {"conv2d": 0, "dense": 0, "batch_normalization": 0}

        def group(kind: str) -> h5py.Group:
            counts[kind] += 1
            outer = weights[f"{kind}_{counts[kind]}"]
            return outer[next(iter(outer))]

        for layer in network:
            if isinstance(layer, nn.Conv2d):
                found = group("conv2d")
                put(layer.weight, found, "kernel", (3, 2, 0, 1))
                put(layer.bias, found, "bias", (0,))
            elif isinstance(layer, nn.Linear):
                found = group("dense")
                put(layer.weight, found, "kernel", (1, 0))
                put(layer.bias, found, "bias", (0,))
            elif isinstance(layer, (nn.BatchNorm1d, nn.BatchNorm2d)):
                found = group("batch_normalization")
                put(layer.weight, found, "gamma", (0,))
                put(layer.bias, found, "beta", (0,))
                put(layer.running_mean, found, "moving_mean", (0,))
                put(layer.running_var, found, "moving_variance", (0,))
    return network.eval()


class GenderClassifier:
    """Male or female, by ear."""

    def __init__(self, folder: Path) -> None:
        path = Path(folder) / WEIGHTS
        if not path.is_file():
            raise MscKedroError(
                f"No gender classifier weights: expected {path}. Run `kedro models fetch`."
            )
        self._network = _open(path)

    def __call__(self, samples: ArrayLike) -> GenderGuess | None:
        """The gender a voice sounds like.

        Patches count by how much speech-like energy they hold: those whose middle is quieter
        than the mean level by more than 12 dB are left out.

        Args:
            samples: mono [n] in [-1, 1] at 16 kHz.

        Returns:
            Label and probability, or None under 0.3 s or for digital silence.
        """
        import numpy as np
        import torch

        sound = as_mono(samples)
        if sound.size < SHORTEST_S * SAMPLE_RATE or not sound.any():
            return None
        bands, energy = mel_bands(sound)
        floor = bands[np.isfinite(bands)].min() if np.isfinite(bands).any() else 0.0
        bands = np.where(np.isfinite(bands), bands, floor)
        if len(bands) < _PATCH:  # fill short sound with its own quietest level
            missing = _PATCH - len(bands)
            bands = np.concatenate([bands, np.full((missing, _BANDS), bands.min(), np.float32)])
            energy = np.concatenate([energy, np.full(missing, -np.inf)])
        patches = np.lib.stride_tricks.sliding_window_view(bands, _PATCH, axis=0)[::_STEP]
        patches = patches.transpose(0, 2, 1)  # [p, 68, 24]
        mean = patches.mean(axis=(1, 2), keepdims=True)
        spread = patches.std(axis=(1, 2), keepdims=True)
        patches = (patches - mean) / np.maximum(spread, 1e-6)
        with torch.inference_mode():
            logits = self._network(torch.from_numpy(np.ascontiguousarray(patches))[:, None])
            probabilities = torch.softmax(logits, dim=-1).numpy().astype(np.float64)
        loudness = np.lib.stride_tricks.sliding_window_view(energy, _PATCH)[::_STEP].max(axis=1)
        kept = loudness >= loudness.max() - 12.0 * np.log(10) / 10
        female, male = probabilities[kept].mean(axis=0)
        label = _LABELS[int(male > female)]
        return GenderGuess(label, float(max(female, male)))
