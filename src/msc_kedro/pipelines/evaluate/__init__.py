"""Pipeline `evaluate`: replies to the test dialogues, and their scores."""

from msc_kedro.pipelines.evaluate.pipeline import create_pipeline

__all__ = ["create_pipeline"]
