"""segment's `transcribe`, told what is heard: what it makes of it, and what it says."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

from msc_kedro.listening import utterances as listening
from msc_kedro.pipelines.parameters import EngineParameters, SameVoiceParameters
from msc_kedro.pipelines.segment.nodes import SHORT_PAUSE_S, transcribe
from msc_kedro.pipelines.segment.parameters import SegmentParameters
from msc_kedro.tables import empty

LONG_PAUSE_S = 1.5


def transcribed(dialogues: int, heard: Any, work: Path, monkeypatch: Any) -> pd.DataFrame:
    """The utterances of so many dialogues, in each of which `heard(max_pause_s)` is heard."""
    monkeypatch.setattr(
        listening,
        "find_utterances",
        lambda _sound, _span, *, max_pause_s, **_: heard(max_pause_s),
    )
    names = [f"{n:012x}" for n in range(dialogues)]
    spans = pd.DataFrame({"dialogue_id": names, "source_id": names, "start_s": 0.0, "end_s": 9.0})
    spans["name"] = None
    model: Any = SimpleNamespace(name="model", open=lambda: SimpleNamespace(turn_taking=None))
    found, _ = transcribe(
        spans,
        empty("annotations"),
        pd.DataFrame({"source_id": names, "path": names, "duration_s": 9.0}),
        spans[["source_id", "start_s", "end_s"]],
        dict.fromkeys(names, work),
        model,
        model,
        model,
        work / "work",
        SegmentParameters(
            language="en",
            max_piece_s=25.0,
            max_pause_s=LONG_PAUSE_S,
            min_utterance_s=0.3,
            join_sentences=True,
            hear_annotated=False,
        ),
        SameVoiceParameters(distance=0.7, less_per_doubling=0.1, steepness=17.0),
        EngineParameters(threads=1, shard_utterances=256),
    )
    return found


def said(count: int, *, language: str = "en", probability: float = 1.0) -> list[dict[str, Any]]:
    """So many utterances of five words."""
    word = {"word": "hello", "start_s": 0.0, "end_s": 0.1, "probability": probability}
    told = {"text": "hello", "language": language, "words": [word] * 5}
    return [{"start_s": float(n), "end_s": n + 0.5, **told} for n in range(count)]


@pytest.mark.parametrize(("dialogues", "asked"), [(3, LONG_PAUSE_S), (2, SHORT_PAUSE_S)])
def test_shorter_pauses_end_an_utterance(
    dialogues: int, asked: float, tmp_path: Path, monkeypatch: Any, caplog: Any
) -> None:
    """Of `dialogues` dialogues each has two utterances at the long pause, three at the short."""
    found = transcribed(
        dialogues, lambda pause: said(2 if pause == LONG_PAUSE_S else 3), tmp_path, monkeypatch
    )
    each = 2 if asked == LONG_PAUSE_S else 3
    assert set(found["dialogue_id"].value_counts()) == {each}
    assert ("too few to learn from" in caplog.text) == (asked == SHORT_PAUSE_S)


@pytest.mark.parametrize("probability", [0.5, 0.9])
def test_words_that_are_likely_wrong_are_told(
    probability: float, tmp_path: Path, monkeypatch: Any, caplog: Any
) -> None:
    transcribed(4, lambda _: said(2, probability=probability), tmp_path, monkeypatch)
    told = "In 4 of 4 videos recognition was hardly sure" in caplog.text
    assert told == (probability == 0.5)
    assert ("000000000000 (0.50)" in caplog.text and "and others" in caplog.text) == told


def test_other_languages_are_kept_and_marked(tmp_path: Path, monkeypatch: Any, caplog: Any) -> None:
    both = [*said(1), *said(2, language="fr")[1:]]
    found = transcribed(3, lambda _: both, tmp_path, monkeypatch)
    assert found.groupby("language")["other_language"].agg(["all", "size"]).to_dict("index") == {
        "en": {"all": False, "size": 3},
        "fr": {"all": True, "size": 3},
    }
    assert "3 of 6 utterances are not in 'en'" in caplog.text
