"""WavLM as an encoder of speech: the paper's is WavLM-Large (Chen et al. 2022).

Utterances of different lengths share a batch: what pads the shorter ones is masked in attention and
zero in convolutions, so each gets the vectors that it gets alone.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator, Sequence
from itertools import groupby, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msc_kedro.errors import MscKedroError
from msc_kedro.listening.sound import SAMPLE_RATE, as_mono
from msc_kedro.models.network import Precision, chosen_device, counting, pretrained

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

_WINDOW = 30 * SAMPLE_RATE  # samples; attention over more takes memory by the square
_SHORTEST = 400  # samples that the first vector is made from
_LEAST_FULL = 0.75  # of a batch's longest: what is shorter begins another, lest much be padding
_TINY = 1e-5  # of the variance, as in the layer norm that the original takes for it


class WavLMFeatures:
    """Speech to 50 vectors a second: of the last layer, another one, or a weighted sum of all.

    Args:
        folder: a WavLM model of transformers: config.json and model.safetensors.
        layer: 0 for what the first layer is given, 1 for what it gives, and so on; None for the
            last, after the norm that follows it.
        weights: of layers 0 to the last, in place of one layer; they are divided by their sum.
        normalise: each utterance to mean 0 and variance 1; None does what the folder's
            preprocessor_config.json says.
        batch_s: seconds of sound per forward pass, padding included.
        device: torch's name of it; "auto" is the GPU where there is one.
        precision: "auto" is float16 on a GPU, float32 elsewhere.

    `width` is the length of a vector: 1024 for WavLM-Large.

    Raises:
        MscKedroError: the folder holds no WavLM, there is no such layer, or it is not said whether
            to normalise.
    """

    vectors_per_s = 50

    def __init__(
        self,
        folder: Path,
        *,
        layer: int | None = None,
        weights: Sequence[float] | None = None,
        normalise: bool | None = None,
        batch_s: float = 60.0,
        device: str = "auto",
        precision: Precision = "auto",
    ) -> None:
        self._device, self._precision = chosen_device(device), precision
        self._network = pretrained("WavLMModel", folder, device=self._device)
        config = self._network.config
        self.width = int(config.hidden_size)
        self._normalise = _normalised(folder) if normalise is None else normalise
        self._batch = round(batch_s * SAMPLE_RATE)
        # A group norm takes the mean over an utterance and all that pads it.
        self._same_length = config.feat_extract_norm == "group"
        layers = int(config.num_hidden_layers)
        if layer is not None and weights is not None:
            raise MscKedroError("audio_encoder: give `layer` or `weights`, not both.")
        if layer is not None and not 0 <= layer <= layers:
            raise MscKedroError(
                f"audio_encoder: layer {layer} is none of this network's; expected 0 to {layers}."
            )
        if weights is not None and (len(weights) != layers + 1 or sum(weights) == 0):
            raise MscKedroError(
                f"audio_encoder: {len(weights)} weights; expected {layers + 1}, of layers 0 to "
                f"{layers}, and not all zero."
            )
        self._layer, self._weights = layer, weights

    def __call__(self, sounds: Sequence[ArrayLike]) -> list[NDArray[np.float32]]:
        """Features of each sound, in batches of similar lengths.

        Sound beyond 30 s is encoded in windows of 30 s set end to end.

        Args:
            sounds: mono [n] in [-1, 1] at 16 kHz each.

        Returns:
            float32 [t, width] each, t = (n - 400) // 320 + 1 and at least 1; none for no sound.
        """
        import numpy as np

        windows: list[NDArray[np.float32]] = []
        owners: list[int] = []
        for owner, samples in enumerate(sounds):
            sound = self._levelled(as_mono(samples))
            for start in range(0, len(sound), _WINDOW):
                window = sound[start : start + _WINDOW]
                if start and len(window) < _SHORTEST:
                    continue  # less than a vector's worth is left
                short = max(0, _SHORTEST - len(window))
                windows.append(np.pad(window, (0, short)))
                owners.append(owner)
        encoded: list[NDArray[np.float32] | None] = [None] * len(windows)
        for places in self._batches([len(window) for window in windows]):
            found = self._encode([windows[place] for place in places])
            for place, vectors in zip(places, found, strict=True):
                encoded[place] = vectors
        parts: list[list[NDArray[np.float32]]] = [[] for _ in sounds]
        for owner, own in zip(owners, encoded, strict=True):
            assert own is not None  # every window was encoded above
            parts[owner].append(own)
        nothing = np.zeros((0, self.width), np.float32)
        return [np.concatenate(part) if part else nothing for part in parts]

    def _levelled(self, sound: NDArray[np.float32]) -> NDArray[np.float32]:
        import numpy as np

        if not self._normalise or sound.size == 0:
            return sound
        spread = np.sqrt(sound.var(dtype=np.float64) + _TINY)
        return ((sound - sound.mean(dtype=np.float64)) / spread).astype(np.float32)

    def _batches(self, lengths: Sequence[int]) -> Iterator[list[int]]:
        """Places of windows that are encoded together: those of similar length, longest first."""
        order = sorted(range(len(lengths)), key=lambda place: (-lengths[place], place))
        if self._same_length:
            groups = [list(group) for _, group in groupby(order, key=lambda place: lengths[place])]
        else:
            groups = [order]
        for group in groups:
            first = 0
            while first < len(group):
                longest = lengths[group[first]]
                most = max(1, self._batch // longest)
                alike = (p for p in group[first:] if lengths[p] >= _LEAST_FULL * longest)
                batch = list(islice(alike, most))
                yield batch
                first += len(batch)

    def _encode(self, windows: Sequence[NDArray[np.float32]]) -> list[NDArray[np.float32]]:
        """One forward pass; the first window is the longest."""
        import torch

        lengths = [len(window) for window in windows]
        sounds = torch.zeros(len(windows), lengths[0])
        mask = torch.zeros(len(windows), lengths[0], dtype=torch.long)
        for row, window in enumerate(windows):
            sounds[row, : len(window)] = torch.from_numpy(window)
            mask[row, : len(window)] = 1
        every = self._layer is not None or self._weights is not None
        with (
            torch.inference_mode(),
            counting(self._device, self._precision),
            warnings.catch_warnings(),
        ):
            # transformers hands torch a mask of truth values and a bias of numbers.
            warnings.filterwarnings("ignore", message="Support for mismatched key_padding_mask")
            found = self._network(
                sounds.to(self._device),
                attention_mask=mask.to(self._device),
                output_hidden_states=every,
            )
        vectors = self._chosen(found).float().cpu().numpy()
        counts = self._network._get_feat_extract_output_lengths(torch.tensor(lengths)).tolist()
        return [vectors[row, :count].copy() for row, count in enumerate(counts)]

    def _chosen(self, found: Any) -> Any:
        if self._layer is not None:
            return found.hidden_states[self._layer]
        if self._weights is None:
            return found.last_hidden_state
        total = sum(self._weights)
        pairs = zip(self._weights, found.hidden_states, strict=True)
        return sum(weight / total * hidden.float() for weight, hidden in pairs)


def _normalised(folder: Path) -> bool:
    file = Path(folder) / "preprocessor_config.json"
    if not file.is_file():
        raise MscKedroError(
            f"{file} was not found, and it says whether this WavLM wants its input normalised. Add "
            "it to the model's files in models.yml, or set the option `normalise` (WavLM-Large: "
            "true) of audio_encoder."
        )
    return bool(json.loads(file.read_text(encoding="utf-8")).get("do_normalize", False))
