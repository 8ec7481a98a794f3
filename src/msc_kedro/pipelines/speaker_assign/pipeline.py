"""Wiring of speaker_assign."""

from kedro.pipeline import Node, Pipeline

from msc_kedro.pipelines.speaker_assign.nodes import assign_speakers_per_dialogue


def create_pipeline() -> Pipeline:
    """utterances, sound -> speakers."""
    return Pipeline(
        [
            Node(
                assign_speakers_per_dialogue,
                [
                    "utterances",
                    "sound",
                    "speaker_encoder",
                    "work",
                    "params:speaker_assign",
                    "params:engine",
                ],
                "speakers",
                name="assign_speakers_per_dialogue",
            )
        ],
        tags="speaker_assign",
    )
