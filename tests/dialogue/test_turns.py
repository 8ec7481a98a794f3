import pandas as pd
import pytest

from msc_kedro.dialogue.turns import dialogues_from_tables
from msc_kedro.errors import MscKedroError


@pytest.fixture
def tables():
    utterances = pd.DataFrame(
        {
            "utterance_id": ["u2", "u0", "u1", "v0", "w1", "w0"],
            "dialogue_id": ["a", "a", "a", "b", "c", "c"],
            "turn": [2, 0, 1, 0, 1, 0],
            "start_s": [2.0, 0.0, 1.0, 0.0, 1.0, 0.0],
            "text": [" third ", "first", "sec\n ond", "alone", "reply", "ask"],
        }
    )
    speakers = pd.DataFrame(
        {"utterance_id": ["w0", "w1", "v0", "u1", "u0", "u2"], "speaker": list("ABABAC")}
    )
    voice = pd.DataFrame({"utterance_id": ["u1", "u0"], "description": ["low", "high"]})
    dialogues = pd.DataFrame({"dialogue_id": ["c", "b", "a"], "split": ["test", "train", "train"]})
    return {
        "utterances": utterances,
        "speakers": speakers,
        "voice": voice,
        "dialogues": dialogues,
    }


def test_joins_by_id_in_the_order_of_turns(tables):
    found = dialogues_from_tables(**tables)
    assert [d.dialogue_id for d in found] == ["c", "a"]  # b has one turn and so no reply
    assert found[0].split == "test"
    first = found[1]
    assert [t.utterance_id for t in first.turns] == ["u0", "u1", "u2"]
    assert [t.speaker for t in first.turns] == ["A", "B", "C"]
    assert [t.text for t in first.turns] == ["first", "sec ond", "third"]
    assert [t.description for t in first.turns] == ["high", "low", ""]


def test_row_order_does_not_matter(tables):
    turned = {name: table.iloc[::-1] for name, table in tables.items()}
    turned["dialogues"] = tables["dialogues"]
    assert dialogues_from_tables(**turned) == dialogues_from_tables(**tables)


def test_an_utterance_without_speaker_is_refused(tables):
    tables["speakers"] = tables["speakers"].iloc[1:]
    with pytest.raises(MscKedroError, match=r"first: w0.*speaker_assign"):
        dialogues_from_tables(**tables)


def test_a_dialogue_of_other_descent_is_refused(tables):
    tables["dialogues"] = tables["dialogues"].iloc[1:]
    with pytest.raises(MscKedroError, match="different descent"):
        dialogues_from_tables(**tables)
