"""Wiring of ingest."""

from kedro.pipeline import Node, Pipeline

from msc_kedro.pipelines.ingest.nodes import find_dialogues, read_sources


def create_pipeline() -> Pipeline:
    """corpus -> sources, sound, dialogue_spans."""
    return Pipeline(
        [
            Node(
                read_sources,
                ["corpus", "work", "params:corpus"],
                ["sources", "sound", "ingest_rejects"],
                name="read_sources",
            ),
            Node(
                find_dialogues,
                [
                    "sources",
                    "sound",
                    "corpus",
                    "speech_detector",
                    "params:ingest",
                ],
                ["dialogue_spans", "silent_sources"],
                name="find_dialogues",
            ),
        ],
        tags="ingest",
    )
