"""Brouhaha: speech, noise and clarity of each frame (Lavechin et al., ASRU 2023).

What data-speech and the paper measure C50 and SNR with: PyanNet of pyannote.audio with three heads.
The checkpoint's own code (package `brouhaha`) is not needed, and its objects are not unpickled.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from msc_kedro.errors import MscKedroError
from msc_kedro.listening.pyannote_models import import_pyannote
from msc_kedro.listening.reverberation import SHORTEST_S, RoomGuess
from msc_kedro.listening.sound import SAMPLE_RATE, as_mono

if TYPE_CHECKING:
    from numpy.typing import ArrayLike
    from torch import Tensor, nn

CHECKPOINT = "best.ckpt"
SNR_DB, C50_DB = (-15.0, 80.0), (-10.0, 60.0)  # what the heads can say
SPEECH = 0.78  # probability from which a frame is speech: the published pipeline's


class Brouhaha:
    """Clarity and noise, each its mean over the frames that are speech, as in data-speech.

    Satisfies `reverberation.RoomMeter`.

    Args:
        folder: holds `best.ckpt`.
        device: of torch; "auto" takes a GPU where there is one.

    Raises:
        MscKedroError: there is no checkpoint in the folder, or it is of another network.
    """

    def __init__(self, folder: Path, *, device: str = "auto") -> None:
        from msc_kedro.models.network import chosen_device

        self._device = chosen_device(device)
        self._network = open_brouhaha(folder).to(self._device)

    def __call__(self, samples: ArrayLike) -> RoomGuess:
        """Clarity and noise of a recording of speech, mono [n] in [-1, 1] at 16 kHz."""
        sound = as_mono(samples)
        if len(sound) < SHORTEST_S * SAMPLE_RATE:
            return RoomGuess(None, None, f"under {SHORTEST_S} s of sound")
        speech, snr_db, c50_db = self.frames(sound).T
        heard = speech >= SPEECH
        if not heard.any():
            return RoomGuess(None, None, "no speech heard")
        return RoomGuess(float(c50_db[heard].mean()), float(snr_db[heard].mean()))

    def frames(self, samples: ArrayLike) -> Any:
        """Probability of speech, SNR and C50 (dB) of each frame: float32 [f, 3], 59 a second."""
        import torch

        sound = torch.from_numpy(as_mono(samples)).to(self._device)
        with torch.inference_mode():
            return self._network(sound[None, None])[0].float().cpu().numpy()


def open_brouhaha(folder: Path) -> nn.Module:
    """The network: waveforms [b, 1, n] at 16 kHz in, [b, f, 3] out.

    Raises:
        MscKedroError: there is no checkpoint in the folder, or it is of another network.
    """
    import_pyannote()
    import torch
    from pyannote.audio.core.task import Problem, Resolution, Specifications
    from pyannote.audio.models.segmentation import PyanNet
    from torch import nn
    from torch.serialization import safe_globals
    from torch.torch_version import TorchVersion

    from msc_kedro.models.weights import load_checkpoint_file

    class Heads(nn.Module):
        """One linear head for each thing that is told."""

        def __init__(self, width: int) -> None:
            super().__init__()
            self.linears = nn.ModuleDict({name: nn.Linear(width, 1) for name in _HEADS})

        def forward(self, hidden: Tensor) -> Tensor:
            return torch.cat([self.linears[name](hidden) for name in _HEADS], dim=-1)

    class InDecibels(nn.Module):
        """A probability, and two figures within their bounds."""

        def forward(self, told: Tensor) -> Tensor:
            # The published network falls from the upper bound to the lower one.
            bounds = [(1.0, 0.0), SNR_DB, C50_DB]
            high = told.new_tensor([max(pair) for pair in bounds])
            low = told.new_tensor([min(pair) for pair in bounds])
            sign = told.new_tensor([1.0, -1.0, -1.0])
            return low + (high - low) * torch.sigmoid(sign * told)

    path = Path(folder) / CHECKPOINT
    if not path.is_file():
        raise MscKedroError(f"No weights: expected {path}. Run `kedro models fetch`.")
    with safe_globals([TorchVersion, Specifications, Problem, Resolution]):
        stored = load_checkpoint_file(path)
    try:
        figures, state = stored["hyper_parameters"], stored["state_dict"]
        network = PyanNet(**{name: figures[name] for name in _FIGURES if name in figures})
    except (KeyError, TypeError) as error:
        raise MscKedroError(f"{path} is no checkpoint of Brouhaha ({error!r}).") from error
    deep = network.hparams.linear["num_layers"] > 0
    lstm = network.hparams.lstm
    both = 2 if lstm["bidirectional"] else 1
    width = network.hparams.linear["hidden_size"] if deep else lstm["hidden_size"] * both
    network.classifier, network.activation = Heads(width), InDecibels()
    # A training checkpoint holds more, such as the metrics' state.
    try:
        network.load_state_dict({k: v for k, v in state.items() if k.startswith(_PARTS)})
    except RuntimeError as error:
        said = str(error).strip().partition("\n")[0]
        raise MscKedroError(f"{path} does not fit Brouhaha: {said}") from error
    return network.eval()


_HEADS = ("vad", "snr", "c50")
_FIGURES = ("sincnet", "lstm", "linear", "sample_rate", "num_channels")
_PARTS = ("sincnet.", "lstm.", "linear.", "classifier.")
