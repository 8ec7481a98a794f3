"""Wiring of speaker_assign."""

from kedro.pipeline import Node, Pipeline

from msc_kedro.pipelines.speaker_assign.faces import find_faces
from msc_kedro.pipelines.speaker_assign.leaks import check_splits
from msc_kedro.pipelines.speaker_assign.nodes import assign_speakers_per_dialogue
from msc_kedro.pipelines.speaker_assign.statistics import count_corpus


def create_pipeline() -> Pipeline:
    """utterances, annotations, sound -> speakers; dialogues -> split_leaks, figures."""
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
            Node(
                count_corpus,
                ["dialogues", "utterances", "speakers", "sources"],
                "corpus_statistics",
                name="count_corpus",
            ),
            Node(
                find_faces,
                [
                    "utterances",
                    "dialogues",
                    "sources",
                    "scenes",
                    "corpus",
                    "sound",
                    "face_detector",
                    "active_speaker",
                    "work",
                    "params:faces",
                    "params:engine",
                ],
                ["face_tracks", "speaking_faces"],
                name="find_faces",
            ),
        ],
        tags="speaker_assign",
    )
