"""Parameters of describe."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from msc_kedro.pipelines.parameters import Parameters
from msc_kedro.voice.bins import Version

Said = Literal["gender", "pitch", "monotony", "pace", "reverberation", "noise"]


class DescribeParameters(Parameters):
    """Which levels there are, which are said, and how. See conf/base/parameters_describe.yml."""

    measures: tuple[Said, ...] = Field(min_length=1)
    words: Version
    edges: Literal["published", "fitted"]
    writer: Literal["template", "language_model"]
    tries: int = Field(ge=1)
    temperature: float = Field(gt=0)
    seed: int
    quality: bool
