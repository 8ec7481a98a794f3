"""Counts worked out by hand on tables of a few rows."""

from __future__ import annotations

import math

import pandas as pd
import pytest

from msc_kedro.report import summaries

DIALOGUES = pd.DataFrame(
    {
        "dialogue_id": ["d1", "d2", "d3"],
        "split": ["train", "test", "train"],
        "start_s": [0.0, 10.0, 50.0],
        "end_s": [10.0, 40.0, 60.0],
    }
)
UTTERANCES = pd.DataFrame(
    {
        "utterance_id": ["u3", "u1", "u2"],
        "dialogue_id": ["d2", "d1", "d1"],
        "start_s": [12.0, 0.0, 3.0],
        "end_s": [14.0, 2.0, 7.0],
        "text": ["hello", "one two three", "four five"],
    }
)
SPEAKERS = pd.DataFrame({"utterance_id": ["u1", "u2", "u3"], "speaker": ["A", "B", "A"]})


def test_split_statistics() -> None:
    table = summaries.split_statistics(DIALOGUES, UTTERANCES, SPEAKERS)
    assert list(table.index) == ["train", "test", "all"]
    assert table["dialogues"].tolist() == [2, 1, 3]
    assert table["utterances"].tolist() == [2, 1, 3]  # d3 has none and counts all the same
    assert table["utterance_s"].tolist() == [6.0, 2.0, 8.0]
    assert table["mean_utterance_s"].tolist() == pytest.approx([3.0, 2.0, 8 / 3])
    assert table["words"].tolist() == [5, 1, 6]
    assert table["speakers_per_dialogue"].tolist() == pytest.approx([2.0, 1.0, 1.5])


def test_split_statistics_before_segment() -> None:
    table = summaries.split_statistics(DIALOGUES)
    assert table.loc["all", "dialogues"] == 3
    assert table.loc["all", ["utterances", "words", "speakers_per_dialogue"]].isna().all()


def test_rejects_that_differ_in_numbers_are_one_group() -> None:
    rejects = pd.DataFrame(
        {
            "item_id": ["a", "b", "c"],
            "stage": ["segment", "segment", "ingest"],
            "reason": ["0.05 s is under 0.1 s", "0.07 s is under 0.1 s", "no sound"],
        }
    )
    rows = summaries.grouped_rejects(rejects).to_dict("records")
    assert rows[0]["reason"] == "… s is under 0.1 s"
    assert rows[0]["count"] == 2
    assert rows[0]["items"] == ("a (0.05 s is under 0.1 s)", "b (0.07 s is under 0.1 s)")
    assert (rows[1]["reason"], rows[1]["items"]) == ("no sound", ("c",))


def test_levels_keep_their_order_and_show_gaps() -> None:
    table = pd.DataFrame({"pace": ["fast", "slowly", "fast", None, "odd"]})
    order = ("very slowly", "slowly", "moderate", "fast", "very fast")
    counts = summaries.level_counts(table, "pace", order)
    assert counts.to_dict() == {"slowly": 1, "moderate": 0, "fast": 2, "odd": 1}
    assert list(counts.index) == ["slowly", "moderate", "fast", "odd"]


def test_unmeasured_counts_reasons() -> None:
    voice = pd.DataFrame({"unmeasured": ["", "pitch: no voice; pace: short", "pitch: no voice"]})
    rows = list(summaries.unmeasured(voice).itertuples(index=False, name=None))
    assert rows == [("pitch", "no voice", 2), ("pace", "short", 1)]


def test_agreement() -> None:
    speech = pd.DataFrame(
        {
            "asked_pace": ["low", "low", "low", None],
            "measured_pace": ["low", "mid", "high", "low"],
        }
    )
    found = summaries.agreement(speech, "pace", ("low", "mid", "high"))
    assert found == {"n": 3, "same": pytest.approx(1 / 3), "near": pytest.approx(2 / 3)}


def test_agreement_without_any_pair() -> None:
    speech = pd.DataFrame({"asked_pace": [None, None], "measured_pace": ["low", None]})
    found = summaries.agreement(speech, "pace", ("low",))
    assert found["n"] == 0 and math.isnan(found["same"]) and math.isnan(found["near"])


def test_word_error_rate_weighs_by_words() -> None:
    speech = pd.DataFrame({"utterance_id": ["x", "y"], "word_error_rate": [1.0, 0.0]})
    replies = pd.DataFrame({"utterance_id": ["y", "x"], "text": ["a b c", "a"]})
    assert summaries.word_error_rate(speech, replies) == pytest.approx(0.25)
    assert summaries.word_error_rate(speech, None) == pytest.approx(0.5)
