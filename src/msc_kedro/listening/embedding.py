"""A vector that says who speaks."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from msc_kedro.errors import MscKedroError
from msc_kedro.listening.sound import SAMPLE_RATE, as_mono

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

    from msc_kedro.listening.campplus import CAMPPlus

WEIGHTS = "campplus_cn_en_common.pt"
# Below this the network still answers, but with noise.
SHORTEST_S = 0.3
# The network is meant for a few seconds; of more it hears the first so many.
LONGEST_S = 30.0


def open_campplus(folder: Path) -> CAMPPlus:
    """The CAM++ network with the weights in a folder.

    Raises:
        MscKedroError: where the folder lacks the weights.
    """
    from msc_kedro.listening.campplus import CAMPPlus
    from msc_kedro.models.weights import load_checkpoint_file

    path = Path(folder) / WEIGHTS
    if not path.is_file():
        raise MscKedroError(
            f"No speaker embedding weights: expected {path}. Run `kedro models fetch`."
        )
    network = CAMPPlus()
    network.load_state_dict(load_checkpoint_file(path), strict=True)
    return network.eval()


class SpeakerEncoder:
    """CAM++ embeddings: close in cosine for one speaker, far for two."""

    width = 192

    def __init__(self, folder: Path) -> None:
        self._network = open_campplus(folder)

    def __call__(self, samples: ArrayLike) -> NDArray[np.float32] | None:
        """The embedding of whoever speaks.

        Args:
            samples: mono [n] in [-1, 1] at 16 kHz.

        Returns:
            float32 [192] of length one, or None under 0.3 s or for digital silence.
        """
        import torch

        from msc_kedro.listening.campplus import filter_banks

        sound = as_mono(samples)[: round(LONGEST_S * SAMPLE_RATE)]
        if sound.size < SHORTEST_S * SAMPLE_RATE or not sound.any():
            return None
        with torch.inference_mode():
            features = filter_banks(torch.from_numpy(sound))
            embedding = self._network(features[None])[0]
            return (embedding / embedding.norm()).numpy()


class WeSpeakerEncoder:
    """WeSpeaker's ResNet34 as pyannote publishes it; the paper hears an utterance as a whole."""

    def __init__(self, folder: Path, *, device: str = "cpu") -> None:
        from msc_kedro.listening.pyannote_models import open_checkpoint
        from msc_kedro.models.network import chosen_device

        self._network = open_checkpoint(folder).to(chosen_device(device))
        self.width = int(self._network.dimension)

    def __call__(self, samples: ArrayLike) -> NDArray[np.float32] | None:
        """The embedding of whoever speaks.

        Args:
            samples: mono [n] in [-1, 1] at 16 kHz.

        Returns:
            float32 [d] of length one, or None under 0.3 s or for digital silence.
        """
        import torch

        sound = as_mono(samples)[: round(LONGEST_S * SAMPLE_RATE)]
        if sound.size < SHORTEST_S * SAMPLE_RATE or not sound.any():
            return None
        with torch.inference_mode():
            heard = torch.from_numpy(sound)[None, None].to(self._network.device)
            embedding = self._network(heard)[0].float().cpu()
            return (embedding / embedding.norm()).numpy()
