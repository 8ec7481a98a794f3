"""Wiring of describe."""

from kedro.pipeline import Node, Pipeline

from msc_kedro.pipelines.describe.nodes import describe_voices


def create_pipeline() -> Pipeline:
    """utterances, speakers, sound -> voice."""
    return Pipeline(
        [
            Node(
                describe_voices,
                [
                    "utterances",
                    "speakers",
                    "sound",
                    "pitch_tracker",
                    "gender_classifier",
                    "work",
                    "params:describe",
                    "params:engine",
                ],
                "voice",
                name="describe_voices",
            )
        ],
        tags="describe",
    )
