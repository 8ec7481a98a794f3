"""MobileNetV2 as an image encoder: the embedded default where the paper has CLIP ViT-B/32.

It is not CLIP: its features were learned on ImageNet labels, not on pictures with captions.
The layers follow the published network (Sandler et al. 2018, "MobileNetV2: Inverted Residuals
and Linear Bottlenecks"), named so that torchvision's published state dict loads strictly.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msc_kedro.models.network import Precision, chosen_device, counting

if TYPE_CHECKING:
    import numpy as np

# expansion, channels out, blocks, stride of the first block (the paper's table 2)
_STAGES = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)
_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # ImageNet, as it was trained


class MobileNetV2:
    """Pictures to vectors: the mean over places of the last convolution.

    Args:
        folder: holds `mobilenet_v2-b0353104.pth`.
        batch_size: pictures per forward pass.
        device: torch's name of it; "auto" is the GPU where there is one.
        precision: "auto" is float16 on a GPU, float32 elsewhere.
    """

    width = 1280
    short_side = 256  # scale of the pictures it wants to be given
    crop = 224  # and the square it looks at, in the middle
    bicubic = False  # how they are scaled

    def __init__(
        self,
        folder: Path,
        *,
        batch_size: int = 32,
        device: str = "auto",
        precision: Precision = "auto",
    ) -> None:
        from msc_kedro.models.weights import load_checkpoint_file

        state = load_checkpoint_file(Path(folder) / "mobilenet_v2-b0353104.pth")
        self._network = _network()
        self._network.load_state_dict(state)
        self._device, self._precision = chosen_device(device), precision
        self._network.eval().to(self._device)
        self._batch_size = batch_size

    def __call__(self, pictures: Sequence[np.ndarray]) -> np.ndarray:
        """Encode pictures.

        Args:
            pictures: each uint8 [height, width, 3] RGB, the shorter side at least `crop`.

        Returns:
            float32 [f, 1280].
        """
        import numpy as np
        import torch

        if not pictures:
            return np.zeros((0, self.width), np.float32)
        mean = torch.tensor(_MEAN, device=self._device).view(1, 3, 1, 1)
        std = torch.tensor(_STD, device=self._device).view(1, 3, 1, 1)
        vectors = []
        for first in range(0, len(pictures), self._batch_size):
            batch = np.stack([self._cropped(p) for p in pictures[first : first + self._batch_size]])
            pixels = torch.from_numpy(batch).to(self._device).permute(0, 3, 1, 2).float() / 255
            with torch.inference_mode(), counting(self._device, self._precision):
                places = self._network.features((pixels - mean) / std)
            vectors.append(places.float().mean(dim=(2, 3)).cpu().numpy())
        return np.concatenate(vectors)

    def _cropped(self, picture: np.ndarray) -> np.ndarray:
        top = (picture.shape[0] - self.crop) // 2
        left = (picture.shape[1] - self.crop) // 2
        return picture[top : top + self.crop, left : left + self.crop]


def _network() -> Any:
    from torch import nn

    def convolution(inside: int, outside: int, size: int, stride: int, groups: int = 1) -> Any:
        return nn.Sequential(
            nn.Conv2d(inside, outside, size, stride, size // 2, groups=groups, bias=False),
            nn.BatchNorm2d(outside),
            nn.ReLU6(inplace=True),
        )

    class Block(nn.Module):
        """Expand, filter each channel by itself, project; add the input where shapes agree."""

        def __init__(self, inside: int, outside: int, stride: int, expansion: int) -> None:
            super().__init__()
            hidden = inside * expansion
            layers = [convolution(inside, hidden, 1, 1)] if expansion > 1 else []
            layers += [
                convolution(hidden, hidden, 3, stride, groups=hidden),
                nn.Conv2d(hidden, outside, 1, bias=False),
                nn.BatchNorm2d(outside),
            ]
            self.conv = nn.Sequential(*layers)
            self.adds = stride == 1 and inside == outside

        def forward(self, x: Any) -> Any:
            return x + self.conv(x) if self.adds else self.conv(x)

    class Network(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            layers: list[Any] = [convolution(3, 32, 3, 2)]
            inside = 32
            for expansion, outside, blocks, stride in _STAGES:
                for block in range(blocks):
                    layers.append(Block(inside, outside, stride if block == 0 else 1, expansion))
                    inside = outside
            layers.append(convolution(inside, MobileNetV2.width, 1, 1))
            self.features = nn.Sequential(*layers)
            # The head that names ImageNet classes: loaded with the rest, never asked.
            self.classifier = nn.Sequential(nn.Dropout(0.2), nn.Linear(MobileNetV2.width, 1000))

    return Network()
