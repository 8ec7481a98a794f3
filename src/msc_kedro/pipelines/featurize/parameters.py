"""Parameters of featurize."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from msc_kedro.pipelines.parameters import Parameters


class FeaturizeParameters(Parameters):
    """What is looked at."""

    frames_per_s: float = Field(gt=0)
    pictures: Literal["frames", "faces"] = "frames"
