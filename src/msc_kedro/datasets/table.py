"""Tables in Parquet, with their schema checked on the way in and on the way out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from kedro.io.core import Version
from kedro_datasets._typing import TablePreview

from msc_kedro.datasets.figures import WholeFileDataset
from msc_kedro.datasets.previews import ROWS, table_preview
from msc_kedro.errors import MscKedroError
from msc_kedro.tables import TableName, schema

if TYPE_CHECKING:
    import pandas as pd


class TableDataset(WholeFileDataset):
    """One of the tables of `msc_kedro.tables`, as Parquet, versioned by Kedro.

    Args:
        filepath: the table's file.
        table: name of its schema.
        version: set by Kedro where the catalog says `versioned: true`.
        metadata: for kedro-viz.
    """

    def __init__(
        self,
        *,
        filepath: str,
        table: TableName,
        version: Version | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(filepath=filepath, version=version, metadata=metadata)
        self._table = table

    def load(self) -> pd.DataFrame:
        """The table.

        Raises:
            MscKedroError: the file does not fit the schema.
        """
        import pandas as pd

        return self._checked(pd.read_parquet(self._path))

    def _write(self, file: Path, data: pd.DataFrame) -> None:
        checked = self._checked(data).reset_index(drop=True)
        checked.to_parquet(file, index=False, compression="zstd")

    def _checked(self, table: pd.DataFrame) -> pd.DataFrame:
        import pandera.errors

        try:
            return schema(self._table).validate(table, lazy=True)
        except pandera.errors.SchemaErrors as error:
            problems = error.failure_cases[["column", "check", "failure_case"]].head(5)
            raise MscKedroError(
                f"The table '{self._table}' ({self._filepath}) does not fit its schema in "
                f"msc_kedro/tables.py:\n{problems.to_string(index=False)}\n"
                "If an earlier version of the program made it, run its pipeline again."
            ) from error

    def _describe(self) -> dict[str, Any]:
        return {**super()._describe(), "table": self._table}

    def preview(self, nrows: int = ROWS) -> TablePreview:
        """The first rows, for kedro-viz."""
        table = self.load().head(nrows)
        return table_preview(list(table.columns), table.itertuples(index=False, name=None))
