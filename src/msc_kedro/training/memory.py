"""When memory ends: what was in use, and what to lower."""

from __future__ import annotations

import contextlib
import resource
import sys
from typing import TYPE_CHECKING

import torch

from msc_kedro.errors import MscKedroError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from msc_kedro.training.config import TrainingConfig

_CPU_SAYS = ("can't allocate memory", "not enough memory")  # a plain RuntimeError


def peak_bytes(device: torch.device) -> int:
    """The most memory in use so far: of tensors on CUDA, else of this process."""
    if device.type == "cuda":
        return int(torch.cuda.max_memory_allocated(device))
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def is_out_of_memory(error: BaseException) -> bool:
    """Whether torch or Python ran out of memory."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(said in str(error) for said in _CPU_SAYS)


@contextlib.contextmanager
def memory_told(
    doing: str,
    config: TrainingConfig,
    device: torch.device,
    *,
    first: Callable[[], None] | None = None,
) -> Iterator[None]:
    """Says what to lower, instead of torch's message, when memory ends in this block.

    Args:
        doing: what was done, for the message.
        config: what can be lowered.
        device: whose memory it is.
        first: called before that, to keep what there is.

    Raises:
        MscKedroError: memory ended.
    """
    try:
        yield
        return
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        said = str(error).partition("\n")[0] or type(error).__name__
    # Out of the handler: what the error holds fills the memory.
    peak = peak_bytes(device) / 2**30
    if first is not None:
        first()
    ways = [
        f"lower train.token_budget, now {config.token_budget} (this packs the data otherwise, so "
        "it is another run, from its own beginning)",
        "take a smaller language model, or 4 bits of it",
    ]
    if not config.activation_checkpointing:
        ways.insert(
            0,
            "set train.activation_checkpointing to true: the run then goes on from its last "
            "checkpoint, with the same numbers",
        )
    listed = "\n".join(f"- {way}" for way in ways)
    raise MscKedroError(
        f"{doing}: memory ended ({said}). The peak was {peak:.1f} GiB on {device}.\n{listed}\n"
        "What was done before is kept in the run's checkpoint."
    )
