"""Wiring of segment."""

from kedro.pipeline import Node, Pipeline

from msc_kedro.pipelines.segment.nodes import hold_out, transcribe


def create_pipeline() -> Pipeline:
    """dialogue_spans, annotations, scenes, sound -> utterances, dialogues."""
    return Pipeline(
        [
            Node(
                transcribe,
                [
                    "dialogue_spans",
                    "annotations",
                    "sources",
                    "scenes",
                    "sound",
                    "asr",
                    "diarizer",
                    "speaker_encoder",
                    "work",
                    "params:segment",
                    "params:same_voice",
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
