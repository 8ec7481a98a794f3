"""Figures are written whole or not at all, and read as kedro-datasets' own are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import plotly.graph_objects as go
import pytest
from kedro.io.core import DatasetError, Version

from msc_kedro.datasets import CsvDataset, FiguresDataset, PlotDataset

NOW = Version(None, "2026-01-01T00.00.00.000Z")


class Broken(dict):
    """Fails while it is written."""

    def items(self) -> Any:
        raise ValueError("no")


class BrokenTable(pd.DataFrame):
    def to_csv(self, path: Any, **_: Any) -> None:
        Path(path).write_text("step,lo")
        raise ValueError("no")


class BrokenFigure(go.Figure):
    def to_json(self, *_: Any, **__: Any) -> str:
        raise ValueError("no")


@pytest.mark.parametrize(
    ("kind", "name", "data", "broken"),
    [
        (FiguresDataset, "f.json", [{"metric": "été", "value": 0.5}], Broken(a=1)),
        (CsvDataset, "c.csv", pd.DataFrame({"step": [0, 1], "loss": [2.5, None]}), BrokenTable()),
        (PlotDataset, "p.json", go.Figure(go.Scatter(x=[0, 1], y=[2, 1])), BrokenFigure()),
    ],
)
def test_whole_or_not_at_all(tmp_path: Path, kind: Any, name: str, data: Any, broken: Any) -> None:
    dataset = kind(filepath=str(tmp_path / name), version=NOW)
    with pytest.raises(DatasetError):
        dataset.save(broken)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
    assert not dataset.exists()
    dataset.save(data)
    found = dataset.load()
    assert found.equals(data) if isinstance(data, pd.DataFrame) else found == data
    with pytest.raises(DatasetError, match="must not exist"):
        dataset.save(data)
