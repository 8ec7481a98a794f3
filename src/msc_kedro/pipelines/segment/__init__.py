"""Pipeline `segment`: dialogues to utterances with words and times."""

from msc_kedro.pipelines.segment.pipeline import create_pipeline

__all__ = ["create_pipeline"]
