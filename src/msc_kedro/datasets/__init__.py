"""Catalog datasets: what the pipelines hand each other. Reading and writing, no science."""

from msc_kedro.datasets.figures import CurveDataset, FiguresDataset, PlotDataset
from msc_kedro.datasets.folders import AdapterFolder, CorpusFolder, SoundFolder, WorkFolder
from msc_kedro.datasets.models import ModelDataset
from msc_kedro.datasets.shards import FeatureShards
from msc_kedro.datasets.table import TableDataset

__all__ = [
    "AdapterFolder",
    "CorpusFolder",
    "CurveDataset",
    "FeatureShards",
    "FiguresDataset",
    "ModelDataset",
    "PlotDataset",
    "SoundFolder",
    "TableDataset",
    "WorkFolder",
]
