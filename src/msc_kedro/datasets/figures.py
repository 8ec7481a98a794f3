"""Figures of a run in JSON, CSV and plotly's JSON: kedro-datasets' own, with files that are whole.

What they write in place a killed run would leave as half a file, and Kedro take for the latest.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kedro_datasets._typing import TablePreview
from kedro_datasets.json import JSONDataset
from kedro_datasets.pandas import CSVDataset
from kedro_datasets.plotly import JSONDataset as PlotlyDataset

from msc_kedro.datasets.previews import mapping_preview, table_preview
from msc_kedro.execution.files import whole_file

if TYPE_CHECKING:
    import pandas as pd
    from plotly.graph_objects import Figure


class FiguresDataset(JSONDataset):
    """A JSON file that holds a list of records, or names and values; kedro-viz shows a table."""

    def save(self, data: Any) -> None:
        """Write it, whole or not at all."""
        with whole_file(Path(self._get_save_path())) as file:
            file.write_text(json.dumps(data, **self._save_args), encoding="utf-8")

    def preview(self) -> TablePreview:
        """All of it, for kedro-viz."""
        data = self.load()
        if isinstance(data, dict):
            return mapping_preview(data)
        columns = list(dict.fromkeys(name for record in data for name in record))
        return table_preview(columns, ([record.get(name) for name in columns] for record in data))


class CsvDataset(CSVDataset):
    """A CSV file."""

    def save(self, data: pd.DataFrame) -> None:
        """Write it, whole or not at all."""
        with whole_file(Path(self._get_save_path())) as file:
            data.to_csv(file, index=False)


class PlotDataset(PlotlyDataset):
    """A plotly figure as JSON, the same bytes wherever orjson is installed or not."""

    def save(self, data: Figure) -> None:
        """Write it, whole or not at all."""
        with whole_file(Path(self._get_save_path())) as file:
            file.write_text(data.to_json(engine="json"), encoding="utf-8")
