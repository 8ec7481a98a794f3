"""Wiring of synthesize."""

from kedro.pipeline import Node, Pipeline

from msc_kedro.pipelines.synthesize.nodes import listen_to_replies, speak_replies


def create_pipeline() -> Pipeline:
    """replies, voice_levels -> spoken_replies, speech, speech_metrics."""
    return Pipeline(
        [
            Node(
                speak_replies,
                [
                    "replies",
                    "voice_levels",
                    "voice_female",
                    "voice_male",
                    "work",
                    "params:synthesize",
                    "params:engine",
                ],
                "spoken_replies",
                name="speak_replies",
            ),
            Node(
                listen_to_replies,
                [
                    "replies",
                    "spoken_replies",
                    "voice_levels",
                    "asr",
                    "pitch_tracker",
                    "gender_classifier",
                    "work",
                    "params:engine",
                ],
                ["speech", "speech_metrics"],
                name="listen_to_replies",
            ),
        ],
        tags="synthesize",
    )
