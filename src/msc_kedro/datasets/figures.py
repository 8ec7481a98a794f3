"""Figures of a run in JSON, CSV and plotly's JSON, in files that are there whole or not at all.

Those of kedro-datasets write in place: a killed run would leave half a file, and Kedro would take
it for the latest version.
"""

from __future__ import annotations

import json
from abc import abstractmethod
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from kedro.io.core import AbstractVersionedDataset, Version
from kedro_datasets._typing import PlotlyPreview, TablePreview

from msc_kedro.datasets.previews import ROWS, mapping_preview, table_preview
from msc_kedro.execution.files import whole_file

if TYPE_CHECKING:
    import pandas as pd
    from plotly.graph_objects import Figure


class WholeFileDataset(AbstractVersionedDataset[Any, Any]):
    """A versioned file.

    Args:
        filepath: the file.
        version: set by Kedro where the catalog says `versioned: true`.
        metadata: for kedro-viz.
    """

    def __init__(
        self,
        *,
        filepath: str,
        version: Version | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(PurePosixPath(filepath), version)
        self.metadata = metadata

    @abstractmethod
    def _write(self, file: Path, data: Any) -> None:
        """Write the data to a file; the same data give the same bytes."""

    def save(self, data: Any) -> None:
        """Write it, whole or not at all."""
        with whole_file(Path(self._get_save_path())) as file:
            self._write(file, data)

    @property
    def _path(self) -> Path:
        return Path(self._get_load_path())

    def _exists(self) -> bool:
        return self._path.is_file()

    def _describe(self) -> dict[str, Any]:
        return {"filepath": self._filepath, "version": self._version}


class FiguresDataset(WholeFileDataset):
    """A JSON file of records, in a list or by name, or of values; kedro-viz shows a table."""

    def load(self) -> Any:
        """What JSON holds."""
        return json.loads(self._path.read_text(encoding="utf-8"))

    def _write(self, file: Path, data: Any) -> None:
        file.write_text(json.dumps(data, indent=1), encoding="utf-8")

    def preview(self) -> TablePreview:
        """All of it, for kedro-viz."""
        data = self.load()
        if isinstance(data, dict):
            if not all(isinstance(value, dict) for value in data.values()):
                return mapping_preview(data)
            data = [{"of": name, **figures} for name, figures in data.items()]
        columns = list(dict.fromkeys(name for record in data for name in record))
        return table_preview(columns, ([record.get(name) for name in columns] for record in data))


class CsvDataset(WholeFileDataset):
    """A table as CSV."""

    def load(self) -> pd.DataFrame:
        """The table."""
        import pandas as pd

        return pd.read_csv(self._path)

    def _write(self, file: Path, data: pd.DataFrame) -> None:
        data.to_csv(file, index=False)

    def preview(self, nrows: int = ROWS) -> TablePreview:
        """The first rows, for kedro-viz."""
        table = self.load().head(nrows)
        return table_preview(list(table.columns), table.to_numpy(dtype=object).tolist())


class PlotDataset(WholeFileDataset):
    """A plotly figure as JSON, the same bytes whether orjson is installed or not."""

    def load(self) -> Figure:
        """The figure."""
        import plotly.io

        return plotly.io.from_json(self._path.read_text(encoding="utf-8"))

    def _write(self, file: Path, data: Figure) -> None:
        file.write_text(data.to_json(engine="json"), encoding="utf-8")

    def preview(self) -> PlotlyPreview:
        """The figure, for kedro-viz."""
        return PlotlyPreview(json.loads(self._path.read_text(encoding="utf-8")))
