"""Which utterances lie in one shard, and what features are kept by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import pandas as pd

from msc_kedro.execution.files import code_of
from msc_kedro.execution.ragged import shard_width
from msc_kedro.models.opener import Opener

LONGEST_S = 1800.0  # of what lies in one shard: its rows are held until it is written


def shards_of(
    utterances: pd.DataFrame, size: int, *, longest_s: float = LONGEST_S
) -> list[list[Any]]:
    """Utterances in the order of their dialogues, in shards of at most `size` and `longest_s`.

    A dialogue lies in one shard where it fits into one: what is loaded together lies together. And
    where dialogues are spans of a video, each video is read in order.
    """

    def fits(rows: list[Any]) -> bool:
        return len(rows) <= size and sum(row.end_s - row.start_s for row in rows) <= longest_s

    rows = utterances.sort_values(["dialogue_id", "turn"]).itertuples()
    shards: list[list[Any]] = []
    for _, dialogue in groupby(rows, key=lambda row: row.dialogue_id):
        parts: list[list[Any]] = []
        for turn in dialogue:
            if not parts or not fits([*parts[-1], turn]):
                parts.append([])
            parts[-1].append(turn)
        for part in parts:
            if not shards or not fits(shards[-1] + part):
                shards.append([])
            shards[-1] += part
    return shards


def origins(utterances: pd.DataFrame, contents: Mapping[str, str]) -> dict[str, str]:
    """By utterance id the span of media that it is: the content of its file and microseconds.

    Ids do not say it: those of annotated corpora are names.
    """
    return {
        u.utterance_id: f"{contents[u.source_id]} {round(u.start_s * 1e6)} {round(u.end_s * 1e6)}"
        for u in utterances.itertuples()
    }


def made_by(encoder: Opener, *modules: str) -> list[str]:
    """What else goes into features: the encoder, its options, its code and that of `modules`."""
    own = encoder.opens.rpartition(".")[0].removeprefix("msc_kedro.")
    return [encoder.name, code_of(own, *modules)]


def pictures_by(image_encoder: Opener, frames_per_s: float, pictures: str = "frames") -> str:
    """The name of what makes picture features: what is made with them is kept by what they are."""
    what = "" if pictures == "frames" else f"{pictures} "
    return f"{image_encoder.name}, {what}{frames_per_s}/s"


def width_of(files: Sequence[Path]) -> int:
    """The width of the vectors in some shards; 0 where there are none."""
    return max(map(shard_width, files), default=0)
