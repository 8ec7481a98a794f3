"""Wiring of ingest."""

from kedro.pipeline import Node, Pipeline

from msc_kedro.pipelines.ingest.dialogues import (
    draw_contact_sheets,
    find_dialogues,
    propose_dialogues,
)
from msc_kedro.pipelines.ingest.nodes import find_scenes, read_annotations, read_sources


def create_pipeline() -> Pipeline:
    """corpus -> annotations, sources, sound, scenes, dialogue_spans."""
    return Pipeline(
        [
            Node(
                read_annotations,
                ["corpus", "params:corpus"],
                ["annotated_dialogues", "annotations", "corpus_defects"],
                name="read_annotations",
            ),
            Node(
                read_sources,
                [
                    "corpus",
                    "annotated_dialogues",
                    "annotations",
                    "work",
                    "params:corpus",
                    "params:engine",
                ],
                ["sources", "sound", "ingest_rejects"],
                name="read_sources",
            ),
            Node(
                find_scenes,
                [
                    "sources",
                    "annotated_dialogues",
                    "annotations",
                    "corpus",
                    "work",
                    "params:ingest",
                    "params:engine",
                ],
                ["scenes", "scene_rejects"],
                name="find_scenes",
            ),
            Node(
                propose_dialogues,
                [
                    "sources",
                    "annotated_dialogues",
                    "sound",
                    "scenes",
                    "corpus",
                    "speech_detector",
                    "speaker_encoder",
                    "work",
                    "params:ingest",
                    "params:engine",
                ],
                "dialogues_proposed",
                name="propose_dialogues",
            ),
            Node(
                find_dialogues,
                ["sources", "annotated_dialogues", "annotations", "dialogues_proposed", "corpus"],
                ["dialogue_spans", "silent_sources"],
                name="find_dialogues",
            ),
            Node(
                draw_contact_sheets,
                ["dialogue_spans", "sources", "corpus", "work", "params:engine"],
                "contact_sheets",
                name="draw_contact_sheets",
            ),
        ],
        tags="ingest",
    )
