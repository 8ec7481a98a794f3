"""Pipeline `demo`: a corpus that the program makes itself, where the user has none."""

from msc_kedro.pipelines.demo.pipeline import create_pipeline

__all__ = ["create_pipeline"]
