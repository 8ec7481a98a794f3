"""Pipeline `speaker_assign`: who speaks each utterance."""

from msc_kedro.pipelines.speaker_assign.pipeline import create_pipeline

__all__ = ["create_pipeline"]
