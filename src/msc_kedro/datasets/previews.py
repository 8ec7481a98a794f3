"""What kedro-viz shows of a dataset in its panel.

kedro-viz draws a preview by the name of the type that `preview` is annotated with, and shows
nothing of a dataset at all when one value of it is not JSON.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from kedro_datasets._typing import TablePreview

ROWS = 20  # shown, unless `preview_args` in the catalog says otherwise


def table_preview(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> TablePreview:
    """Rows of any values as the table that kedro-viz takes."""
    data = [[plain(value) for value in row] for row in rows]
    return TablePreview({"index": list(range(len(data))), "columns": list(columns), "data": data})


def mapping_preview(figures: Mapping[str, Any]) -> TablePreview:
    """A mapping as a table of names and values."""
    return table_preview(("figure", "value"), figures.items())


def plain(value: Any) -> str | int | float | bool | None:
    """A value as one that JSON has: none for what is not a number, words for what is nested."""
    value = getattr(value, "item", lambda: value)() if getattr(value, "ndim", None) == 0 else value
    if value is None or isinstance(value, str | int | bool):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return ", ".join(f"{name}: {plain(part)}" for name, part in value.items())
    if isinstance(value, Iterable):
        parts = list(value)
        if any(isinstance(part, Mapping) for part in parts):
            return f"{len(parts)} items"
        return ", ".join(str(plain(part)) for part in parts)
    return str(value)
