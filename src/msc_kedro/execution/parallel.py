"""The same work on many items, several at a time, results in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

from msc_kedro.execution.progress import steps

Item = TypeVar("Item")
Result = TypeVar("Result")

_AHEAD = 2  # items per worker that are begun, or done and not yet taken


def in_parallel(
    function: Callable[[Item], Result],
    items: Sequence[Item],
    *,
    workers: int,
    title: str,
    unit: str = "items",
) -> Generator[Result, None, None]:
    """`function` of each item, in the order of the items, with progress.

    Threads and not processes: the time goes into decoders, codecs and networks, which let other
    threads run, and models need no second copy. Few results wait for whoever takes them, so memory
    does not grow with the number of items. An error ends the whole; what has not begun by then is
    left out.

    Args:
        workers: items at a time.
        title: shown with the progress.
        unit: what is counted.
    """
    if workers == 1:
        yield from map(function, steps(items, title=title, unit=unit))
        return
    with ThreadPoolExecutor(max_workers=workers) as pool:
        begun = (pool.submit(function, item) for item in items)
        waiting = deque(islice(begun, _AHEAD * workers))
        try:
            for _ in steps(items, title=title, unit=unit):
                yield waiting.popleft().result()
                waiting.extend(islice(begun, 1))
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
