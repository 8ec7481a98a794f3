"""Parameters of the demo."""

from __future__ import annotations

from pydantic import Field

from msc_kedro.pipelines.parameters import Parameters


class DemoParameters(Parameters):
    """What the program makes when there are no videos."""

    seed: int
    dialogues: int | None = Field(default=None, ge=3)
