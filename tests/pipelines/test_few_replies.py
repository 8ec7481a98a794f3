"""segment, where pauses as long as usual would leave next to no replies."""

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


@pytest.mark.parametrize(("dialogues", "asked"), [(3, LONG_PAUSE_S), (2, SHORT_PAUSE_S)])
def test_shorter_pauses_end_an_utterance(
    dialogues: int, asked: float, tmp_path: Path, monkeypatch: Any, caplog: Any
) -> None:
    """Of `dialogues` dialogues each has two utterances at the long pause, three at the short."""

    def find(_sound: Path, _span: Any, *, max_pause_s: float, **_: Any) -> list[dict[str, Any]]:
        count = 2 if max_pause_s == LONG_PAUSE_S else 3
        times = [{"start_s": float(n), "end_s": n + 0.5} for n in range(count)]
        return [{**t, "text": "hello", "language": "en", "words": []} for t in times]

    monkeypatch.setattr(listening, "find_utterances", find)
    names = [f"{n:012x}" for n in range(dialogues)]
    spans = pd.DataFrame({"dialogue_id": names, "source_id": names, "start_s": 0.0, "end_s": 9.0})
    spans["name"] = None
    model: Any = SimpleNamespace(name="model", open=lambda: SimpleNamespace(turn_taking=None))
    found, _ = transcribe(
        spans,
        empty("annotations"),
        pd.DataFrame({"source_id": names, "path": names, "duration_s": 9.0}),
        spans[["source_id", "start_s", "end_s"]],
        dict.fromkeys(names, tmp_path),
        model,
        model,
        model,
        tmp_path / "work",
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
    each = 2 if asked == LONG_PAUSE_S else 3
    assert found["dialogue_id"].value_counts().to_dict() == dict.fromkeys(names, each)
    assert ("too few to learn from" in caplog.text) == (asked == SHORT_PAUSE_S)
