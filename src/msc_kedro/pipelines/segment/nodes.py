"""Nodes of segment."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pandas as pd

from msc_kedro.corpora.splits import shares_for, split_sources
from msc_kedro.errors import MscKedroError
from msc_kedro.execution.files import code_of, key_of
from msc_kedro.execution.shards import map_shards
from msc_kedro.metrics.corpus import SURE_OF_WORDS, doubtful_sources
from msc_kedro.models.opener import Opener
from msc_kedro.pipelines.parameters import (
    EngineParameters,
    SameVoiceParameters,
    SplitParameters,
)
from msc_kedro.pipelines.rejects import Reject, rejects_table
from msc_kedro.pipelines.segment.annotated import annotated_utterances, as_heard
from msc_kedro.pipelines.segment.parameters import SegmentParameters
from msc_kedro.tables import SPLITS, span_id

log = logging.getLogger(__name__)


SHORT_PAUSE_S = 0.8  # ends an utterance where longer ones would leave next to no replies


def transcribe(
    dialogue_spans: pd.DataFrame,
    annotations: pd.DataFrame,
    sources: pd.DataFrame,
    scenes: pd.DataFrame,
    sounds: dict[str, Path],
    asr: Opener,
    diarizer: Opener,
    speaker_encoder: Opener,
    work: Path,
    parameters: SegmentParameters,
    same_voice: SameVoiceParameters,
    engine: EngineParameters,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Cut every dialogue into utterances, with their words.

    Dialogues whose turns the corpus gives are taken as they are given. Nothing is heard of them,
    but for their words and overlaps where `hear_annotated` asks for it.

    Returns:
        The `utterances` table, and the dialogues in which no word was understood.

    Raises:
        MscKedroError: there is no utterance at all.
    """

    from msc_kedro.listening.speakers import SameSpeaker
    from msc_kedro.listening.utterances import OneVoice, find_utterances
    from msc_kedro.media.sound import LISTENING_RATE

    same = SameSpeaker(**same_voice.model_dump())
    cuts = dict(list(scenes.groupby("source_id")))

    def listen(dialogue: Any, file: Path, max_pause_s: float) -> None:
        spans = cuts[dialogue.source_id][["start_s", "end_s"]].itertuples(index=False, name=None)
        utterances = find_utterances(
            sounds[dialogue.source_id],
            (dialogue.start_s, dialogue.end_s),
            scenes=list(spans),
            transcribe=lambda pieces: asr.open().several(pieces, expected=parameters.language),
            diarize=lambda samples: diarizer.open()(samples),
            hear_turns=diarizer.open().turn_taking,
            max_piece_s=parameters.max_piece_s,
            max_pause_s=max_pause_s,
            min_utterance_s=parameters.min_utterance_s,
            one_voice=OneVoice(speaker_encoder.open(), same, LISTENING_RATE)
            if parameters.join_sentences
            else None,
        )
        file.write_text(json.dumps(utterances))

    def key(dialogue: Any, max_pause_s: float) -> str:
        spans = cuts[dialogue.source_id][["start_s", "end_s"]].to_numpy().tolist()
        openers = (asr, diarizer, speaker_encoder)
        made_by = ([one.name for one in openers], code_of("listening", "media"))
        settings = (parameters.model_dump(), max_pause_s, same_voice.model_dump())
        return key_of("utterances", dialogue.dialogue_id, spans, made_by, settings)

    rows = annotated_utterances(annotations, dialogue_spans, sources)
    if parameters.hear_annotated:
        rows = as_heard(
            rows, sounds, asr, diarizer, work, expected=parameters.language, workers=engine.threads
        )
    rejects: list[Reject] = []
    items = list(dialogue_spans.dropna(subset="source_id").itertuples())

    def transcribed(max_pause_s: float) -> list[list[dict[str, Any]]]:
        files = map_shards(
            lambda dialogue, file: listen(dialogue, file, max_pause_s),
            items,
            key=lambda dialogue: key(dialogue, max_pause_s),
            folder=work / "utterances",
            suffix=".json",
            title="transcribing",
            workers=engine.threads,
        )
        return [json.loads(file.read_text()) for file in files]

    found = transcribed(parameters.max_pause_s)
    answered = sum(len(heard) > 1 for heard in found)
    if items and not rows and answered < len(SPLITS) and parameters.max_pause_s > SHORT_PAUSE_S:
        log.warning(
            "Only %d dialogues hold a reply, too few to learn from and to test on: pauses of %s s "
            "end an utterance here, not of %s s.",
            answered,
            SHORT_PAUSE_S,
            parameters.max_pause_s,
        )
        found = transcribed(SHORT_PAUSE_S)
    for dialogue, heard in zip(items, found, strict=True):
        if not heard:
            rejects.append((dialogue.dialogue_id, "segment", "no words were understood"))
        for turn, utterance in enumerate(heard):
            start_s, end_s = utterance["start_s"], utterance["end_s"]
            identity = span_id(dialogue.source_id, start_s, end_s)
            owner = {
                "dialogue_id": dialogue.dialogue_id,
                "name": None,
                "source_id": dialogue.source_id,
            }
            rows.append({"utterance_id": identity, **owner, "turn": turn, **utterance})
    if sources.empty and not rows:
        raise MscKedroError(
            "There is nothing to hear: of the videos that the corpus names not one is there, and "
            "its tables hold no turns. Put videos into its folder, and run ingest again."
        )
    if not rows:
        raise MscKedroError(
            "No speech was understood anywhere in the corpus. Is there English speech in the "
            "videos? The embedded speech recognition knows English only; for other languages: "
            "kedro run --env multilingual --params segment.language=es (docs/segment.md)."
        )
    utterances = _marked(pd.DataFrame(rows), parameters.language)
    _warn_of_doubt(utterances, sources)
    return utterances, rejects_table(rejects)


