"""How good each utterance sounds, where it is asked for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd

from msc_kedro.execution.files import code_of, key_of
from msc_kedro.execution.shards import map_shards
from msc_kedro.models.opener import Opener
from msc_kedro.pipelines.parameters import EngineParameters

Judged = dict[str, tuple[float | None, str]]


def judged(
    utterances: pd.DataFrame,
    sounds: dict[str, Path],
    quality_meter: Opener,
    work: Path,
    engine: EngineParameters,
) -> Judged:
    """Of each utterance the mean opinion, 1 to 5, or None and the reason.

    Kept per dialogue beside the other measures, under keys of its own: asking for it, or for it no
    more, measures nothing else anew.
    """
    heard = utterances.dropna(subset="source_id")
    dialogues = [list(spoken.itertuples()) for _, spoken in heard.groupby("dialogue_id")]
    made_by = quality_meter.name, code_of("listening.quality", "listening.sound", "media")
    files = map_shards(
        lambda spoken, file: _judge(file, spoken, sounds, quality_meter),
        dialogues,
        key=lambda spoken: key_of(
            "quality", [[u.source_id, u.start_s, u.end_s] for u in spoken], made_by
        ),
        folder=work / "quality",
        suffix=".json",
        title="judging the sound",
        workers=engine.threads,
    )
    found: Judged = dict.fromkeys(utterances["utterance_id"], (None, "its sound is missing"))
    for spoken, file in zip(dialogues, files, strict=True):
        for utterance, (opinion, reason) in zip(spoken, json.loads(file.read_text()), strict=True):
            found[utterance.utterance_id] = opinion, reason
    return found


def _judge(file: Path, spoken: list[Any], sounds: dict[str, Path], quality_meter: Opener) -> None:
    """Judge the utterances of a dialogue and write that as JSON."""
    from msc_kedro.media.sound import read_span

    meter = quality_meter.open()
    guesses = [meter(read_span(sounds[u.source_id], u.start_s, u.end_s)[0]) for u in spoken]
    file.write_text(json.dumps([[one.overall, one.reason] for one in guesses]))
