"""Wiring of describe."""

from kedro.pipeline import Node, Pipeline

from msc_kedro.pipelines.describe.nodes import describe_voices


def create_pipeline() -> Pipeline:
    """utterances, speakers, dialogues, sound -> voice, voice_levels, description_figures."""
    return Pipeline(
        [
            Node(
                describe_voices,
                [
                    "utterances",
                    "speakers",
                    "dialogues",
                    "sound",
                    "pitch_tracker",
                    "gender_classifier",
                    "room_meter",
                    "quality_meter",
                    "description_writer",
                    "work",
                    "params:describe",
                    "params:engine",
                ],
                ["voice", "voice_levels", "description_figures"],
                name="describe_voices",
            )
        ],
        tags="describe",
    )
