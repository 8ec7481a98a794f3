"""What the page counts: pure functions from the tables to small tables."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from msc_kedro.metrics.corpus import words

if TYPE_CHECKING:
    import pandas as pd

MEASURES = ("pitch", "pace", "monotony", "reverberation", "noise", "gender")
NUMBER = re.compile(r"\d+(?:\.\d+)?")
SPOKEN_MEASURES = ("gender", "pitch", "pace", "monotony")  # those a synthesizer is asked for


def grouped_rejects(rejects: pd.DataFrame, *, by: str = "stage") -> pd.DataFrame:
    """Rejects by stage and reason, most frequent first.

    Reasons that differ in their numbers alone are one group: "0.05 s is under 0.1 s".

    Args:
        rejects: columns item_id, reason and the one that `by` names.

    Returns:
        Columns stage (or what `by` says), reason, count, items: all ids in order of rows, each with
        its own reason where that says more.
    """
    import pandas as pd

    table = rejects[[by, "reason", "item_id"]].fillna("").astype(str)
    table = table.assign(kind=[NUMBER.sub("#", reason) for reason in table["reason"]])
    rows = []
    for (group_of, _), group in table.groupby([by, "kind"], sort=True):
        reason = _common(list(group["reason"]))
        items = [
            item if own == reason else f"{item} ({own})"
            for item, own in zip(group["item_id"], group["reason"], strict=True)
        ]
        rows.append((group_of, reason, len(group), tuple(items)))
    rows.sort(key=lambda row: (-row[2], row[0], row[1]))
    return pd.DataFrame(rows, columns=[by, "reason", "count", "items"])


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
