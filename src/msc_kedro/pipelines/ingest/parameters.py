"""Parameters of ingest."""

from __future__ import annotations

from pydantic import Field

from msc_kedro.pipelines.parameters import Parameters


class IngestParameters(Parameters):
    """How a video becomes dialogues where no dialogues.csv says so."""

    max_pause_s: float = Field(gt=0)
    max_dialogue_s: float = Field(gt=0)
