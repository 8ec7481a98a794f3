"""Pipeline `train`: the agent learns to reply and to say how the reply should sound."""

from msc_kedro.pipelines.train.pipeline import create_pipeline

__all__ = ["create_pipeline"]