def _warn_of_doubt(utterances: pd.DataFrame, sources: pd.DataFrame) -> None:
    """Say in which videos the words are likely wrong."""
    doubtful = doubtful_sources(utterances)
    if not doubtful:
        return
    paths = sources.set_index("source_id")["path"]
    named = [f"{paths[source]} ({probability:.2f})" for source, probability in doubtful.items()]
    log.warning(
        "In %d of %d videos recognition was hardly sure of what it heard: half of the words have "
        "a probability under %.1f. They are %s%s. Is it another language? Then: kedro run --env "
        "multilingual --params segment.language=es (docs/segment.md). Or it is noise, or far from "
        "the microphone: look at these words before you trust them.",
        len(doubtful),
        utterances["source_id"].nunique(),
        SURE_OF_WORDS,
        ", ".join(named[:3]),
        " and others" if len(named) > 3 else "",
    )


def _marked(utterances: pd.DataFrame, language: str | None) -> pd.DataFrame:
    """With `other_language`; how many there are is said in the log."""
    others = utterances["language"] != language if language else pd.Series(False, utterances.index)
    if others.any():
        counted = utterances.loc[others, "language"].value_counts()
        log.warning(
            "%d of %d utterances are not in '%s', which segment.language asks for (%s). They are "
            "kept; `other_language` marks them.",
            others.sum(),
            len(utterances),
            language,
            ", ".join(f"{name}: {count}" for name, count in counted.items()),
        )
    return utterances.assign(other_language=others.astype(bool))


def hold_out(
    dialogue_spans: pd.DataFrame, utterances: pd.DataFrame, parameters: SplitParameters
) -> pd.DataFrame:
    """Put every dialogue in which something was said into train, valid or test, by its group.

    Only dialogues of two utterances or more count for the shares: the others hold no reply. Where
    fewer than three groups have any, dialogues are held out within a group.

    Returns:
        The `dialogues` table.

    Raises:
        MscKedroError: the published split is asked for, and the corpus has none.
    """
    turns = utterances["dialogue_id"].value_counts()
    dialogues = dialogue_spans[dialogue_spans["dialogue_id"].isin(turns.index)]
    published = dialogues["published_split"]
    dialogues = dialogues.drop(columns="published_split")
    if parameters.published:
        if not published.notna().any():
            raise MscKedroError(
                "splits.published asks for the split that the corpus was published with, but no "
                "dialogue has one. Split it anew: kedro run --params splits.published=false"
            )
        if unsaid := int(published.isna().sum()):
            log.warning("%d dialogues are in no published split; they go to train.", unsaid)
        return dialogues.assign(split=published.fillna("train"))
    answered = dialogues[dialogues["dialogue_id"].map(turns) > 1]
    by = "group"
    if answered[by].nunique() < len(SPLITS):
        by = "dialogue_id"
        log.warning(
            "Fewer than %d videos have a dialogue of two utterances or more: dialogues are held "
            "out within a video, so the scores say less than with more videos.",
            len(SPLITS),
        )
    shares = shares_for(
        len(answered),
        shares=(parameters.train, parameters.valid, parameters.test),
        least=(parameters.min_valid, parameters.min_test),
    )
    assigned = split_sources(
        answered[by].value_counts().to_dict(), shares=shares, seed=parameters.seed
    )
    return dialogues.assign(split=dialogues[by].map(assigned).fillna("train"))
