"""Pipeline `featurize`: what the agent hears and sees, in shards."""

from msc_kedro.pipelines.featurize.pipeline import create_pipeline

__all__ = ["create_pipeline"]
