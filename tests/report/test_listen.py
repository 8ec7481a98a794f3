"""Which utterances there are to listen to."""

from __future__ import annotations

import pandas as pd

from msc_kedro.report.listen import choose_clips

UTTERANCES = pd.DataFrame(
    [
        ("a", "s", 0.0, 1.0),
        ("b", "s", 1.0, 1.2),
        ("c", "s", 2.0, 9.0),
        ("d", "s", 9.0, 12.0),
        ("e", "s", 12.0, 14.0),
        ("f", "s", 14.0, 14.5),
        ("g", "s", 15.0, 20.0),
        ("h", "s", 20.0, 24.0),
        ("unheard", None, None, None),
    ],
    columns=["utterance_id", "source_id", "start_s", "end_s"],
).assign(text="words", overlap_s=0.0)
SPEAKERS = pd.DataFrame(
    {
        "utterance_id": list("abcdefgh"),
        "speaker": "A",
        "confidence": [0.9, 0.1, 0.5, 0.4, 1.0, 0.8, 0.7, 1.0],
    }
)
VOICE = pd.DataFrame(
    {
        "utterance_id": list("abcdefgh"),
        "description": "A woman speaks.",
        "gender": "female",
        "gender_probability": [0.99, 0.5, None, 0.7, 0.6, 0.9, 0.95, 0.98],
    }
)


def ids(found: dict, stage: str) -> list[str]:
    return [clip.utterance_id for clip in found[stage]]


def test_the_extremes_and_the_most_doubtful() -> None:
    found = choose_clips(UTTERANCES, SPEAKERS, VOICE, each=1)
    assert ids(found, "segment") == ["b", "c"]
    assert [clip.why for clip in found["segment"]] == ["shortest", "longest"]
    assert ids(found, "speaker_assign") == ["d", "g"]  # b and c are taken; of 1.0 nobody doubts
    assert found["speaker_assign"][0].why == "speaker least sure, 40\xa0%"
    least, *by_lot = ids(found, "describe")
    assert least == "e" and set(by_lot) < set("afh") and len(by_lot) == 2
    assert found["describe"][0].why == "gender least sure, female 60\xa0%"
    assert (found["describe"][0].speaker, found["describe"][0].length_s) == ("A", 2.0)


def test_most_overlap_where_there_is_any() -> None:
    table = UTTERANCES.assign(overlap_s=[0.0, 0.0, 0.0, 0.6, 1.5, 0.0, 0.0, 0.0, None])
    clips = choose_clips(table, each=1)["segment"]
    assert [(clip.utterance_id, clip.why) for clip in clips[2:]] == [
        ("e", "most overlap, 1.5\xa0s")
    ]
    assert len(choose_clips(UTTERANCES, each=1)["segment"]) == 2


def test_the_order_of_rows_does_not_matter() -> None:
    """Equals are parted by lot."""
    alike = UTTERANCES[:8].assign(start_s=0.0, end_s=1.0)
    shuffled = alike.sample(frac=1, random_state=1)
    assert choose_clips(alike, SPEAKERS, VOICE) == choose_clips(shuffled, SPEAKERS, VOICE)
    assert choose_clips(alike, SPEAKERS, VOICE) != choose_clips(alike, SPEAKERS, VOICE, seed=1)


def test_without_later_tables_and_without_sound() -> None:
    found = choose_clips(UTTERANCES)
    assert set(found) == {"segment"} and found["segment"][0].speaker == "?"
    assert choose_clips(UTTERANCES[8:], SPEAKERS, VOICE) == {
        "segment": (),
        "speaker_assign": (),
        "describe": (),
    }
