"""Parameters of synthesize."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from msc_kedro.pipelines.parameters import Parameters


class SynthesizeParameters(Parameters):
    """Which voice speaks, and how long a reply may be."""

    gender_if_unsaid: Literal["female", "male"]
    max_words: int = Field(ge=1)
    seed: int
