"""Parameters of evaluate."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from msc_kedro.dialogue.prompt import Modality
from msc_kedro.pipelines.parameters import Parameters


class EvaluateParameters(Parameters):
    """How replies are written, and how sure the scores are."""

    method: Literal["greedy", "sample"]
    top_p: float = Field(gt=0, le=1)
    top_k: int = Field(ge=1)
    temperature: float = Field(gt=0)
    max_new_tokens: int = Field(ge=1)
    batch_size: int = Field(ge=1)
    history_tokens: int = Field(ge=32)
    modalities: tuple[Modality, ...] | None = Field(min_length=1)
    device: Literal["auto", "cpu", "cuda"]
    draws: int = Field(ge=100)
    seed: int
