"""Memory that is free goes back to the system."""

from __future__ import annotations

import ctypes
from functools import cache
from typing import Any


@cache
def _c_library() -> Any:
    """The C library of this process; None where it has no `malloc_trim`."""
    try:
        library = ctypes.CDLL(None)
    except (OSError, TypeError):  # Windows has none that is named so
        return None
    return library if hasattr(library, "malloc_trim") else None


def give_memory_back() -> None:
    """Have the allocator return what is free; elsewhere than on glibc, nothing.

    Arrays of all lengths, made and freed by several threads, leave glibc's arenas full of holes,
    which it keeps: without this the peak of a stage grows with the number of its shards.
    """
    library = _c_library()
    if library is not None:
        library.malloc_trim(0)
