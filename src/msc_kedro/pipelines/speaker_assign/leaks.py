"""Whether the splits are apart: no source, sound or speaker of one in another."""

from __future__ import annotations

import logging

import pandas as pd

from msc_kedro.corpora.splits import LEAK_WORDS, Leak, LeakKind, find_leaks
from msc_kedro.errors import MscKedroError
from msc_kedro.pipelines.parameters import SplitParameters
from msc_kedro.tables import SPLITS

log = logging.getLogger(__name__)

BY_PARAMETER = "splits.allow"
FEW_VIDEOS = "fewer than three videos"
_TOLD = 3  # leaks of a kind that a message names


def check_splits(
    dialogues: pd.DataFrame,
    utterances: pd.DataFrame,
    speakers: pd.DataFrame,
    sources: pd.DataFrame,
    parameters: SplitParameters,
) -> pd.DataFrame:
    """Look for what is in more than one split.

    Returns:
        The `split_leaks` table: leaks that are allowed, by `splits.allow`, or because there are
        fewer than three recordings to part.

    Raises:
        MscKedroError: there are others.
    """
    leaks = _leaks(dialogues, utterances, speakers, sources)
    turns = utterances["dialogue_id"].value_counts()
    answered = dialogues[dialogues["dialogue_id"].map(turns) > 1]
    few = not parameters.published and answered["group"].nunique() < len(SPLITS)
    refused = {
        kind: found
        for kind, found in leaks.items()
        if found and not few and kind not in parameters.allow
    }
    if refused:
        raise MscKedroError(_refusal(refused, parameters))
    for kind, found in leaks.items():
        if found and kind in parameters.allow:
            log.warning(
                "%d %s are in more than one split, which splits.allow lets pass (%s).",
                len(found),
                LEAK_WORDS[kind],
                kind,
            )
    rows = [
        {
            "kind": kind,
            "item_id": leak.item,
            "splits": ", ".join(leak.splits),
            "examples": ", ".join(leak.examples),
            "allowed_by": BY_PARAMETER if kind in parameters.allow else FEW_VIDEOS,
        }
        for kind, found in leaks.items()
        for leak in found
    ]
    return pd.DataFrame(rows, columns=["kind", "item_id", "splits", "examples", "allowed_by"])


def _leaks(
    dialogues: pd.DataFrame,
    utterances: pd.DataFrame,
    speakers: pd.DataFrame,
    sources: pd.DataFrame,
) -> dict[LeakKind, list[Leak]]:
    split_of = dict(zip(dialogues["dialogue_id"], dialogues["split"], strict=True))
    groups = dialogues[["group", "dialogue_id"]]
    said = utterances[["utterance_id", "dialogue_id", "source_id"]]
    sounds = said.merge(sources[["source_id", "sound_id", "path", "duration_s"]], on="source_id")
    persons = said.merge(speakers, on="utterance_id").dropna(subset="person")
    # A group named by its source is easier to find by the file's name.
    paths = dict(zip(sources["source_id"], sources["path"], strict=True))
    named = groups.assign(group=[paths.get(group, group) for group in groups["group"]])
    first = sounds.sort_values("path").drop_duplicates("sound_id").set_index("sound_id")["path"]
    several = sounds.groupby("sound_id")["source_id"].nunique()
    copies = sounds[sounds["sound_id"].map(several) > 1]
    copies = copies.assign(path=copies["sound_id"].map(first))
    pairs: dict[LeakKind, pd.DataFrame] = {
        "same_source": named,
        "same_sound": copies[["path", "dialogue_id"]],
        "same_speaker": persons[["person", "dialogue_id"]],
    }
    return {
        kind: find_leaks(used.itertuples(index=False, name=None), split_of)
        for kind, used in pairs.items()
    }


def _refusal(refused: dict[LeakKind, list[Leak]], parameters: SplitParameters) -> str:
    told = []
    for kind, found in refused.items():
        told.append(f"{kind}: {len(found)} {LEAK_WORDS[kind]} are in more than one split")
        told += [
            f"  {leak.item} in {', '.join(leak.splits)} (dialogues {', '.join(leak.examples)})"
            for leak in found[:_TOLD]
        ]
        if len(found) > _TOLD:
            told.append(f"  and {len(found) - _TOLD} more")
    allowed = ", ".join(dict.fromkeys((*parameters.allow, *refused)))
    split_anew = "splits.published: false" if parameters.published else "another splits.seed"
    return "\n".join(
        [
            "The splits are not apart, so scores would be too good:",
            *told,
            f"Split anew ({split_anew}), take copies out of the folder, or allow it in "
            f"parameters.yml, under splits: allow: [{allowed}]",
        ]
    )
