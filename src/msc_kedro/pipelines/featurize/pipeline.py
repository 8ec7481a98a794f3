"""Wiring of featurize."""

from kedro.pipeline import Node, Pipeline

from msc_kedro.pipelines.featurize.nodes import encode_pictures, encode_sounds


def create_pipeline() -> Pipeline:
    """utterances, corpus, sound, faces -> picture_features, sound_features."""
    return Pipeline(
        [
            Node(
                encode_pictures,
                [
                    "utterances",
                    "sources",
                    "corpus",
                    "image_encoder",
                    "work",
                    "params:featurize",
                    "params:engine",
                    "face_tracks",
                    "speaking_faces",
                ],
                "picture_features",
                name="encode_pictures",
            ),
            Node(
                encode_sounds,
                ["utterances", "sources", "sound", "audio_encoder", "work", "params:engine"],
                "sound_features",
                name="encode_sounds",
            ),
        ],
        tags="featurize",
    )
