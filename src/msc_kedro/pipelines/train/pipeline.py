"""Wiring of train."""

from kedro.pipeline import Node, Pipeline

from msc_kedro.pipelines.train.nodes import plot_losses, train_agent


def create_pipeline() -> Pipeline:
    """tables and features -> adapter, loss_history, training_summary, loss_curve."""
    return Pipeline(
        [
            Node(
                train_agent,
                [
                    "utterances",
                    "speakers",
                    "voice",
                    "dialogues",
                    "picture_features",
                    "sound_features",
                    "image_encoder",
                    "audio_encoder",
                    "language_model",
                    "qformer_start",
                    "work",
                    "params:train",
                    "params:featurize",
                    "params:engine",
                ],
                ["adapter", "loss_history", "training_summary"],
                name="train_agent",
            ),
            Node(
                plot_losses,
                ["loss_history", "training_summary"],
                "loss_curve",
                name="plot_losses",
            ),
        ],
        tags="train",
    )
