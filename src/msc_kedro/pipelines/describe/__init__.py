"""Pipeline `describe`: how each utterance sounds, in numbers and in words."""

from msc_kedro.pipelines.describe.pipeline import create_pipeline

__all__ = ["create_pipeline"]
