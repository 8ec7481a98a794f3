"""Wiring of evaluate."""

from kedro.pipeline import Node, Pipeline

from msc_kedro.pipelines.evaluate.nodes import write_replies


def create_pipeline() -> Pipeline:
    """adapter, test dialogues -> replies, text_metrics."""
    return Pipeline(
        [
            Node(
                write_replies,
                [
                    "adapter",
                    "utterances",
                    "speakers",
                    "voice",
                    "dialogues",
                    "picture_features",
                    "sound_features",
                    "language_model",
                    "work",
                    "params:evaluate",
                    "params:engine",
                ],
                ["replies", "text_metrics"],
                name="write_replies",
            )
        ],
        tags="evaluate",
    )
