"""Parameters of train."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from msc_kedro.dialogue.arrangement import Fault
from msc_kedro.dialogue.prompt import Modality
from msc_kedro.pipelines.parameters import Parameters


class LoraParameters(Parameters):
    """Low-rank adaptation of the language model."""

    rank: int = Field(ge=1)
    alpha: float = Field(gt=0)
    dropout: float = Field(ge=0, lt=1)
    targets: tuple[str, ...]


class QFormerParameters(Parameters):
    """Shape of the Q-Formers, one for video and one for audio, and where they start."""

    init: Literal["blip2"] | None
    layers: int = Field(ge=1)
    width: int = Field(ge=8)
    heads: int = Field(ge=1)
    queries: int = Field(ge=1)
    key_value_width: int = Field(ge=8)
    normalise_input: bool
    dropout: float = Field(ge=0, lt=1)


class FeatureBudgetParameters(Parameters):
    """How many feature vectors are read, the last ones."""

    video_frames: int = Field(ge=1)
    audio_vectors: int = Field(ge=1)
    over: Literal["auto", "utterance", "history"]


class TrainParameters(Parameters):
    """The agent's shape and its training. See conf/base/parameters_train.yml."""

    modalities: tuple[Modality, ...] = Field(min_length=1)
    target: Literal["text_description", "text"]
    dtype: Literal["auto", "bfloat16", "float32"]
    quantize: Literal["nf4"] | None
    lora: LoraParameters | None
    qformer: QFormerParameters
    packing: Literal["dialogue", "window", "reply"]
    feature_budget: FeatureBudgetParameters
    token_budget: int = Field(ge=64)
    history_tokens: int = Field(ge=32)
    modality_dropout: float = Field(ge=0, lt=1)
    compat: tuple[Fault, ...]
    epochs: int = Field(ge=1)
    max_steps: int | None = Field(ge=1)
    packs_per_step: int = Field(ge=1)
    optimizer: Literal["adamw", "adam_published"]
    learning_rate: float = Field(gt=0)
    warmup_steps: int = Field(ge=0)
    weight_decay: float = Field(ge=0)
    clip_norm: float | None = Field(gt=0)
    eval_every_steps: int | None = Field(ge=1)
    patience: int | None = Field(ge=1)
    checkpoint_every_steps: int = Field(ge=1)
    device: Literal["auto", "cpu", "cuda"]
    processes: Annotated[int, Field(ge=1)] | Literal["auto"]
    shard_base: bool
    activation_checkpointing: bool
    compile: bool
    tracking: Literal["mlflow", "dvclive"] | None
    seed: int
