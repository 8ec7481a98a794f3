"""Turns and dialogues, read from the tables by their ids."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from msc_kedro.errors import MscKedroError

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Turn:
    """One utterance: who said what, and how it sounded."""

    utterance_id: str
    speaker: str
    text: str
    description: str = ""
    name: str | None = None  # in the corpus that it comes from


@dataclass(frozen=True)
class Dialogue:
    """The turns of a conversation in their order; every turn but the first is a reply."""

    dialogue_id: str
    split: str
    turns: tuple[Turn, ...]


def dialogues_from_tables(
    *,
    utterances: pd.DataFrame,
    speakers: pd.DataFrame,
    voice: pd.DataFrame,
    dialogues: pd.DataFrame,
) -> tuple[Dialogue, ...]:
    """The dialogues of a corpus, in the order of the `dialogues` table.

    The four tables are joined on `utterance_id` and `dialogue_id`, never by position. An
    utterance without a row in `voice` has an empty description. Dialogues with fewer than two
    turns hold no reply and are left out.

    Raises:
        MscKedroError: an utterance has no speaker, or its dialogue is not in `dialogues`.
    """
    speaker_of = dict(zip(speakers["utterance_id"], speakers["speaker"], strict=True))
    description_of = dict(zip(voice["utterance_id"], voice["description"], strict=True))
    without = [name for name in utterances["utterance_id"] if name not in speaker_of]
    if without:
        raise MscKedroError(
            f"{len(without)} of {len(utterances)} utterances have no row in `speakers` "
            f"(first: {without[0]}); expected one each. Run the pipeline speaker_assign again."
        )
    known = set(dialogues["dialogue_id"])
    strangers = sorted(set(utterances["dialogue_id"]) - known)
    if strangers:
        raise MscKedroError(
            f"utterances name {len(strangers)} dialogues that `dialogues` lacks (first: "
            f"{strangers[0]}). The tables are of different descent: run ingest, then segment."
        )
    turns_of: dict[str, list[Turn]] = {}
    ordered = utterances.sort_values(["dialogue_id", "turn", "start_s"], kind="stable")
    names = ordered["name"] if "name" in ordered else [None] * len(ordered)
    for name, dialogue_id, text, own_name in zip(
        ordered["utterance_id"], ordered["dialogue_id"], ordered["text"], names, strict=True
    ):
        turn = Turn(
            utterance_id=name,
            speaker=speaker_of[name],
            text=" ".join(text.split()),  # a line break would look like a new part of the prompt
            description=" ".join(description_of.get(name, "").split()),
            name=own_name if isinstance(own_name, str) else None,
        )
        turns_of.setdefault(dialogue_id, []).append(turn)
    return tuple(
        Dialogue(dialogue_id=name, split=split, turns=tuple(turns_of[name]))
        for name, split in zip(dialogues["dialogue_id"], dialogues["split"], strict=True)
        if len(turns_of.get(name, ())) >= 2
    )
