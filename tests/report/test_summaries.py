"""Counts worked out by hand on tables of a few rows."""

from __future__ import annotations

import math

import pandas as pd
import pytest

from msc_kedro.report import summaries


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


def test_all_items_of_a_reason_are_there_and_any_column_groups() -> None:
    defects = pd.DataFrame(
        {"item_id": [f"u{n}" for n in range(9)], "action": "kept", "reason": "its text is empty"}
    )
    (row,) = summaries.grouped_rejects(defects, by="action").to_dict("records")
    assert row == {
        "action": "kept",
        "reason": "its text is empty",
        "count": 9,
        "items": tuple(defects["item_id"]),
    }


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
