"""Wiring of speaker_assign."""

from kedro.pipeline import Node, Pipeline

from msc_kedro.pipelines.speaker_assign.leaks import check_splits
from msc_kedro.pipelines.speaker_assign.nodes import assign_speakers_per_dialogue


def create_pipeline() -> Pipeline:
    """utterances, annotations, sound -> speakers; dialogues -> split_leaks."""
    return Pipeline(
        [
            Node(
                assign_speakers_per_dialogue,
                [
                    "utterances",
                    "annotations",
                    "sound",
                    "speaker_encoder",
                    "work",
                    "params:speaker_assign",
                    "params:same_voice",
                    "params:engine",
                ],
                "speakers",
                name="assign_speakers_per_dialogue",
            ),
            Node(
                check_splits,
                ["dialogues", "utterances", "speakers", "sources", "params:splits"],
                "split_leaks",
                name="check_splits",
            ),
        ],
        tags="speaker_assign",
    )
