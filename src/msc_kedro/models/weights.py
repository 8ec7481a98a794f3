"""Weights from outside: read as plain tensors, never as a pickle that could run code."""

from __future__ import annotations

import json
from pathlib import Path
from pickle import UnpicklingError
from typing import TYPE_CHECKING, Any

from msc_kedro.errors import MscKedroError

if TYPE_CHECKING:
    from torch import Tensor

_WHOLE, _INDEX = "model.safetensors", "model.safetensors.index.json"


def load_checkpoint_file(path: Path, *, mapped: bool = False) -> Any:
    """A torch checkpoint (.pt, .pth, .bin) on the CPU, read with `weights_only=True`.

    Args:
        path: the file.
        mapped: its bytes are read when a tensor is used; not for files of torch before 1.6.

    Raises:
        MscKedroError: it holds more than tensors and plain values, or is no checkpoint.
    """
    import torch

    try:
        return torch.load(path, map_location="cpu", weights_only=True, mmap=mapped or None)
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


def load_some_tensors(folder: Path, beginnings: tuple[str, ...]) -> dict[str, Tensor]:
    """Tensors of a checkpoint whose names begin so, on the CPU; the others are not read.

    Args:
        folder: `model.safetensors`, or `model.safetensors.index.json` with those of its shards that
            hold such tensors; the others need not be there.
        beginnings: of the names.

    Raises:
        MscKedroError: neither is there, a shard is missing, or a file is no safetensors.
    """
    from safetensors import SafetensorError, safe_open

    tensors: dict[str, Tensor] = {}
    for name in needed_files(folder, beginnings):
        path = folder / name
        if not path.is_file():
            raise MscKedroError(
                f"{path} is missing; it holds tensors named {' or '.join(beginnings)}… Put it "
                f"beside {_INDEX}."
            )
        try:
            with safe_open(path, framework="pt") as file:
                for key in file.keys():  # noqa: SIM118 - a file, not a mapping
                    if key.startswith(beginnings):
                        tensors[key] = file.get_tensor(key)
        except SafetensorError as error:
            raise refused(path, error) from error
    return tensors


def needed_files(folder: Path, beginnings: tuple[str, ...]) -> tuple[str, ...]:
    """The files of a checkpoint that hold tensors whose names begin so, by its index.

    Raises:
        MscKedroError: there is no checkpoint, or its index names a file outside the folder.
    """
    index = folder / _INDEX
    if not index.is_file():
        if (folder / _WHOLE).is_file():
            return (_WHOLE,)
        raise MscKedroError(f"{folder} holds no checkpoint: neither {_WHOLE} nor {_INDEX}.")
    places = json.loads(index.read_text(encoding="utf-8"))["weight_map"]
    names = sorted({place for key, place in places.items() if key.startswith(beginnings)})
    for name in names:
        if Path(name).name != name:
            raise MscKedroError(f"{index} names {name!r}, which is no file beside it. Refused.")
    return tuple(names)


def refused(path: Path | str, error: Exception) -> MscKedroError:
    """What a user is told of weights that are not opened."""
    said = str(error).strip().partition("\n")[0].partition(". ")[0] or type(error).__name__
    return MscKedroError(
        f"{path} was not opened: it does not hold plain weights ({said}).\n"
        "A pickle from outside can run any code, so only safetensors and torch checkpoints of "
        "plain tensors are read. Delete it and take another from a source you trust: "
        "`kedro models fetch` for a model, `kedro run --pipeline train` for an adapter."
    )
