"""The same work on many items, several at a time, results in order."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from msc_kedro.execution.progress import steps

Item = TypeVar("Item")
Result = TypeVar("Result")


def in_parallel(
    function: Callable[[Item], Result],
    items: Sequence[Item],
    *,
    workers: int,
    title: str,
    unit: str = "items",
) -> Iterator[Result]:
    """`function` of each item, in the order of the items, with progress.

    Threads and not processes: the time goes into decoders, codecs and networks, which let other
    threads run, and models need no second copy. An error ends the whole; what has not begun by then
    is left out.

    Args:
        workers: items at a time.
        title: shown with the progress.
        unit: what is counted.
    """
    if workers == 1:
        yield from map(function, steps(items, title=title, unit=unit))
        return
    with ThreadPoolExecutor(max_workers=workers) as pool:
        waiting = [pool.submit(function, item) for item in items]
        try:
            for future in steps(waiting, title=title, unit=unit):
                yield future.result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
