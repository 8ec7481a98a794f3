"""Parameters of speaker_assign."""

from __future__ import annotations

from pydantic import Field

from msc_kedro.pipelines.parameters import Parameters


class SpeakerAssignParameters(Parameters):
    """When two utterances are of one voice."""

    same_speaker_distance: float = Field(gt=0, lt=2)
    margin_s: float = Field(ge=0)
