"""Utterances that an annotated corpus gives: its words, its turns, the places of its clips."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from msc_kedro.execution.files import code_of, key_of
from msc_kedro.execution.shards import map_shards
from msc_kedro.models.opener import Opener
from msc_kedro.tables import distinct, name_id, span_id

LANGUAGE = "en"  # of all corpora that are read


def annotated_utterances(
    annotations: pd.DataFrame, dialogue_spans: pd.DataFrame, sources: pd.DataFrame
) -> list[dict[str, Any]]:
    """Rows of `utterances` of the turns of annotated dialogues, in the order of the corpus.

    A turn whose media are missing, or cannot be used, has no source and no times.
    """
    dialogues = dialogue_spans.dropna(subset="name").set_index("name")["dialogue_id"]
    places = {row.path: (row.source_id, row.duration_s) for row in sources.itertuples()}
    turns = annotations[annotations["dialogue"].isin(dialogues.index)]
    rows: list[dict[str, Any]] = [
        {
            "dialogue_id": dialogues[turn.dialogue],
            "name": turn.name,
            **_place(turn, places),
            "turn": turn.turn,
            "text": turn.text,
            "language": LANGUAGE,
            "words": [],
            "overlap_s": None,
        }
        for turn in turns.itertuples()
    ]
    ids = distinct(
        span_id(row["source_id"], row["start_s"], row["end_s"])
        if row["source_id"] is not None
        else name_id(row["name"])
        for row in rows
    )
    return [{"utterance_id": i, **row} for i, row in zip(ids, rows, strict=True)]


def _place(turn: Any, places: Mapping[str, tuple[str, float]]) -> dict[str, Any]:
    """Source, start and end of a turn; None where there is nothing of it to hear or see."""
    source_id, duration_s = places.get(turn.path, (None, 0.0))
    start_s = 0.0 if pd.isna(turn.start_s) else turn.start_s
    end_s = duration_s if pd.isna(turn.end_s) else min(turn.end_s, duration_s)
    if source_id is None or end_s <= start_s:
        return {"source_id": None, "start_s": None, "end_s": None}
    return {"source_id": source_id, "start_s": start_s, "end_s": end_s}


def as_heard(
    rows: list[dict[str, Any]],
    sounds: Mapping[str, Path],
    asr: Opener,
    diarizer: Opener,
    work: Path,
    *,
    expected: str | None,
    workers: int,
) -> list[dict[str, Any]]:
    """The same rows with the words heard in them, their times, and overlaps; the text stays.

    Kept per dialogue. A turn without sound keeps its empty list, and no overlap is known of it.
    """
    from msc_kedro.listening.turn_taking import shared_s
    from msc_kedro.media.sound import read_span

    def listen(turns: list[dict[str, Any]], file: Path) -> None:
        heard = []
        for turn in turns:
            start_s, end_s = turn["start_s"], turn["end_s"]
            samples, _ = read_span(sounds[turn["source_id"]], start_s, end_s)
            (segments,) = asr.open().several([samples], expected=expected)
            words = [
                {
                    "word": word.text,
                    "start_s": round(start_s + word.start_s, 3),
                    "end_s": round(start_s + word.end_s, 3),
                    "probability": round(word.probability, 4),
                }
                for segment in segments
                for word in segment.words
            ]
            overlaps = diarizer.open().turn_taking(samples).overlaps
            overlap_s = round(shared_s((0.0, end_s - start_s), overlaps), 3)
            heard.append({"words": words, "overlap_s": overlap_s})
        file.write_text(json.dumps(heard))

    dialogues: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        if row["source_id"] is not None:
            dialogues.setdefault(row["dialogue_id"], []).append(row)
    made_by = (asr.name, diarizer.name, expected, code_of("listening", "media"))
    files = map_shards(
        listen,
        list(dialogues.values()),
        key=lambda turns: key_of(
            "as heard",
            [(turn["source_id"], turn["start_s"], turn["end_s"]) for turn in turns],
            made_by,
        ),
        folder=work / "heard_words",
        suffix=".json",
        title="hearing words",
        workers=workers,
    )
    found = {
        turn["utterance_id"]: heard
        for turns, file in zip(dialogues.values(), files, strict=True)
        for turn, heard in zip(turns, json.loads(file.read_text()), strict=True)
    }
    return [{**row, **found.get(row["utterance_id"], {})} for row in rows]
