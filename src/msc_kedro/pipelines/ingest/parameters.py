"""Parameters of ingest."""

from __future__ import annotations

from pydantic import Field

from msc_kedro.pipelines.parameters import Parameters


class IngestParameters(Parameters):
    """Where scenes begin, and how a video becomes dialogues where no dialogues.csv says so."""

    scene_threshold: float = Field(gt=0)
    min_scene_s: float = Field(gt=0)
    scenes_of_clips: bool
    max_pause_s: float = Field(gt=0)
    max_dialogue_s: float = Field(gt=0)
    min_change_pause_s: float = Field(ge=0)
    people_distance: float | None = Field(gt=0, lt=2)
