"""Nodes of featurize."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from msc_kedro.corpora.folder import Corpus
from msc_kedro.execution.files import key_of
from msc_kedro.execution.ragged import KeptRows, Ragged, ShardSet, write_shard
from msc_kedro.execution.shards import map_read_shards
from msc_kedro.models.opener import Opener
from msc_kedro.pipelines.featurize.faces import faces_of, key_of_faces
from msc_kedro.pipelines.featurize.parameters import FeaturizeParameters
from msc_kedro.pipelines.featurize.shards import made_by, origins, pictures_by, shards_of, width_of
from msc_kedro.pipelines.parameters import EngineParameters

_READ_TOGETHER = 32  # sounds
# The code that features are made by, besides their encoder.
_SEEING = ("seeing.features", "seeing.crops", "media.pictures", "media.packets")
_HEARING = ("listening.features", "media.sound")


def encode_pictures(
    utterances: pd.DataFrame,
    sources: pd.DataFrame,
    corpus: Corpus,
    image_encoder: Opener,
    work: Path,
    parameters: FeaturizeParameters,
    engine: EngineParameters,
    face_tracks: pd.DataFrame | None = None,
    speaking_faces: pd.DataFrame | None = None,
) -> ShardSet:
    """Picture features of every utterance that has pictures, at `frames_per_s`.

    Args:
        face_tracks: where faces are; with `speaking_faces`, whose they are. Only read where
            `pictures` is faces: frames on which the speaker's face is not known are then left out.

    Returns:
        Shards: per utterance float16 [f, d] and the times of the frames.

    Raises:
        MscKedroError: faces are wanted, and none were looked for.
    """
    from msc_kedro.seeing.features import Piece, Seen, encode_pieces, pieces, read_piece

    paths = sources[sources["has_video"]].set_index("source_id")["path"]
    seen = utterances[utterances["source_id"].isin(paths.index)]
    videos = {source: corpus.existing(paths[source]) for source in seen["source_id"].unique()}
    rate = parameters.frames_per_s
    folder = work / "features" / key_of(made_by(image_encoder, *_SEEING), rate)
    kept = KeptRows(folder)
    # Of two sources with one content the second has "-2" at its end.
    origin = origins(seen, {source: source.partition("-")[0] for source in videos})
    faces = None
    if parameters.pictures == "faces":
        faces = faces_of(seen, face_tracks, speaking_faces)
        origin |= {name: f"{origin[name]} {key_of_faces(own)}" for name, own in faces.items()}

    def wanted(shard: Sequence[Any]) -> list[Seen]:
        new = [u for u in shard if origin[u.utterance_id] not in kept]
        return [
            Seen(
                u.utterance_id,
                videos[u.source_id],
                u.start_s,
                u.end_s,
                None if faces is None else faces[u.utterance_id],
            )
            for u in new
        ]

    def read(piece: Piece) -> tuple[Piece, list[Any]]:
        return piece, read_piece(piece, encode=image_encoder.open())

    def write(shard: Sequence[Any], found: Iterator[tuple[Piece, list[Any]]], file: Path) -> None:
        starts_s = {u.utterance_id: u.start_s for u in shard}
        rows = encode_pieces(found, starts_s, encode=image_encoder.open())
        _write(file, shard, rows, kept, origin)

    files = map_read_shards(
        write,
        shards_of(seen, engine.shard_utterances),
        parts=lambda shard: pieces(wanted(shard), frames_per_s=rate),
        read=read,
        key=lambda shard: key_of([(u.utterance_id, origin[u.utterance_id]) for u in shard]),
        folder=folder,
        suffix=".safetensors",
        title="encoding pictures",
        workers=engine.threads,
    )
    name = pictures_by(image_encoder, rate, parameters.pictures)
    return ShardSet(files, encoder=name, width=width_of(files) or image_encoder.open().width)


def encode_sounds(
    utterances: pd.DataFrame,
    sources: pd.DataFrame,
    sounds: dict[str, Path],
    audio_encoder: Opener,
    work: Path,
    engine: EngineParameters,
) -> ShardSet:
    """Sound features of every utterance that has sound, 50 vectors per second.

    Returns:
        Shards: per utterance float16 [t, d] and the times of the vectors.
    """
    from msc_kedro.listening.features import Heard, encode_sounds, read_sounds

    heard = utterances.dropna(subset="source_id")
    folder = work / "features" / key_of(made_by(audio_encoder, *_HEARING))
    kept = KeptRows(folder)
    origin = origins(heard, dict(sources[["source_id", "sound_id"]].itertuples(index=False)))

    def wanted(shard: Sequence[Any]) -> list[Heard]:
        new = [u for u in shard if origin[u.utterance_id] not in kept]
        return [Heard(u.utterance_id, sounds[u.source_id], u.start_s, u.end_s) for u in new]

    def portions(shard: Sequence[Any]) -> list[list[Heard]]:
        new = wanted(shard)
        return [new[at : at + _READ_TOGETHER] for at in range(0, len(new), _READ_TOGETHER)]

    def write(shard: Sequence[Any], found: Iterator[list[Any]], file: Path) -> None:
        new = wanted(shard)
        rows = encode_sounds(new, found, encode=audio_encoder.open()) if new else {}
        _write(file, shard, rows, kept, origin)

    files = map_read_shards(
        write,
        shards_of(heard, engine.shard_utterances),
        parts=portions,
        read=read_sounds,
        key=lambda shard: key_of([(u.utterance_id, origin[u.utterance_id]) for u in shard]),
        folder=folder,
        suffix=".safetensors",
        title="encoding sound",
        workers=engine.threads,
    )
    width = width_of(files) or audio_encoder.open().width
    return ShardSet(files, encoder=audio_encoder.name, width=width)


def _write(
    file: Path,
    shard: Sequence[Any],
    new: dict[str, Ragged],
    kept: KeptRows,
    origin: dict[str, str],
) -> None:
    """A shard of rows just made and rows that an earlier one has, in the order of the shard."""
    rows: dict[str, Ragged] = {}
    for utterance in shard:
        name = utterance.utterance_id
        if name in new:
            rows[name] = new[name]
        elif origin[name] in kept:
            rows[name] = kept[origin[name]]
    write_shard(file, rows, origins=origin)
