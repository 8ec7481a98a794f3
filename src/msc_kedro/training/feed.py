"""What comes next is made ready while the step before it runs."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Generic, TypeVar

T = TypeVar("T")
_END = object()


class Feed(Generic[T]):
    """Items in their order, at most `ahead` of them made before they are asked for.

    They are made by one thread, which ends with the `with` block. What making one raises is raised
    where it is asked for.

    Attributes:
        waited_s: how long asking has waited so far.
    """

    def __init__(self, items: Iterable[T], *, ahead: int) -> None:
        self.waited_s = 0.0
        self._items = iter(items)
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="feed")
        self._made = deque(self._pool.submit(next, self._items, _END) for _ in range(ahead))

    def __enter__(self) -> Feed[T]:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(cancel_futures=True)

    def __iter__(self) -> Iterator[T]:
        return self

    def __next__(self) -> T:
        began = time.perf_counter()
        item = self._made.popleft().result()
        self.waited_s += time.perf_counter() - began
        self._made.append(self._pool.submit(next, self._items, _END))
        if item is _END:
            raise StopIteration
        return item  # type: ignore[return-value]
