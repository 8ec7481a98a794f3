from __future__ import annotations

import pandas as pd
import pytest

from msc_kedro.report.contents import ReportContents, Turn
from msc_kedro.report.gather import choose_examples


@pytest.fixture(scope="module")
def made(contents: ReportContents) -> dict[str, pd.DataFrame]:
    names = ("replies", "utterances", "speakers", "voice")
    return {name: getattr(contents, name) for name in names}


def test_different_dialogues_come_first_then_seconds(made: dict[str, pd.DataFrame]) -> None:
    dialogues = made["replies"]["dialogue_id"].nunique()
    assert dialogues == 4
    chosen = choose_examples(**made, n=9)
    ids = [example.dialogue_id for example in chosen]
    assert len(set(ids[:4])) == len(set(ids[4:8])) == 4
    assert len({example.utterance_id for example in chosen}) == 9


def test_fewer_replies_than_asked_for(made: dict[str, pd.DataFrame]) -> None:
    few = {**made, "replies": made["replies"].head(2)}
    assert len(choose_examples(**few, n=5)) == 2
    assert choose_examples(**{**made, "replies": made["replies"].head(0)}) == ()


def test_the_choice_does_not_depend_on_row_order(made: dict[str, pd.DataFrame]) -> None:
    shuffled = {name: table.sample(frac=1, random_state=7) for name, table in made.items()}
    assert choose_examples(**made) == choose_examples(**shuffled)
    assert choose_examples(**made) != choose_examples(**made, seed=1)


def test_history_is_what_was_said_before(made: dict[str, pd.DataFrame]) -> None:
    utterances = made["utterances"]
    for example in choose_examples(**made, n=30):
        turns = utterances[utterances["dialogue_id"] == example.dialogue_id].sort_values("turn")
        place = list(turns["utterance_id"]).index(example.utterance_id)
        assert [turn.text for turn in example.history] == list(turns["text"])[:place]
        assert all(turn.speaker in "ABC" and turn.description for turn in example.history)


def test_history_is_as_long_as_the_agent_saw(made: dict[str, pd.DataFrame]) -> None:
    short = {**made, "replies": made["replies"].assign(history_turns=1)}
    assert {len(example.history) for example in choose_examples(**short)} == {1}


def test_speakers_and_voice_may_be_missing(made: dict[str, pd.DataFrame]) -> None:
    example = choose_examples(made["replies"], made["utterances"])[0]
    assert {(turn.speaker, turn.description) for turn in example.history} == {("?", "")}
    assert isinstance(example.history[0], Turn)


def test_a_reply_for_an_unknown_utterance_is_refused(made: dict[str, pd.DataFrame]) -> None:
    lost = made["utterances"].iloc[0:0]
    with pytest.raises(ValueError, match="unknown utterances"):
        choose_examples(made["replies"], lost)
