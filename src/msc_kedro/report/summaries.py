"""What the page counts: pure functions from the tables to small tables."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

from msc_kedro.tables import SPLITS

MEASURES = ("pitch", "pace", "monotony", "reverberation", "gender")
NUMBER = re.compile(r"\d+(?:\.\d+)?")
SPOKEN_MEASURES = ("gender", "pitch", "pace", "monotony")  # those a synthesizer is asked for


def speakers_per_dialogue(utterances: pd.DataFrame, speakers: pd.DataFrame) -> pd.Series:
    """`dialogue_id` -> how many different speakers. Labels mean nothing across dialogues."""
    joined = utterances[["utterance_id", "dialogue_id"]].merge(speakers, on="utterance_id")
    return joined.groupby("dialogue_id")["speaker"].nunique()


def words(text: pd.Series) -> pd.Series:
    """Words of each text: what stands between white space."""
    return text.fillna("").astype(str).str.split().str.len().astype(int)


def split_statistics(
    dialogues: pd.DataFrame,
    utterances: pd.DataFrame | None = None,
    speakers: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """The dataset by split, and all of it, as Table 1 of the MSC paper.

    Returns:
        One row per split that has dialogues and a last row "all"; columns dialogues,
        dialogue_s, utterances, utterance_s (summed), mean_utterance_s, words,
        speakers_per_dialogue; NaN where a table is missing.
    """
    import pandas as pd

    per_dialogue = pd.DataFrame(
        {
            "split": dialogues["split"].astype(str),
            "dialogues": 1,
            "dialogue_s": dialogues["end_s"] - dialogues["start_s"],
        }
    ).set_index(dialogues["dialogue_id"])
    for name in ("utterances", "utterance_s", "words", "speakers"):
        per_dialogue[name] = float("nan")
    if utterances is not None:
        measured = pd.DataFrame(
            {
                "dialogue_id": utterances["dialogue_id"],
                "utterances": 1,
                "utterance_s": utterances["end_s"] - utterances["start_s"],
                "words": words(utterances["text"]),
            }
        )
        sums = measured.groupby("dialogue_id").sum()
        for name in sums.columns:
            per_dialogue[name] = sums[name].reindex(per_dialogue.index).fillna(0.0)
        if speakers is not None:
            heard = speakers_per_dialogue(utterances, speakers)
            per_dialogue["speakers"] = heard.reindex(per_dialogue.index)

    def row(part: pd.DataFrame) -> dict[str, float]:
        total = part[["dialogues", "dialogue_s", "utterances", "utterance_s", "words"]].sum(
            min_count=1
        )
        spoken = total["utterances"] if total["utterances"] > 0 else float("nan")
        return {
            **total.to_dict(),
            "mean_utterance_s": total["utterance_s"] / spoken,
            "speakers_per_dialogue": part["speakers"].mean(),
        }

    found = [split for split in SPLITS if (per_dialogue["split"] == split).any()]
    rows = {split: row(per_dialogue[per_dialogue["split"] == split]) for split in found}
    return pd.DataFrame.from_dict({**rows, "all": row(per_dialogue)}, orient="index")


def grouped_rejects(rejects: pd.DataFrame, *, shown: int = 3) -> pd.DataFrame:
    """Rejects by stage and reason, most frequent first.

    Reasons that differ in their numbers alone are one group: "0.05 s is under 0.1 s".

    Returns:
        Columns stage, reason, count, items: the first `shown` ids with their own reason
        where that says more.
    """
    import pandas as pd

    table = rejects[["stage", "reason", "item_id"]].fillna("").astype(str)
    table = table.assign(kind=[NUMBER.sub("#", reason) for reason in table["reason"]])
    rows = []
    for (stage, _), group in table.groupby(["stage", "kind"], sort=True):
        reason = _common(list(group["reason"]))
        items = [
            item if own == reason else f"{item} ({own})"
            for item, own in zip(group["item_id"], group["reason"], strict=True)
        ]
        rows.append((stage, reason, len(group), tuple(items[:shown])))
    rows.sort(key=lambda row: (-row[2], row[0], row[1]))
    return pd.DataFrame(rows, columns=["stage", "reason", "count", "items"])


def _common(reasons: list[str]) -> str:
    """The first of reasons alike but for their numbers, with an ellipsis where those differ."""
    same = [len(set(numbers)) == 1 for numbers in zip(*map(NUMBER.findall, reasons), strict=True)]
    keep = iter(same)
    return NUMBER.sub(lambda match: match.group() if next(keep) else "…", reasons[0])


def level_counts(table: pd.DataFrame, column: str, order: tuple[str, ...] = ()) -> pd.Series:
    """Level -> how often, low to high; levels that `order` does not know last, by name.

    A level between two that occur is there with a 0, so that a gap shows as one.
    """
    counts = table[column].dropna().astype(str).value_counts()
    places = [place for place, level in enumerate(order) if level in counts.index]
    known = list(order[places[0] : places[-1] + 1]) if places else []
    rest = sorted(set(counts.index) - set(known))
    return counts.reindex(known + rest, fill_value=0)


def unmeasured(voice: pd.DataFrame) -> pd.DataFrame:
    """What the voice measures could not give: columns measure, reason, count."""
    import pandas as pd

    notes = voice["unmeasured"].fillna("").astype(str)
    pairs = [
        (measure.strip(), reason.strip())
        for note in notes
        for measure, _, reason in [part.partition(":") for part in note.split(";")]
        if measure.strip()
    ]
    table = pd.DataFrame(pairs, columns=["measure", "reason"])
    counted = table.groupby(["measure", "reason"]).size().rename("count").reset_index()
    return counted.sort_values(["count", "measure", "reason"], ascending=[False, True, True])


def agreement(speech: pd.DataFrame, measure: str, order: tuple[str, ...]) -> dict[str, float]:
    """How often speech measures as it was asked to.

    Args:
        order: all levels of the measure, low to high.

    Returns:
        n: replies with both an asked and a measured level; same: share with the same level;
        near: share at most one level apart, of those whose levels `order` knows; NaN for two
            levels, which are never further apart.
    """
    table = speech[[f"asked_{measure}", f"measured_{measure}"]].dropna().astype(str)
    pairs = list(table.itertuples(index=False, name=None))
    place = {level: index for index, level in enumerate(order)}
    apart = [abs(place[a] - place[b]) for a, b in pairs if a in place and b in place]
    nan = float("nan")
    return {
        "n": len(pairs),
        "same": sum(a == b for a, b in pairs) / len(pairs) if pairs else nan,
        "near": sum(step <= 1 for step in apart) / len(apart) if apart and len(order) > 2 else nan,
    }


def word_error_rate(speech: pd.DataFrame, replies: pd.DataFrame | None) -> float:
    """Errors over words of all spoken replies together; NaN without words.

    The table holds a rate per reply; times the words of the reply it is the errors again.
    Without the table of replies every reply weighs the same.
    """
    if replies is None:
        return float(speech["word_error_rate"].mean())
    weights = dict(zip(replies["utterance_id"], words(replies["text"]), strict=True))
    weight = speech["utterance_id"].map(weights).fillna(0)
    total = float(weight.sum())
    errors = float((speech["word_error_rate"] * weight).sum())
    return errors / total if total else float("nan")
