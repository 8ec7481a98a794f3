"""Weights from outside: read as plain tensors, never as a pickle that could run code."""

from __future__ import annotations

from pathlib import Path
from pickle import UnpicklingError
from typing import TYPE_CHECKING, Any

from msc_kedro.errors import MscKedroError

if TYPE_CHECKING:
    from torch import Tensor


def load_checkpoint_file(path: Path) -> Any:
    """A torch checkpoint (.pt, .pth, .bin) on the CPU, read with `weights_only=True`.

    Raises:
        MscKedroError: it holds more than tensors and plain values, or is no checkpoint.
    """
    import torch

    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except (UnpicklingError, RuntimeError, EOFError, ValueError) as error:
        raise refused(path, error) from error


def load_tensors(path: Path) -> dict[str, Tensor]:
    """A safetensors file, by name of tensor, on the CPU.

    Raises:
        MscKedroError: it is none.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(path)
    except SafetensorError as error:
        raise refused(path, error) from error


def refused(path: Path | str, error: Exception) -> MscKedroError:
    """What a user is told of weights that are not opened."""
    said = str(error).strip().partition("\n")[0].partition(". ")[0] or type(error).__name__
    return MscKedroError(
        f"{path} was not opened: it does not hold plain weights ({said}).\n"
        "A pickle from outside can run any code, so only safetensors and torch checkpoints of "
        "plain tensors are read. Delete it and take another from a source you trust: "
        "`kedro models fetch` for a model, `kedro run --pipeline train` for an adapter."
    )
