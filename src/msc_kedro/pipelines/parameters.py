"""Parameter blocks that several pipelines share, and what all blocks have in common."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from msc_kedro.corpora.kinds import Kind
from msc_kedro.corpora.splits import LeakKind


class Parameters(BaseModel):
    """A block of parameters: frozen, and a name that is not known is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class CorpusParameters(Parameters):
    """Which videos. See conf/base/parameters.yml."""

    kind: Kind
    folder: str
    name: str | None = None
    max_rejected_share: float = Field(ge=0, le=1)


class SplitParameters(Parameters):
    """How dialogues are held out."""

    published: bool
    train: float = Field(gt=0)
    valid: float = Field(ge=0)
    test: float = Field(ge=0)
    min_valid: int = Field(ge=0)
    min_test: int = Field(ge=0)
    seed: int
    allow: tuple[LeakKind, ...]


class EngineParameters(Parameters):
    """How the machine is used; changes no result but its last digits."""

    threads: int = Field(ge=1)
    shard_utterances: int = Field(ge=1)


class SameVoiceParameters(Parameters):
    """The limit of `listening.speakers.SameSpeaker`, fitted on known pairs."""

    distance: float = Field(gt=0, lt=2)
    less_per_doubling: float = Field(ge=0)
    steepness: float = Field(gt=0)
