"""Catalog datasets: what the pipelines hand each other. Reading and writing, no science."""

from msc_kedro.datasets.figures import CsvDataset, FiguresDataset, PlotDataset
from msc_kedro.datasets.folders import (
    AdapterFolder,
    CorpusFolder,
    PictureFolder,
    SoundFolder,
    WorkFolder,
)
from msc_kedro.datasets.models import ModelDataset
from msc_kedro.datasets.shards import FeatureShards
from msc_kedro.datasets.table import TableDataset

__all__ = [
    "AdapterFolder",
    "CorpusFolder",
    "CsvDataset",
    "FeatureShards",
    "FiguresDataset",
    "ModelDataset",
    "PictureFolder",
    "PlotDataset",
    "SoundFolder",
    "TableDataset",
    "WorkFolder",
]
