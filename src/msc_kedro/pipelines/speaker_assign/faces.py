"""Whose face speaks each utterance, and where it is."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd

from msc_kedro.corpora.folder import Corpus
from msc_kedro.execution.files import code_of, key_of
from msc_kedro.execution.shards import map_shards
from msc_kedro.media.probe import UnreadableMediaError
from msc_kedro.models.opener import Opener
from msc_kedro.pipelines.parameters import EngineParameters
from msc_kedro.pipelines.speaker_assign.parameters import FacesParameters
from msc_kedro.tables import empty

log = logging.getLogger(__name__)

NO_MEDIA = "no media"
NO_PICTURES = "no pictures"

Span = tuple[float, float]

_PARTS = ("active_speaker", "faces", "light_asd", "mouth_motion", "shots", "speaking", "tracks")
_CODE = ("media", *(f"seeing.{part}" for part in _PARTS))


def find_faces(
    utterances: pd.DataFrame,
    dialogues: pd.DataFrame,
    sources: pd.DataFrame,
    scenes: pd.DataFrame,
    corpus: Corpus,
    sounds: dict[str, Path],
    face_detector: Opener,
    active_speaker: Opener,
    work: Path,
    parameters: FacesParameters,
    engine: EngineParameters,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Follow the faces of each video through its shots and say whose speaks.

    Returns:
        The tables `face_tracks` and `speaking_faces`, without rows where `method` is null.
    """
    from msc_kedro.listening.threads import one_thread_each
    from msc_kedro.seeing.active_speaker import find_speaking_faces
    from msc_kedro.seeing.speaking import FaceSettings

    if parameters.method is None:
        return empty("face_tracks"), empty("speaking_faces")
    _warn_of_uncut(utterances, sources, scenes)
    chosen = parameters.model_dump(exclude={"method"})
    method = _method(parameters, active_speaker)
    detector = face_detector.open()
    seen = sources[sources["has_video"] & sources["source_id"].isin(utterances["source_id"])]
    said = {source: _said(own) for source, own in utterances.groupby("source_id")}
    shots = {
        source: _shots(source, said[source], dialogues, scenes) for source in seen["source_id"]
    }

    def look(source: Any, file: Path) -> None:
        try:
            found = asdict(
                find_speaking_faces(
                    corpus.existing(source.path),
                    sounds.get(source.source_id),
                    said[source.source_id],
                    size=(source.width, source.height),
                    shots=shots[source.source_id],
                    detector=detector,
                    method=method,
                    settings=FaceSettings(**chosen),
                )
            )
        except UnreadableMediaError as error:
            log.warning("%s: %s; no faces are looked for in it", source.path, error)
            found = {"boxes": [], "speaking": []}
        file.write_text(json.dumps(found))

    listener = active_speaker.name if parameters.method == "light_asd" else None
    made_by = (parameters.method, listener, face_detector.name, code_of(*_CODE))
    items = list(seen.itertuples())
    with one_thread_each():
        files = map_shards(
            look,
            items,
            key=lambda source: key_of(
                *("faces", source.source_id, said[source.source_id], shots[source.source_id]),
                *(made_by, chosen),
            ),
            folder=work / "faces",
            suffix=".json",
            title="looking for faces",
            workers=engine.threads,
        )
    boxes: list[dict[str, Any]] = []
    speaking: list[dict[str, Any]] = []
    for source, file in zip(items, files, strict=True):
        _read(file, source.source_id, boxes, speaking)
    told = {row["utterance_id"] for row in speaking}
    speaking += [_unseen(row) for row in utterances.itertuples() if row.utterance_id not in told]
    place = {identity: at for at, identity in enumerate(utterances["utterance_id"])}
    speaking.sort(key=lambda row: (place[row["utterance_id"]], row["start_s"] or 0.0))
    tables = pd.DataFrame(boxes), pd.DataFrame(speaking)
    return tables[0] if boxes else empty("face_tracks"), tables[1]


def _method(parameters: FacesParameters, active_speaker: Opener) -> Any:
    from msc_kedro.seeing.mouth_motion import MouthMotion

    return MouthMotion() if parameters.method == "mouth_motion" else active_speaker.open()


def _said(utterances: pd.DataFrame) -> list[tuple[str, float, float]]:
    columns = ["utterance_id", "start_s", "end_s"]
    return list(utterances[columns].itertuples(index=False, name=None))


def _shots(
    source_id: str,
    said: Sequence[tuple[str, float, float]],
    dialogues: pd.DataFrame,
    scenes: pd.DataFrame,
) -> list[Span]:
    """The parts of scenes in which there is a dialogue or an utterance."""
    own = dialogues.loc[dialogues["source_id"] == source_id, ["start_s", "end_s"]]
    spans = [*own.itertuples(index=False, name=None), *((start, end) for _, start, end in said)]
    merged: list[list[float]] = []
    for start_s, end_s in sorted(spans):
        if merged and start_s <= merged[-1][1]:
            merged[-1][1] = max(merged[-1][1], end_s)
        else:
            merged.append([start_s, end_s])
    cut = scenes.loc[scenes["source_id"] == source_id, ["start_s", "end_s"]]
    between = list(cut.itertuples(index=False, name=None)) or [(0.0, merged[-1][1])]
    return [
        (max(start_s, from_s), min(end_s, to_s))
        for start_s, end_s in between
        for from_s, to_s in merged
        if from_s < end_s and to_s > start_s
    ]


def _read(
    file: Path, source_id: str, boxes: list[dict[str, Any]], speaking: list[dict[str, Any]]
) -> None:
    """Add the rows of a source. A track is named by its source, when it begins and its number."""
    found = json.loads(file.read_text())
    names: dict[int, str] = {}
    for box in found["boxes"]:
        name = f"{source_id}-{round(box['time_s'] * 1000):08d}-{box['track']}"
        names.setdefault(box["track"], name)
        boxes.append({"source_id": source_id, **box, "track": names[box["track"]]})
    speaking += [
        {**one, "source_id": source_id, "track": names.get(one["track"])}
        for one in found["speaking"]
    ]


def _unseen(utterance: Any) -> dict[str, Any]:
    """The row of an utterance of which nothing can be seen."""
    known = isinstance(utterance.source_id, str)
    return {
        "utterance_id": utterance.utterance_id,
        "source_id": utterance.source_id if known else None,
        "start_s": utterance.start_s if known else None,
        "end_s": utterance.end_s if known else None,
        **dict.fromkeys(("track", "score", "margin")),
        "faces": 0,
        "reason": NO_PICTURES if known else NO_MEDIA,
    }


def _warn_of_uncut(utterances: pd.DataFrame, sources: pd.DataFrame, scenes: pd.DataFrame) -> None:
    """Faces of two shots are not told apart where nobody looked for cuts."""
    seen = sources[sources["has_video"] & sources["source_id"].isin(utterances["source_id"])]
    if uncut := int((~seen["source_id"].isin(scenes["source_id"])).sum()):
        log.warning(
            "In %d clips no cuts were looked for, so each counts as one shot. For faces of clips "
            "that are cut: kedro run --params ingest.scenes_of_clips=true",
            uncut,
        )
