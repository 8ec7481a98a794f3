"""What the sections of the stages say."""

from __future__ import annotations

import math
import re
from dataclasses import replace

import pandas as pd
import pytest

from msc_kedro.metrics.corpus import DEFINITIONS
from msc_kedro.report import grids, stages
from msc_kedro.report.contents import Features, ReportContents
from msc_kedro.report.page import build_page
from msc_kedro.report.sections import Cell, Grid


def section(contents: ReportContents, stage: str) -> stages.Section:
    (found,) = (one for one in stages.sections(contents) if one.stage == stage)
    return found


def rows(grid: Grid) -> dict[str, tuple]:
    return {row[0].text if isinstance(row[0], Cell) else str(row[0]): row for row in grid.rows}


@pytest.fixture(scope="module")
def words_alone(contents: ReportContents) -> ReportContents:
    """An annotated corpus of which no clip is there."""
    assert contents.utterances is not None and contents.dialogues is not None
    nowhere = {"source_id": None, "start_s": math.nan, "end_s": math.nan}
    return replace(
        contents,
        sources=contents.sources[:0],  # type: ignore[index]
        dialogues=contents.dialogues.assign(**nowhere, name=contents.dialogues["dialogue_id"]),
        utterances=contents.utterances.assign(**nowhere, name=contents.utterances["utterance_id"]),
        clips={},
        examples=(),
    )


def test_table_1_has_every_figure_and_its_definition(contents: ReportContents) -> None:
    grid = stages.dataset(contents)
    assert grid is not None and grid.columns == ("", "train", "valid", "test", "all")
    assert set(stages.TABLE_1) == set(DEFINITIONS) and len(grid.rows) == len(DEFINITIONS)
    found = rows(grid)
    assert found["dialogues"][1:] == ("8", "4", "4", "16")
    assert found["utterances with sound"][1:] == ("100.0\xa0%",) * 4


def test_words_alone_are_not_0_seconds_of_speech(words_alone: ReportContents) -> None:
    html = build_page(words_alone)
    assert not re.search(r"(?<![\d.])0(\.0)?\xa0(s|min)\b", html)
    assert "no utterance can be heard" in html and "without sound" in html
    assert "utterances on average" in html
    grid = stages.dataset(words_alone)
    assert grid is not None
    assert rows(grid)["duration"][1:] == ("–",) * 4
    assert rows(grid)["utterances with sound"][4] == "0.0\xa0%"
    said = " ".join(section(words_alone, "speaker_assign").sentences)
    assert "the corpus itself says who speaks" in said


def test_all_that_was_left_out_can_be_reached(contents: ReportContents) -> None:
    assert contents.rejects is not None
    html = build_page(contents)
    for item in contents.rejects["item_id"]:
        assert item in html
    (grid,) = section(contents, "segment").left_out
    found = rows(grid)["… s is under 0.1 s"]
    assert found[-1] == "14" and len(found[0].items) == 14
    few = rows(grid)["no words were heard"][0]
    assert few.items == () and few.note.count(";") == 2


def test_a_very_long_list_says_how_much_more_there_is(contents: ReportContents) -> None:
    many = pd.DataFrame(
        {"item_id": [f"u{n}" for n in range(700)], "stage": "segment", "reason": "no words"}
    )
    (grid,) = section(replace(contents, rejects=many), "segment").left_out
    items = grid.rows[0][0].items  # type: ignore[union-attr]
    assert len(items) == grids.SHOWN + 1 and items[-1] == "and 200 more"


def test_defects_stand_with_what_was_done(contents: ReportContents) -> None:
    left_out, defects = section(contents, "ingest").left_out
    assert {row[0].text for row in left_out.rows} == {  # type: ignore[union-attr]
        "no sound track", "cannot be decoded: moov atom not found",
    }  # fmt: skip
    assert rows(defects)["utterance ids are missing: …"][1:] == ("kept", "5")


def test_features_are_counted(contents: ReportContents) -> None:
    features = Features("sound", "whisper", 384, {"a": 10, "b": 0, "c": 20})
    (grid,) = section(replace(contents, features=(features,)), "featurize").grids
    assert grid.rows[0][1:] == ("2", "1", "15.0", "384")


def test_doubt_and_silence_are_told(contents: ReportContents) -> None:
    assert contents.speakers is not None
    doubted = contents.speakers.assign(confidence=0.4)
    doubted.loc[:1, ["speaker", "confidence"]] = ["?", 0.0]
    found = section(replace(contents, speakers=doubted), "speaker_assign")
    assert any("In 2\xa0utterances no voice" in sentence for sentence in found.sentences)
    number = len(doubted) - 2
    assert found.plots[0].note.startswith(f"{number} of {number} are under 0.5")


def test_faces_are_counted_where_they_were_looked_for(contents: ReportContents) -> None:
    before = section(contents, "speaker_assign").shares
    faces = pd.DataFrame(
        {"track": ["a", None, "b", None], "reason": [None, "not sure", None, "no face"]}
    )
    *others, found = section(replace(contents, speaking_faces=faces), "speaker_assign").shares
    assert tuple(others) == before and found.caption.startswith("The face that speaks, 4")
    assert {row[0]: row[2] for row in found.rows} == {
        "known": "50\xa0%", "not sure": "25\xa0%", "no face": "25\xa0%",
    }  # fmt: skip
    none = replace(contents, speaking_faces=faces.iloc[:0])
    assert section(none, "speaker_assign").shares == before


def test_other_languages_and_overlap(contents: ReportContents) -> None:
    assert contents.utterances is not None
    table = contents.utterances.assign(overlap_s=0.0)
    table.loc[0, ["language", "other_language"]] = ["fr", True]
    table.loc[1, "overlap_s"] = 0.5
    said = " ".join(section(replace(contents, utterances=table), "segment").sentences)
    assert "In another language than the one asked for: fr (1)." in said
    assert "In 1\xa0utterance somebody else speaks at the same time" in said


def test_quality_is_drawn_where_it_was_measured(contents: ReportContents) -> None:
    assert contents.voice is not None and not section(contents, "describe").plots
    measured = contents.voice.assign(quality_mos=3.1)
    measured.loc[measured.index[0], "quality_mos"] = math.nan
    (drawn,) = section(replace(contents, voice=measured), "describe").plots
    assert "DNSMOS" in drawn.svg and "under 3.10" in drawn.note
