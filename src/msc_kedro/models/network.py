"""Networks of torch that only read: from which folder, where they run, how exactly they count."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, Literal

from msc_kedro.errors import MscKedroError

Precision = Literal["auto", "float32", "float16", "bfloat16"]


def chosen_device(device: str) -> str:
    """The name of a torch device; "auto" is the GPU where there is one, else the processor."""
    import torch

    if device != "auto":
        return device
    return "cuda" if torch.cuda.is_available() else "cpu"


def counting(device: str, precision: Precision) -> AbstractContextManager[Any]:
    """In which precision a network counts; "auto" is float16 on a GPU, float32 elsewhere.

    Products are taken in half precision, sums, norms and softmax in full (torch's autocast).
    """
    import torch

    kind = device.partition(":")[0]
    if precision == "float32" or (precision == "auto" and kind != "cuda"):
        return nullcontext()
    half = torch.bfloat16 if precision == "bfloat16" else torch.float16
    return torch.autocast(kind, dtype=half)


def pretrained(kind: str, folder: Path, *, device: str) -> Any:
    """A network of transformers with the weights in a folder, to be read with, in float32.

    Args:
        kind: a class of transformers, such as "WavLMModel".
        folder: holds config.json and model.safetensors.
        device: torch's name of it.

    Raises:
        MscKedroError: the folder holds no such network, or not all of its weights: transformers
            would draw the rest at random.
    """
    import torch
    import transformers

    try:
        network, told = getattr(transformers, kind).from_pretrained(
            folder,
            use_safetensors=True,
            local_files_only=True,
            dtype=torch.float32,
            output_loading_info=True,
        )
    except (OSError, ValueError, RuntimeError) as error:
        said = str(error).strip().partition("\n")[0]
        raise MscKedroError(
            f"{folder} holds no {kind} that can be read ({said}). Expected config.json and "
            "model.safetensors: see `kedro models list`."
        ) from error
    if lacking := sorted(told["missing_keys"]):
        raise MscKedroError(
            f"{folder} lacks {len(lacking)} of the weights of a {kind}, {lacking[0]} for one: it "
            "is another network. Name the right model in models.yml."
        )
    return network.eval().requires_grad_(False).to(device)
