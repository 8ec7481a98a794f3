"""How many threads one network takes while several items are heard at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def one_thread_each() -> Iterator[None]:
    """Inside, a call of a torch network takes one thread, in this thread and in those it starts.

    Items are worked on side by side instead. So the figures do not depend on how many threads there
    are, and small networks are faster than with threads of their own.
    """
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
