"""Counts worked out by hand on tables of a few rows, and those of MELD as published."""

from __future__ import annotations

import math
import os
from pathlib import Path

import pandas as pd
import pytest

from msc_kedro.corpora.meld import read_meld
from msc_kedro.metrics import corpus

DIALOGUES = pd.DataFrame(
    {"dialogue_id": ["d1", "d2", "d3", "d4"], "split": ["train", "test", "train", "test"]}
)
UTTERANCES = pd.DataFrame(  # rows in no order, as joins leave them
    [
        ("u3", "d1", "s1", 2, 7.0, 9.0, "Two, two!"),
        ("u1", "d1", "s1", 0, 0.0, 2.0, "One two – three"),
        ("u2", "d1", "s1", 1, 3.0, 7.0, "“Two,” it’s"),
        ("u4", "d2", "s2", 0, 1.0, 2.0, "hello"),
        ("u5", "d2", "s2", 1, 2.0, 5.0, "HELLO it's"),
        ("u6", "d3", "s2", 0, 6.0, 7.0, "!!"),
        ("u7", "d4", None, 0, None, None, "without sound"),
        ("u8", "d4", None, 1, None, None, "without either"),
        ("u9", "of no dialogue", "s1", 0, 1.0, 2.0, "does not count"),
    ],
    columns=["utterance_id", "dialogue_id", "source_id", "turn", "start_s", "end_s", "text"],
)
SPEAKERS = pd.DataFrame(
    {
        "utterance_id": ["u1", "u2", "u3", "u4", "u5", "u6", "u7", "u8"],
        "speaker": ["A", "B", "B", "A", "?", "?", "A", "B"],
    }
)
SOURCES = pd.DataFrame({"source_id": ["s1", "s2"], "has_video": [True, False]})
VOICE = pd.DataFrame(
    {
        "utterance_id": ["u1", "u2", "u3", "u4"],
        "pitch_mean_hz": [110.0, None, None, None],
        "speaking_rate_phonemes_per_s": [11.0, 12.0, None, None],
    }
)


def test_every_figure() -> None:
    table = corpus.corpus_statistics(DIALOGUES, UTTERANCES, SPEAKERS, sources=SOURCES, voice=VOICE)
    assert list(table.index) == ["train", "test", "all"]
    assert list(table.columns) == list(corpus.DEFINITIONS)
    expected = {
        "dialogues": [2, 2, 4],
        "utterances": [4, 4, 8],
        "speech_h": [9 / 3600, 4 / 3600, 13 / 3600],
        "mean_utterance_s": [9 / 4, 4 / 2, 13 / 6],
        "turns_per_dialogue": [2, 2, 2],
        "speakers_per_dialogue": [2, 1.5, 5 / 3],  # nobody is known in d3
        "words": [7, 7, 14],
        "words_per_utterance": [7 / 4, 7 / 4, 14 / 8],
        "vocabulary": [4, 5, 8],  # one two three it's; hello it's without sound either
        "replies": [2, 2, 4],
        "replies_by_another": [1 / 2, 1, 2 / 3],  # "?" answers in d2
        "with_sound": [1, 1 / 2, 6 / 8],
        "with_video": [3 / 4, 0, 3 / 8],
        "with_voice": [2 / 4, 0, 2 / 8],
    }
    for name, figures in expected.items():
        assert table[name].tolist() == pytest.approx(figures), name


def test_what_is_missing_is_not_counted() -> None:
    table = corpus.corpus_statistics(DIALOGUES)
    assert table.loc["all", "dialogues"] == 4
    assert table.drop(columns="dialogues").isna().all(axis=None)
    table = corpus.corpus_statistics(DIALOGUES, UTTERANCES)
    lacking = {"speakers_per_dialogue", "replies_by_another", "with_video", "with_voice"}
    assert set(table.columns[table.loc["all"].isna()]) == lacking


def test_words_alone_have_no_length() -> None:
    """Not 0 hours: nobody measured."""
    silent = UTTERANCES.assign(source_id=None, start_s=math.nan, end_s=math.nan)
    row = corpus.corpus_statistics(DIALOGUES, silent, SPEAKERS, sources=SOURCES).loc["all"]
    assert math.isnan(row["speech_h"]) and math.isnan(row["mean_utterance_s"])
    assert row["with_sound"] == 0 and row["utterances"] == 8


def test_no_dialogue_at_all() -> None:
    table = corpus.corpus_statistics(DIALOGUES[:0], UTTERANCES[:0], SPEAKERS[:0])
    assert list(table.index) == ["all"]
    assert table.loc["all", ["dialogues", "utterances", "replies", "words"]].tolist() == [0] * 4


def test_how_many_dialogues_have_how_many_speakers() -> None:
    counts = corpus.speaker_distribution(UTTERANCES, SPEAKERS)
    assert counts.to_dict() == {1: 1, 2: 2}
    three = pd.DataFrame({"utterance_id": ["u1", "u2", "u3", "u4"], "speaker": list("ABCA")})
    assert corpus.speaker_distribution(UTTERANCES, three).to_dict() == {1: 1, 2: 0, 3: 1}


@pytest.mark.real
def test_meld_as_published() -> None:
    """Counted from the published tables for the specification, by another program."""
    folder = os.environ.get("MSC_REAL_DATA")
    if not folder:
        pytest.skip("MSC_REAL_DATA is not set: no real MELD tables at hand")
    read = read_meld(Path(folder) / "meld")
    dialogues = pd.DataFrame(
        [(d.name, d.split) for d in read.dialogues], columns=["dialogue_id", "split"]
    )
    turns = pd.DataFrame(
        [
            (turn.name, dialogue.name, place, turn.text, turn.speaker)
            for dialogue in read.dialogues
            for place, turn in enumerate(dialogue.turns)
        ],
        columns=["utterance_id", "dialogue_id", "turn", "text", "speaker"],
    ).assign(source_id=None, start_s=math.nan, end_s=math.nan)
    table = corpus.corpus_statistics(dialogues, turns, turns)
    assert {
        split: tuple(table.loc[split, ["dialogues", "utterances", "replies"]].astype(int))
        for split in ("train", "valid", "test", "all")
    } == {
        "train": (1038, 9989, 8951),
        "valid": (114, 1109, 995),
        "test": (280, 2610, 2330),
        "all": (1432, 13_708, 12_276),
    }
    same = 1 - table["replies_by_another"]
    assert [round(same[split], 3) for split in ("train", "valid", "test")] == [0.224, 0.213, 0.242]


def test_a_source_whose_words_are_hardly_sure() -> None:
    def said(*probabilities: float) -> list[dict[str, float]]:
        return [{"probability": one} for one in probabilities]

    rows = [
        ("doubtful", said(*[0.4] * 6)),
        ("doubtful", said(*[0.6] * 3, *[0.99] * 2)),  # half of the eleven are 0.4
        ("sure", said(*[0.4] * 5, *[0.95] * 6)),
        ("too few words", said(*[0.1] * 9)),
        ("not heard", []),
        (None, []),
    ]
    heard = pd.DataFrame(rows, columns=["source_id", "words"])
    assert corpus.doubtful_sources(heard) == {"doubtful": 0.4}
    assert corpus.doubtful_sources(heard.tail(2)) == {}
