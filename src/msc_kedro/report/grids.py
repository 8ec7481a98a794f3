"""Tables that several stages show: bars of shares, and what was left out by reason."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from msc_kedro.report import summaries, wording
from msc_kedro.report.sections import Bar, Cell, Grid, numeric

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd

SHOWN = 500  # items of a reason that the page lists; the tables have all
FEW = 3  # items that stand below their reason without being folded away


def reasons(caption: str, table: pd.DataFrame, *, by: str, title: str = "") -> Grid:
    """What was left out or mended, grouped by reason; all items can be unfolded."""
    rows = []
    for kind, reason, number, items in summaries.grouped_rejects(table, by=by).itertuples(
        index=False
    ):
        if number <= FEW:
            cell = Cell(reason, "; ".join(items))
        else:
            more = (f"and {wording.count(number - SHOWN)} more",) if number > SHOWN else ()
            cell = Cell(reason, items=(*items[:SHOWN], *more))
        rows.append((cell, *((kind,) if title else ()), wording.count(number)))
    columns = ("reason", *((title,) if title else ()), "items")
    return Grid(caption, columns, tuple(rows), numeric("items"))


def bars(caption: str, counts: dict[Any, int]) -> Grid:
    """How often what, as bars of shares."""
    most, total = max(counts.values()), sum(counts.values())
    rows = tuple(
        (str(name), Bar(number / most), wording.percent(number / total, 0))
        for name, number in counts.items()
    )
    return Grid(caption, ("level", "", "share"), rows, numeric("share"))


def common(values: Iterable[str], *, most: int = 3) -> str:
    """The most frequent values, each with how often where there are several."""
    counts = Counter(values).most_common()
    if len(counts) < 2:
        return counts[0][0] if counts else ""
    told = [f"{value} ({wording.count(number)})" for value, number in counts[:most]]
    return "; ".join(told) + (" …" if len(counts) > most else "")
