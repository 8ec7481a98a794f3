"""Memory that is free goes back to the system."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8  # options of glibc's mallopt
_LARGE, _USUAL = 1 << 20, 32 << 20  # bytes; the second is how far glibc lets its own limit grow
_ARENAS = 2


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


@contextmanager
def large_arrays_go_back() -> Iterator[None]:
    """Inside, an array of over 1 MB goes back to the system when it is freed, into no heap's hole.

    What is heard or seen has all lengths: no array fits where the last one was, and the heaps of
    the threads grow with the number of items. It costs the system's time to hand out empty pages,
    so what makes the same arrays again and again, as training does, stays outside.
    """
    library = _c_library()
    if library is None:
        yield
        return
    library.mallopt(_ARENA_MAX, _ARENAS)
    library.mallopt(_MMAP_THRESHOLD, _LARGE)
    try:
        yield
    finally:
        # Once set it no longer adapts by itself, so what it would have come to is set.
        library.mallopt(_MMAP_THRESHOLD, _USUAL)
        library.mallopt(_TRIM_THRESHOLD, 2 * _USUAL)
