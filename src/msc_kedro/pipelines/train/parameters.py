"""Parameters of train."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from msc_kedro.pipelines.parameters import Parameters

Modality = Literal["text", "audio", "video"]


class LoraParameters(Parameters):
    """Low-rank adaptation of the language model."""

    rank: int = Field(ge=1)
    alpha: float = Field(gt=0)
    dropout: float = Field(ge=0, lt=1)
    targets: tuple[str, ...]


class QFormerParameters(Parameters):
    """Shape of the Q-Formers, one for video and one for audio."""

    layers: int = Field(ge=1)
    width: int = Field(ge=8)
    heads: int = Field(ge=1)
    queries: int = Field(ge=1)
    dropout: float = Field(ge=0, lt=1)


class TrainParameters(Parameters):
    """The agent's shape and its training. See conf/base/parameters_train.yml."""

    modalities: tuple[Modality, ...] = Field(min_length=1)
    target: Literal["text_description", "text"]
    dtype: Literal["auto", "bfloat16", "float32"]
    lora: LoraParameters | None
    qformer: QFormerParameters
    packing: Literal["dialogue", "reply"]
    token_budget: int = Field(ge=64)
    history_tokens: int = Field(ge=32)
    epochs: int = Field(ge=1)
    max_steps: int | None = Field(ge=1)
    packs_per_step: int = Field(ge=1)
    learning_rate: float = Field(gt=0)
    warmup_steps: int = Field(ge=0)
    weight_decay: float = Field(ge=0)
    clip_norm: float = Field(gt=0)
    eval_every_steps: int = Field(ge=1)
    patience: int | None = Field(ge=1)
    checkpoint_every_steps: int = Field(ge=1)
    seed: int
