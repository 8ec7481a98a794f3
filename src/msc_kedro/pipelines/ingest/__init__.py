"""Pipeline `ingest`: a corpus to sources, dialogues and sound."""

from msc_kedro.pipelines.ingest.pipeline import create_pipeline

__all__ = ["create_pipeline"]
