"""Parameter blocks that several pipelines share, and what all blocks have in common."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class Parameters(BaseModel):
    """A block of parameters: frozen, and a name that is not known is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class CorpusParameters(Parameters):
    """Which videos. See conf/base/parameters.yml."""

    folder: str
    name: str | None = None
    max_rejected_share: float = Field(ge=0, le=1)


class SplitParameters(Parameters):
    """How dialogues are held out."""

    train: float = Field(gt=0)
    valid: float = Field(ge=0)
    test: float = Field(ge=0)
    seed: int


class EngineParameters(Parameters):
    """How the machine is used; changes no result but its last digits."""

    threads: int = Field(ge=1)
    shard_utterances: int = Field(ge=1)
