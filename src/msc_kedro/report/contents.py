"""What goes into the report: plain records and the tables of a run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import pandas as pd

Stage = Literal["ingest", "segment", "speaker_assign", "describe", "featurize"]


@dataclass(frozen=True)
class Audio:
    """An encoded sound, ready for a data URI: `data` in the container that `mime` names."""

    data: bytes
    mime: str


@dataclass(frozen=True)
class Turn:
    """One utterance of a history. `description` may be empty: the voice was not measured."""

    speaker: str
    text: str
    description: str = ""


@dataclass(frozen=True)
class Example:
    """A reply of the agent beside what was really said, after the same history.

    Attributes:
        utterance_id: the turn that is answered for; the id of the reference.
        speaker: who is to speak.
        history: the turns before, oldest first.
        heard_text: the spoken reply as speech recognition hears it, if it was spoken.
        word_error_rate: of `heard_text` against `reply_text`, 0 is perfect.
        stills: JPEG bytes of what was seen, in order of time.
    """

    utterance_id: str
    dialogue_id: str
    speaker: str
    history: tuple[Turn, ...]
    reply_text: str
    reply_description: str
    reference_text: str
    reference_description: str
    reply_audio: Audio | None = None
    reference_audio: Audio | None = None
    heard_text: str | None = None
    word_error_rate: float | None = None
    stills: tuple[bytes, ...] = ()


@dataclass(frozen=True)
class Clip:
    """An utterance to listen to.

    Attributes:
        why: what it was taken for.
        length_s: of the whole utterance; `audio` may hold its beginning only.
    """

    utterance_id: str
    why: str
    speaker: str
    text: str
    description: str
    length_s: float
    audio: Audio | None = None


@dataclass(frozen=True)
class Features:
    """What an encoder gave: `frames` vectors of `width` numbers, by utterance."""

    of: str
    encoder: str
    width: int
    frames: Mapping[str, int]


@dataclass(frozen=True)
class Metric:
    """One score. `value` is None where it could not be computed; `definition` then says why.

    Attributes:
        low, high: ends of the 95 % confidence interval, None where there is none.
        definition: what is counted, in a sentence.
        source: the publication or program that defines it.
        n: how many items it was computed on.
    """

    name: str
    value: float | None
    low: float | None = None
    high: float | None = None
    definition: str = ""
    source: str = ""
    n: int | None = None


@dataclass(frozen=True)
class StageTime:
    """Wall time of one pipeline, seconds."""

    pipeline: str
    seconds: float


@dataclass(frozen=True)
class ModelUse:
    """A pretrained model that took part: what for, which, from where, under what licence."""

    slot: str
    model: str
    source: str
    licence: str


@dataclass(frozen=True)
class ReportContents:
    """All that the page shows. A table is None when its pipeline has not run.

    Attributes:
        recipe: the Kedro environment, "base" for the embedded default.
        version: session id or version of the data shown.
        rejects: of all stages together.
        defects: of an annotated corpus, and what was done about them.
        clips: what a stage gives to listen to.
        losses: columns step, epoch, train_loss, valid_loss; NaN where not evaluated.
        training: figures of the training run. The page knows step0_valid_loss,
            best_valid_loss, best_step, frozen_valid_loss, trainable_parameters,
            total_parameters, steps, epochs, seconds; others are shown under their own name.
        warnings: sentences for the reader: what fell back, what was left out.
    """

    corpus: str
    recipe: str
    version: str
    sources: pd.DataFrame | None = None
    dialogues: pd.DataFrame | None = None
    utterances: pd.DataFrame | None = None
    speakers: pd.DataFrame | None = None
    speaking_faces: pd.DataFrame | None = None
    voice: pd.DataFrame | None = None
    replies: pd.DataFrame | None = None
    speech: pd.DataFrame | None = None
    rejects: pd.DataFrame | None = None
    defects: pd.DataFrame | None = None
    features: tuple[Features, ...] = ()
    clips: Mapping[Stage, tuple[Clip, ...]] = field(default_factory=dict)
    losses: pd.DataFrame | None = None
    training: Mapping[str, float | str | bool | None] = field(default_factory=dict)
    metrics: tuple[Metric, ...] = ()
    timings: tuple[StageTime, ...] = ()
    models: tuple[ModelUse, ...] = ()
    warnings: tuple[str, ...] = ()
    examples: tuple[Example, ...] = ()
