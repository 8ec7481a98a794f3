"""Parameters of speaker_assign."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from msc_kedro.pipelines.parameters import Parameters


class FacesParameters(Parameters):
    """Whose face speaks; `seeing.active_speaker.FaceSettings` says what the figures mean."""

    method: Literal["mouth_motion", "light_asd"] | None
    frames_per_s: float = Field(gt=0, le=25)
    min_face_px: float = Field(ge=10)
    max_gap_s: float = Field(ge=0, le=5)
    min_score: float | None


class SpeakerAssignParameters(Parameters):
    """When two utterances are of one voice."""

    as_published: bool
    margin_s: float = Field(ge=0)
    link: Literal["nobody", "in_source", "in_corpus"]
    link_nearer_by: float = Field(ge=0)
