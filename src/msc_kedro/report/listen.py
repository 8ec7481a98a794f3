"""Choose the utterances that a stage gives to listen to: by rule and by lot, never by ear."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from msc_kedro.report import wording
from msc_kedro.report.contents import Clip

if TYPE_CHECKING:
    import pandas as pd

    from msc_kedro.report.contents import Stage

EACH = 2  # utterances of a kind


def choose_clips(
    utterances: pd.DataFrame,
    speakers: pd.DataFrame | None = None,
    voice: pd.DataFrame | None = None,
    *,
    each: int = EACH,
    seed: int = 0,
) -> dict[Stage, tuple[Clip, ...]]:
    """The extremes of every stage, where it is doubtful most, and some by lot.

    segment: the shortest, the longest, those with most overlap. speaker_assign: those of which the
    speaker is least sure; what the corpus itself says is sure. describe: of which the gender is
    least sure, then some by lot. No utterance twice. The lot, which also parts equals, is a hash of
    seed and id: the order of rows does not matter.

    Args:
        utterances, speakers, voice: tables as in `msc_kedro.tables`. What has no source cannot be
            heard and is left out.
        each: how many of a kind, twice as many of those that are least sure or drawn by lot.
        seed: of the lot.

    Returns:
        Clips without sound by stage; `dataclasses.replace` adds it by `utterance_id`.
    """
    table = utterances.dropna(subset="source_id")
    table = table.assign(
        lot=[lot(seed, key) for key in table["utterance_id"]],
        length_s=table["end_s"] - table["start_s"],
    ).sort_values("lot")
    if speakers is not None:
        table = table.merge(speakers[["utterance_id", "speaker", "confidence"]], how="left")
    if voice is not None:
        known = voice[["utterance_id", "description", "gender", "gender_probability"]]
        table = table.merge(known, on="utterance_id", how="left")
    taken: set[str] = set()

    def take(kind: str, column: str, n: int, *, most: bool = False, note: Any = None) -> list[Clip]:
        rows = table[~table["utterance_id"].isin(taken)].dropna(subset=column)
        rows = rows.sort_values(column, ascending=not most, kind="stable").head(n)
        taken.update(rows["utterance_id"])
        return [_clip(row, kind + (note(row) if note else "")) for row in rows.to_dict("records")]

    chosen = take("shortest", "length_s", each) + take("longest", "length_s", each, most=True)
    table["overlap_s"] = table["overlap_s"].where(table["overlap_s"] > 0)
    chosen += take("most overlap", "overlap_s", each, most=True, note=_overlap)
    found: dict[Stage, tuple[Clip, ...]] = {"segment": tuple(chosen)}
    if speakers is not None:
        table["confidence"] = table["confidence"].where(table["confidence"] < 1)
        found["speaker_assign"] = tuple(
            take("speaker least sure", "confidence", 2 * each, note=_sure("confidence"))
        )
    if voice is not None:
        chosen = take("gender least sure", "gender_probability", each, note=_gender)
        found["describe"] = (*chosen, *take("by lot", "lot", 2 * each))
    return found


def lot(seed: int, key: str) -> str:
    """A place in an order that nobody chose, the same for the same seed and key."""
    return hashlib.sha256(f"{seed}/{key}".encode()).hexdigest()


def _clip(row: dict[str, Any], why: str) -> Clip:
    return Clip(
        utterance_id=row["utterance_id"],
        why=why,
        speaker=_text(row.get("speaker")) or "?",
        text=row["text"],
        description=_text(row.get("description")),
        length_s=row["length_s"],
    )


def _text(value: object) -> str:
    """A word of a joined table, where what is missing may be no word at all."""
    return value if isinstance(value, str) else ""


def _overlap(row: dict[str, Any]) -> str:
    return f", {wording.seconds(row['overlap_s'], 1)}"


def _sure(column: str) -> Any:
    return lambda row: f", {wording.percent(row[column], 0)}"


def _gender(row: dict[str, Any]) -> str:
    return f", {_text(row['gender'])} {wording.percent(row['gender_probability'], 0)}"
