"""The report takes what is there, and does without what an earlier version of the program made."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from kedro.io import DataCatalog, DatasetError
from kedro.io.core import Version

from msc_kedro.datasets import TableDataset, WorkFolder
from msc_kedro.report.from_catalog import write_report


def catalog_with(folder: Path, content: bytes) -> DataCatalog:
    version = folder / "sources.parquet" / "1"
    version.mkdir(parents=True)
    (version / "sources.parquet").write_bytes(content)
    tables = {
        name: TableDataset(
            filepath=str(folder / f"{name}.parquet"), table=name, version=Version(None, "2")
        )
        for name in ("sources", "dialogues", "utterances", "speakers", "voice", "replies", "speech")
    }
    return DataCatalog({**tables, "reporting": WorkFolder(filepath=str(folder / "demo/embedded"))})


def test_a_table_of_an_earlier_version_is_left_out(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    old = pd.DataFrame({"source_id": ["a"]}).to_parquet()
    with caplog.at_level("WARNING", logger="msc_kedro"):
        page = write_report(catalog_with(tmp_path, old), version="now")
    assert page.is_file()
    assert "leaves 'sources' out" in caplog.text and "run its pipeline again" in caplog.text


def test_a_broken_file_is_no_such_table(tmp_path: Path) -> None:
    with pytest.raises(DatasetError):
        write_report(catalog_with(tmp_path, b"not parquet"), version="now")
