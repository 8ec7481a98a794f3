"""Parameters of segment."""

from __future__ import annotations

from pydantic import Field

from msc_kedro.pipelines.parameters import Parameters


class SegmentParameters(Parameters):
    """Where utterances begin and end, and in which language they are expected."""

    language: str | None = Field(pattern=r"^[a-z]{2,3}$")
    max_piece_s: float = Field(gt=0)
    max_pause_s: float = Field(gt=0)
    min_utterance_s: float = Field(gt=0)
    join_sentences: bool
    hear_annotated: bool
