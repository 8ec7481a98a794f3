"""Pipeline `synthesize`: replies spoken as they describe themselves, and what became of that."""

from msc_kedro.pipelines.synthesize.pipeline import create_pipeline

__all__ = ["create_pipeline"]
