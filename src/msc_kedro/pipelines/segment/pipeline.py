"""Wiring of segment."""

from kedro.pipeline import Node, Pipeline

from msc_kedro.pipelines.segment.nodes import find_scenes, transcribe


def create_pipeline() -> Pipeline:
    """sources, dialogues, sound -> scenes, utterances."""
    return Pipeline(
        [
            Node(
                find_scenes,
                ["sources", "corpus", "work", "params:segment"],
                ["scenes", "scene_rejects"],
                name="find_scenes",
            ),
            Node(
                transcribe,
                [
                    "dialogues",
                    "scenes",
                    "sound",
                    "asr",
                    "diarizer",
                    "work",
                    "params:segment",
                ],
                ["utterances", "segment_rejects"],
                name="transcribe",
            ),
        ],
        tags="segment",
    )
