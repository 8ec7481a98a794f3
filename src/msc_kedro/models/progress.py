"""Progress of a fetch: bytes, rate and time left on a terminal, nothing elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

Report = Callable[[int], None]  # takes the bytes done so far
Progress = Callable[[str, int | None], AbstractContextManager[Report]]


@contextmanager
def terminal_progress(title: str, total: int | None) -> Iterator[Report]:
    """A bar on standard error, or only the time gone by where the total is not known."""
    if not sys.stderr.isatty():
        yield lambda done: None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )
    from rich.progress import Progress as Bar

    title_and_bar = (TextColumn("  {task.description}"), BarColumn())
    known = (DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    columns = (*title_and_bar, *(known if total else (TimeElapsedColumn(),)))
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(title, total=total)
        yield lambda done: bar.update(task, completed=done)
