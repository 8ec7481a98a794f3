"""Parameters of speaker_assign."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from msc_kedro.pipelines.parameters import Parameters


class SpeakerAssignParameters(Parameters):
    """When two utterances are of one voice."""

    as_published: bool
    margin_s: float = Field(ge=0)
    link: Literal["nobody", "in_source", "in_corpus"]
    link_nearer_by: float = Field(ge=0)
