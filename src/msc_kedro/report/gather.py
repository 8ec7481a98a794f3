"""Choose the dialogues that the page shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msc_kedro.report.contents import Example, Turn
from msc_kedro.report.listen import lot

if TYPE_CHECKING:
    import pandas as pd


def choose_examples(
    replies: pd.DataFrame,
    utterances: pd.DataFrame,
    speakers: pd.DataFrame | None = None,
    voice: pd.DataFrame | None = None,
    *,
    speech: pd.DataFrame | None = None,
    n: int = 5,
    seed: int = 0,
) -> tuple[Example, ...]:
    """Up to `n` replies with their histories, by lot and never by quality.

    One reply of each dialogue first; where there are fewer dialogues than `n`, a second of
    each, and so on. The lot is a hash of seed and id: row order does not matter, and a reply
    keeps its place when others come or go.

    Args:
        replies, utterances, speakers, voice, speech: tables as in `msc_kedro.tables`.
            Without speakers everybody is "?", without voice no turn is described.

    Returns:
        Examples without sound; `dataclasses.replace` adds it by `utterance_id`.

    Raises:
        ValueError: a reply answers for an utterance that the table of utterances lacks.
    """
    known = set(utterances["utterance_id"])
    strangers = sorted(set(replies["utterance_id"]) - known)
    if strangers:
        raise ValueError(
            f"{len(strangers)} replies answer for unknown utterances, first {strangers[0]!r}"
        )
    names = _column(speakers, "speaker")
    descriptions = _column(voice, "description")
    heard = _column(speech, "heard_text")
    errors = _column(speech, "word_error_rate")

    by_lot = replies.assign(lot=[lot(seed, key) for key in replies["utterance_id"]])
    by_lot = by_lot.assign(
        dialogue_lot=[lot(seed, key) for key in by_lot["dialogue_id"]]
    ).sort_values(["lot", "utterance_id"])
    by_lot = by_lot.assign(rank=by_lot.groupby("dialogue_id").cumcount())
    chosen = by_lot.sort_values(["rank", "dialogue_lot", "utterance_id"]).head(n)

    examples = []
    for reply in chosen.to_dict("records"):
        key = reply["utterance_id"]
        examples.append(
            Example(
                utterance_id=key,
                dialogue_id=reply["dialogue_id"],
                speaker=reply["speaker"],
                history=_history(reply, utterances, names, descriptions),
                reply_text=reply["text"],
                reply_description=reply["description"],
                reference_text=reply["reference_text"],
                reference_description=reply["reference_description"],
                heard_text=heard.get(key),
                word_error_rate=errors.get(key),
            )
        )
    return tuple(examples)


def _history(
    reply: dict[str, Any],
    utterances: pd.DataFrame,
    names: dict[str, Any],
    descriptions: dict[str, Any],
) -> tuple[Turn, ...]:
    """The `history_turns` turns before the one that is answered for, oldest first."""
    turns = utterances[utterances["dialogue_id"] == reply["dialogue_id"]].sort_values("turn")
    place = turns.loc[turns["utterance_id"] == reply["utterance_id"], "turn"].item()
    before = turns[turns["turn"] < place].tail(int(reply["history_turns"]))
    return tuple(
        Turn(names.get(key, "?"), text, descriptions.get(key, ""))
        for key, text in zip(before["utterance_id"], before["text"], strict=True)
    )


def _column(table: pd.DataFrame | None, name: str) -> dict[str, Any]:
    """`utterance_id` -> value of one column; nothing for a table that is not there."""
    if table is None:
        return {}
    return dict(zip(table["utterance_id"], table[name], strict=True))
