"""The faces that speak in utterances, from the tables of speaker_assign."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pandas as pd

from msc_kedro.errors import MscKedroError
from msc_kedro.execution.files import key_of

if TYPE_CHECKING:
    from msc_kedro.seeing.crops import FaceSpan


def faces_of(
    utterances: pd.DataFrame,
    face_tracks: pd.DataFrame | None,
    speaking_faces: pd.DataFrame | None,
) -> dict[str, tuple[FaceSpan, ...]]:
    """By utterance id the faces that speak in it, in order of time; none where none is known.

    Raises:
        MscKedroError: nobody has looked for faces.
    """
    from msc_kedro.seeing.crops import FaceSpan

    if face_tracks is None or speaking_faces is None or speaking_faces.empty:
        raise MscKedroError(
            "featurize.pictures is faces, but no faces were looked for. Switch `faces` on in "
            "parameters_speaker_assign.yml and run the pipeline speaker_assign, or set "
            "featurize.pictures to frames."
        )
    columns = ["x", "y", "w", "h"]
    tracks = {
        key: (own["time_s"].to_numpy(), own[columns].to_numpy())
        for key, own in face_tracks.sort_values("time_s").groupby(["source_id", "track"])
    }
    found: dict[str, list[FaceSpan]] = {name: [] for name in utterances["utterance_id"]}
    known = speaking_faces.dropna(subset=["track", "source_id", "start_s", "end_s"])
    for row in known.sort_values("start_s").itertuples():
        own = tracks.get((row.source_id, row.track))
        if own is not None and row.utterance_id in found:
            found[row.utterance_id].append(FaceSpan(row.start_s, row.end_s, *own))
    return {name: tuple(spans) for name, spans in found.items()}


def key_of_faces(spans: Sequence[FaceSpan]) -> str:
    """Names the places of faces by content."""
    told = [[s.start_s, s.end_s, s.times_s.tolist(), s.boxes.tolist()] for s in spans]
    return key_of("faces", told)
