"""Light-ASD: whether a face speaks what is heard, by a small network over crops and sound.

Source: Liao et al. 2023, "A Light Weight Model for Active Speaker Detection" (CVPR), and the file
of weights that its authors publish under the MIT licence; modules are named so that this file loads
strictly. Nothing of it comes with this program: docs/faces.md says how to give it.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from msc_kedro.seeing.faces import Face

if TYPE_CHECKING:
    import numpy as np

FILE = "light_asd_pretrain_AVA.model"
SIDE = 112  # pixels of a crop
_MEAN, _STD = 0.4161, 0.1688  # of grey, as it was trained
_GREY = 110  # beyond the edge of the picture
_RATE = 16_000  # Hz
_LONGEST = 125  # frames at a time: 5 s, so that the memory that it takes has a limit


class LightASD:
    """Scores of a face: the network's value for "speaks what is heard", frame by frame.

    Above 0 it is likelier than not, in the data that it was trained on. Small faces score lower, so
    from -1 it is taken for sure enough: docs/faces.md has what that lets in.

    Args:
        folder: holds the authors' file.
        device: torch device.
    """

    min_score = -1.0

    def __init__(self, folder: Path, *, device: str = "cpu") -> None:
        from msc_kedro.models.weights import load_checkpoint_file

        state = load_checkpoint_file(Path(folder) / FILE)
        self._network = _network()
        self._network.load_state_dict(state)
        self._network.eval().to(device)
        self._device = device

    def patch(self, picture: np.ndarray, face: Face) -> np.ndarray:
        """What it looks at: 0.7 of the face's size, a fifth of it below the middle.

        Args:
            picture: uint8 [height, width] grey.
            face: in pixels of that picture.

        Returns:
            uint8 [112, 112].
        """
        import cv2
        import numpy as np

        side = max(face.side, 1.0)
        scale = SIDE / (0.7 * side)
        across, down = face.x + face.w / 2, face.y + face.h / 2 + 0.2 * side
        middle = (SIDE - 1) / 2
        move = np.array([[scale, 0, middle - scale * across], [0, scale, middle - scale * down]])
        return cv2.warpAffine(  # type: ignore[no-any-return]
            picture, move, (SIDE, SIDE), flags=cv2.INTER_LINEAR, borderValue=_GREY
        )

    def score(self, patches: np.ndarray, samples: np.ndarray) -> float:
        """The mean of `frame_scores`."""
        return float(self.frame_scores(patches, samples).mean())

    def frame_scores(self, patches: np.ndarray, samples: np.ndarray) -> np.ndarray:
        """Score the frames of one face.

        Args:
            patches: uint8 [f, 112, 112], 25 per second.
            samples: float32 [n] at 16 kHz, the sound of the same stretch.

        Returns:
            float32 [f].
        """
        import numpy as np
        import torch

        sound = mfcc(samples, frames=4 * len(patches))
        scores = []
        for first in range(0, len(patches), _LONGEST):
            some = patches[first : first + _LONGEST]
            heard = sound[4 * first : 4 * (first + len(some))]
            with torch.inference_mode():
                found = self._network(
                    torch.from_numpy(heard).to(self._device)[None],
                    torch.from_numpy(some).to(self._device)[None].float(),
                )
            scores.append(found[0].cpu().numpy())
        return np.concatenate(scores) if scores else np.zeros(0, np.float32)


def mfcc(samples: np.ndarray, *, frames: int) -> np.ndarray:
    """13 mel cepstra per 10 ms, as python_speech_features defines them, which the network expects.

    Frames of 25 ms without a window, pre-emphasis 0.97, 512 points, 26 mel bands from 0 to 8 kHz,
    orthonormal DCT, liftering by 22, log energy in the first place; of 16-bit amplitudes.

    Args:
        samples: float32 [n] in [-1, 1] at 16 kHz.
        frames: how many; the sound is filled up with silence to have as many.

    Returns:
        float32 [frames, 13].
    """
    import numpy as np
    from scipy.fft import dct

    step, length, points, cepstra, lifter = _RATE // 100, _RATE // 40, 512, 13, 22
    wave: np.ndarray = np.zeros(step * frames + length, np.float64)
    heard = samples[: len(wave)].astype(np.float64) * 32768
    wave[: len(heard)] = heard
    wave[1:] -= 0.97 * wave[:-1].copy()
    pieces = np.lib.stride_tricks.sliding_window_view(wave, length)[::step][:frames]
    power = np.abs(np.fft.rfft(pieces, points)) ** 2 / points
    tiny = np.finfo(float).eps
    energy = np.maximum(power.sum(1), tiny)
    logs = np.log(np.maximum(power @ _mel_bands(points).T, tiny))
    found = dct(logs, type=2, axis=1, norm="ortho")[:, :cepstra]
    found *= 1 + lifter / 2 * np.sin(np.pi * np.arange(cepstra) / lifter)
    found[:, 0] = np.log(energy)
    return found.astype(np.float32)


def _mel_bands(points: int, bands: int = 26) -> np.ndarray:
    """Triangles [bands, points / 2 + 1] between whole bins, evenly spaced in mel."""
    import numpy as np

    top = 2595 * np.log10(1 + _RATE / 2 / 700)
    hertz = 700 * (10 ** (np.linspace(0, top, bands + 2) / 2595) - 1)
    edges = np.floor((points + 1) * hertz / _RATE)
    bins = np.arange(points // 2 + 1)
    found = []
    for low, middle, high in zip(edges, edges[1:], edges[2:], strict=False):
        rising = np.where((bins >= low) & (bins < middle), (bins - low) / max(middle - low, 1), 0)
        falling = np.where(
            (bins >= middle) & (bins < high), (high - bins) / max(high - middle, 1), 0
        )
        found.append(rising + falling)
    return np.stack(found)


def _network() -> Any:
    import torch
    from torch import nn

    class Along(nn.Conv3d):
        """Over time alone, which a flat picture lets go through the faster plane convolution."""

        def forward(self, x: Any) -> Any:
            flat = nn.functional.conv2d(
                x.flatten(3), self.weight[..., 0], padding=(self.padding[0], 0)
            )
            return flat.unflatten(3, x.shape[3:])

    class Split(nn.Module):
        """Two paths of kernel 3 and 5, each across space (or pitch) and then time; their sum."""

        def __init__(self, inside: int, outside: int, *, sees: bool, stride: int = 1) -> None:
            super().__init__()
            convolution = nn.Conv3d if sees else nn.Conv2d
            norm = nn.BatchNorm3d if sees else nn.BatchNorm2d
            self._first = "s" if sees else "m"

            def add(name: str, channels: int, kernel: tuple[int, ...], step: Any = 1) -> None:
                padding = tuple(size // 2 for size in kernel)
                kind = Along if sees and name.startswith("t") else convolution
                self.add_module(name, kind(channels, outside, kernel, step, padding, bias=False))
                self.add_module(f"bn_{name}", norm(outside, eps=0.001))

            for size in (3, 5):
                across = (1, size, size) if sees else (size, 1)
                along = (size, 1, 1) if sees else (1, size)
                step = (1, stride, stride) if sees else 1
                add(f"{self._first}_{size}", inside, across, step)
                add(f"t_{size}", outside, along)
            add("last", outside, (1, 1, 1) if sees else (1, 1))

        def _step(self, name: str, x: Any) -> Any:
            return torch.relu(getattr(self, f"bn_{name}")(getattr(self, name)(x)))

        def forward(self, x: Any) -> Any:
            paths = (
                self._step(f"t_{size}", self._step(f"{self._first}_{size}", x)) for size in (3, 5)
            )
            return self._step("last", sum(paths))

    class VisualEncoder(nn.Module):
        """[b, f, 112, 112] to [b, f, 128]."""

        def __init__(self) -> None:
            super().__init__()
            self.block1 = Split(1, 32, sees=True, stride=2)
            self.block2 = Split(32, 64, sees=True)
            self.block3 = Split(64, 128, sees=True)

        def forward(self, x: Any) -> Any:
            def half(x: Any) -> Any:
                return nn.functional.max_pool3d(x, (1, 3, 3), (1, 2, 2), (0, 1, 1))

            x = self.block3(half(self.block2(half(self.block1(x[:, None])))))
            return x.amax(dim=(3, 4)).transpose(1, 2)

    class AudioEncoder(nn.Module):
        """[b, 4 f, 13] to [b, f, 128]."""

        def __init__(self) -> None:
            super().__init__()
            self.block1 = Split(1, 32, sees=False)
            self.block2 = Split(32, 64, sees=False)
            self.block3 = Split(64, 128, sees=False)

        def forward(self, x: Any) -> Any:
            def half(x: Any) -> Any:
                return nn.functional.max_pool2d(x, (1, 3), (1, 2), (0, 1))

            x = self.block3(half(self.block2(half(self.block1(x[:, None].transpose(2, 3))))))
            return x.mean(dim=2).transpose(1, 2)

    class TwoWays(nn.Module):
        """What comes before of each frame, then, of that, what comes after."""

        def __init__(self) -> None:
            super().__init__()
            self.gru_forward = nn.GRU(128, 128, batch_first=True)
            self.gru_backward = nn.GRU(128, 128, batch_first=True)

        def forward(self, x: Any) -> Any:
            x = nn.functional.gelu(self.gru_forward(x)[0])
            x = self.gru_backward(x.flip(1))[0].flip(1)
            return nn.functional.gelu(x)

    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.visualEncoder = VisualEncoder()
            self.audioEncoder = AudioEncoder()
            self.GRU = TwoWays()

    class Head(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.FC = nn.Linear(128, 2)

    class Network(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = Model()
            self.lossAV = Head()
            self.lossV = Head()  # pictures alone, for training: loaded with the rest, never asked

        def forward(self, sound: Any, pictures: Any) -> Any:
            seen = self.model.visualEncoder((pictures / 255 - _MEAN) / _STD)
            heard = self.model.audioEncoder(sound)
            return self.lossAV.FC(self.model.GRU(seen + heard))[..., 1]

    return Network()
