"""CLIP's picture branch: the paper's image encoder is ViT-B/32 (Radford et al. 2021)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from msc_kedro.models.network import Precision, chosen_device, counting, pretrained

if TYPE_CHECKING:
    import numpy as np

# Of the pictures that CLIP was trained on, as published with it.
_MEAN = (0.48145466, 0.4578275, 0.40821073)
_STD = (0.26862954, 0.26130258, 0.27577711)


class ClipPictures:
    """Pictures to vectors in the space that CLIP shares with text: `get_image_features`.

    Args:
        folder: a CLIP model of transformers, whole or its picture branch: config.json and
            model.safetensors.
        batch_size: pictures per forward pass.
        device: torch's name of it; "auto" is the GPU where there is one.
        precision: "auto" is float16 on a GPU, float32 elsewhere.

    `width` is the length of a vector: 512 for ViT-B/32.
    """

    bicubic = True  # how pictures are to be scaled for it

    def __init__(
        self,
        folder: Path,
        *,
        batch_size: int = 128,
        device: str = "auto",
        precision: Precision = "auto",
    ) -> None:
        import torch

        self._device = chosen_device(device)
        self._network = pretrained("CLIPVisionModelWithProjection", folder, device=self._device)
        self._batch_size, self._precision = batch_size, precision
        config = self._network.config
        self.width = int(config.projection_dim)
        self.short_side = self.crop = int(config.image_size)
        self._mean = torch.tensor(_MEAN, device=self._device).view(1, 3, 1, 1)
        self._std = torch.tensor(_STD, device=self._device).view(1, 3, 1, 1)

    def __call__(self, pictures: Sequence[np.ndarray]) -> np.ndarray:
        """Encode pictures.

        Args:
            pictures: each uint8 [crop, crop, 3] RGB.

        Returns:
            float32 [f, width], not normalised.
        """
        import numpy as np
        import torch

        vectors = [np.zeros((0, self.width), np.float32)]
        for first in range(0, len(pictures), self._batch_size):
            batch = torch.from_numpy(np.stack(pictures[first : first + self._batch_size]))
            pixels = batch.to(self._device).permute(0, 3, 1, 2).float() / 255
            with torch.inference_mode(), counting(self._device, self._precision):
                found = self._network(pixel_values=(pixels - self._mean) / self._std).image_embeds
            vectors.append(found.float().cpu().numpy())
        return np.concatenate(vectors)
