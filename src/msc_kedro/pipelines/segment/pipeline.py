"""Wiring of segment."""

from kedro.pipeline import Node, Pipeline

from msc_kedro.pipelines.segment.nodes import find_scenes, hold_out, transcribe


def create_pipeline() -> Pipeline:
    """sources, dialogue_spans, sound -> scenes, utterances, dialogues."""
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
                    "dialogue_spans",
                    "scenes",
                    "sound",
                    "asr",
                    "diarizer",
                    "work",
                    "params:segment",
                    "params:engine",
                ],
                ["utterances", "segment_rejects"],
                name="transcribe",
            ),
            Node(
                hold_out,
                ["dialogue_spans", "utterances", "params:splits"],
                "dialogues",
                name="hold_out",
            ),
        ],
        tags="segment",
    )
