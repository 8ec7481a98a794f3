"""Figures of a run in JSON."""

from __future__ import annotations

from kedro_datasets._typing import TablePreview
from kedro_datasets.json import JSONDataset

from msc_kedro.datasets.previews import mapping_preview, table_preview


class FiguresDataset(JSONDataset):
    """A JSON file that holds a list of records, or names and values; kedro-viz shows a table."""

    def preview(self) -> TablePreview:
        """All of it, for kedro-viz."""
        data = self.load()
        if isinstance(data, dict):
            return mapping_preview(data)
        columns = list(dict.fromkeys(name for record in data for name in record))
        return table_preview(columns, ([record.get(name) for name in columns] for record in data))
