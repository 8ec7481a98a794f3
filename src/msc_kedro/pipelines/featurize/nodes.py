"""Nodes of featurize."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from msc_kedro.corpora.folder import Corpus
from msc_kedro.execution.files import code_of, key_of
from msc_kedro.execution.ragged import ShardSet
from msc_kedro.execution.shards import map_shards
from msc_kedro.models.opener import Opener
from msc_kedro.pipelines.featurize.parameters import FeaturizeParameters
from msc_kedro.pipelines.parameters import EngineParameters


def encode_pictures(
    utterances: pd.DataFrame,
    sources: pd.DataFrame,
    corpus: Corpus,
    image_encoder: Opener,
    work: Path,
    parameters: FeaturizeParameters,
    engine: EngineParameters,
) -> ShardSet:
    """Picture features of every utterance that has pictures, at `frames_per_s`.

    Returns:
        Shards: per utterance float16 [f, d] and the times of the frames.
    """
    from msc_kedro.seeing.features import write_picture_shard

    paths = sources[sources["has_video"]].set_index("source_id")["path"]
    seen = utterances[utterances["source_id"].isin(paths.index)]
    shards = _shards(seen, engine.shard_utterances)
    videos = {source: corpus.existing(paths[source]) for source in seen["source_id"].unique()}
    files = map_shards(
        lambda shard, file: write_picture_shard(
            file,
            [(u.utterance_id, videos[u.source_id], u.start_s, u.end_s) for u in shard],
            encode=image_encoder.open(),
            frames_per_s=parameters.frames_per_s,
        ),
        shards,
        key=lambda shard: key_of(
            "pictures",
            [u.utterance_id for u in shard],
            image_encoder.fingerprint,
            parameters.frames_per_s,
            code_of("seeing", "media"),
        ),
        folder=work / "features",
        suffix=".safetensors",
        title="encoding pictures",
    )
    # What is made with the features is kept by what they are, so the rate is part of the name.
    name = f"{image_encoder.fingerprint} {parameters.frames_per_s}/s"
    return ShardSet(files, encoder=name, width=image_encoder.open().width)


def encode_sounds(
    utterances: pd.DataFrame,
    sounds: dict[str, Path],
    audio_encoder: Opener,
    work: Path,
    engine: EngineParameters,
) -> ShardSet:
    """Sound features of every utterance that has sound, 50 vectors per second.

    Returns:
        Shards: per utterance float16 [t, d] and the times of the vectors.
    """
    from msc_kedro.listening.features import write_sound_shard

    files = map_shards(
        lambda shard, file: write_sound_shard(
            file,
            [(u.utterance_id, sounds[u.source_id], u.start_s, u.end_s) for u in shard],
            encode=audio_encoder.open(),
        ),
        _shards(utterances.dropna(subset="source_id"), engine.shard_utterances),
        key=lambda shard: key_of(
            "sounds",
            [u.utterance_id for u in shard],
            audio_encoder.fingerprint,
            code_of("listening", "media"),
        ),
        folder=work / "features",
        suffix=".safetensors",
        title="encoding sound",
    )
    encoder = audio_encoder.open()
    return ShardSet(files, encoder=audio_encoder.fingerprint, width=encoder.width)


def _shards(utterances: pd.DataFrame, size: int) -> list[list]:
    """Utterances in order of source and time, so that a shard reads few files, each in order."""
    rows = list(utterances.sort_values(["source_id", "start_s"]).itertuples())
    return [rows[first : first + size] for first in range(0, len(rows), size)]
