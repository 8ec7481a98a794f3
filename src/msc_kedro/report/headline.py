"""The figures at the head of the page."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from msc_kedro.metrics import corpus
from msc_kedro.report import summaries, wording
from msc_kedro.report.sections import real

if TYPE_CHECKING:
    import pandas as pd

    from msc_kedro.report.contents import ReportContents


@dataclass(frozen=True)
class Figure:
    """A number with what it counts and, smaller, a remark."""

    value: str
    label: str
    note: str = ""


def headline(contents: ReportContents) -> tuple[Figure, ...]:
    """Eight figures; a dash where a pipeline has not run."""
    return (
        _videos(contents.sources),
        _dialogues(contents.dialogues, contents.utterances),
        *_utterances(contents.utterances, contents.speakers),
        _rejected(contents.rejects, contents.defects),
        _loss(contents),
        _word_error_rate(contents.speech, contents.replies),
    )


def _videos(sources: pd.DataFrame | None) -> Figure:
    if sources is None:
        return Figure(wording.NONE, "videos")
    note = wording.duration(float(sources["duration_s"].sum())) if len(sources) else ""
    return Figure(wording.count(len(sources)), "videos", note)


def _dialogues(dialogues: pd.DataFrame | None, utterances: pd.DataFrame | None) -> Figure:
    """Dialogues, with their mean length; in utterances where they are no spans of a video."""
    if dialogues is None or dialogues.empty:
        return Figure(wording.NONE if dialogues is None else "0", "dialogues")
    mean_s, note = float((dialogues["end_s"] - dialogues["start_s"]).mean()), ""
    if not math.isnan(mean_s):
        note = f"{wording.duration(mean_s)} on average"
    elif utterances is not None:
        note = f"{wording.tenth(len(utterances) / len(dialogues))} utterances on average"
    return Figure(wording.count(len(dialogues)), "dialogues", note)


def _utterances(
    utterances: pd.DataFrame | None, speakers: pd.DataFrame | None
) -> tuple[Figure, Figure, Figure]:
    """Utterances, speakers and words. Speakers count anew in every dialogue, as their labels."""
    if utterances is None or utterances.empty:
        value = wording.NONE if utterances is None else "0"
        return (Figure(value, "utterances"), Figure(value, "speakers"), Figure(value, "words"))
    lengths = (utterances["end_s"] - utterances["start_s"]).dropna()
    speech = f"{wording.duration(lengths.sum())} of speech" if len(lengths) else "without sound"
    words = corpus.words(utterances["text"])
    people = Figure(wording.NONE, "speakers")
    if speakers is not None:
        heard = corpus.speakers_per_dialogue(utterances, speakers)
        note = f"{wording.tenth(heard.mean())} per dialogue"
        people = Figure(wording.count(heard.sum()), "speakers", note)
    return (
        Figure(wording.count(len(utterances)), "utterances", speech),
        people,
        Figure(wording.count(words.sum()), "words", f"{wording.tenth(words.mean())} per utterance"),
    )


def _rejected(rejects: pd.DataFrame | None, defects: pd.DataFrame | None) -> Figure:
    """What is not used: files, clips, dialogues, and rows of an annotated corpus."""
    if rejects is None and defects is None:
        return Figure(wording.NONE, "left out")
    skipped = 0 if defects is None else int((defects["action"] == "skipped").sum())
    number = skipped + (0 if rejects is None else len(rejects))
    return Figure(wording.count(number), "left out", "files, clips and rows, all stages")


def _loss(contents: ReportContents) -> Figure:
    best = real(contents.training.get("best_valid_loss"))
    if best is None:
        return Figure(wording.NONE, "best validation loss")
    step = real(contents.training.get("best_step"))
    note = "nats per token" + ("" if step is None else f", step {wording.count(step)}")
    return Figure(wording.number(best), "best validation loss", note)


def _word_error_rate(speech: pd.DataFrame | None, replies: pd.DataFrame | None) -> Figure:
    if speech is None or speech.empty:
        return Figure(wording.NONE, "word error rate")
    rate = wording.percent(summaries.word_error_rate(speech, replies))
    note = f"of {wording.amount(len(speech), 'spoken reply', 'spoken replies')}"
    return Figure(rate, "word error rate", note)
