"""One table of measures over the replies, with intervals where they mean something.

A measure is a function of replies; `reply_scores` lists them. To add one (the COCO caption
metrics, empathy), write a function that gives a `Score` and put it in the list.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from msc_kedro.errors import MscKedroError

if TYPE_CHECKING:
    import pandas as pd

_LOW, _HIGH = 2.5, 97.5  # percentiles of a 95 % interval


@dataclass(frozen=True)
class Score:
    """One measure.

    Attributes:
        metric: its name, which is that of its definition.
        value: None where it could not be computed.
        low: lower end of the 95 % interval, by drawing dialogues with replacement; None where
            repeats in a draw would spoil the measure, or there is only one dialogue.
        high: upper end.
        count: replies (or tokens) it is over.
        definition: in a few words, with the unit.
    """

    metric: str
    value: float | None
    low: float | None
    high: float | None
    count: int
    definition: str


def reply_scores(
    replies: pd.DataFrame,
    *,
    gold: pd.DataFrame | None = None,
    seed: int = 0,
    draws: int = 1000,
) -> tuple[Score, ...]:
    """Measures of a table `replies`.

    Args:
        replies: the table.
        gold: from `gold_losses`; adds the perplexity of the true replies.
        seed: of the draws.
        draws: of dialogues, for the intervals.

    Raises:
        MscKedroError: the table is empty.
    """
    from msc_kedro.metrics.text import (
        bleu_counts,
        distinct_n_corpus,
        rouge_l,
        sacrebleu_bleu,
        words,
    )

    if not len(replies):
        raise MscKedroError(
            "no replies to measure: the table is empty. Run `kedro run --pipeline evaluate` with a "
            "test split that holds dialogues."
        )
    texts, references = list(replies["text"]), list(replies["reference_text"])
    pairs = list(zip(texts, references, strict=True))
    owners = list(replies["dialogue_id"])
    count = len(texts)
    counts = [bleu_counts(*pair) for pair in pairs]
    rouges = [rouge_l(*pair) for pair in pairs]
    lengths = [float(len(words(text))) for text in texts]
    empty = [float(not text.strip()) for text in texts]
    described = [float(bool(text.strip())) for text in replies["description"]]

    def sampled(
        metric: str, measure: Callable[[Sequence[int]], float], owners: Sequence[str], what: str
    ) -> Score:
        everything = range(len(owners))
        low, high = _interval(measure, owners, seed=seed, draws=draws)
        return Score(metric, measure(everything), low, high, len(owners), what)

    def mean_of(metric: str, values: Sequence[float], what: str) -> Score:
        return sampled(metric, lambda of: sum(values[i] for i in of) / len(of), owners, what)

    scores = [
        sampled(
            "sacrebleu_bleu",
            lambda of: sacrebleu_bleu([counts[i] for i in of]),
            owners,
            "corpus BLEU-4 of sacrebleu (13a, exp smoothing), text only, 0-100",
        ),
        mean_of("rouge_l", rouges, "ROUGE-L F1 of rouge-score, mean over replies, 0-1"),
        *(
            Score(
                f"distinct_{n}_corpus",
                distinct_n_corpus(texts, n),
                None,
                None,
                count,
                f"different {n}-grams over all {n}-grams of the set, 0-1",
            )
            for n in (1, 2)
        ),
        mean_of("words_per_reply", lengths, "words of the text, mean over replies"),
        mean_of("empty_share", empty, "replies without text, 0-1"),
        mean_of("described_share", described, "replies with a voice description, 0-1"),
    ]
    if gold is not None and len(gold):
        losses, tokens = list(gold["loss_nats"]), list(gold["tokens"])
        scores.append(
            sampled(
                "gold_perplexity",
                lambda of: math.exp(sum(losses[i] for i in of) / sum(tokens[i] for i in of)),
                list(gold["dialogue_id"]),
                "exp of the mean loss per target token of the true reply given its prompt",
            )
        )
    return tuple(scores)


def scores_table(scores: Sequence[Score]) -> pd.DataFrame:
    """The scores as rows."""
    import pandas as pd

    columns = ["metric", "value", "low", "high", "count", "definition"]
    return pd.DataFrame([[getattr(s, c) for c in columns] for s in scores], columns=columns)


def _interval(
    measure: Callable[[Sequence[int]], float], owners: Sequence[str], *, seed: int, draws: int
) -> tuple[float | None, float | None]:
    """Percentile bootstrap over dialogues, because replies of one dialogue are alike."""
    import numpy as np

    rows: dict[str, list[int]] = {}
    for index, owner in enumerate(owners):
        rows.setdefault(owner, []).append(index)
    groups = list(rows.values())
    if len(groups) < 2:
        return None, None
    drawn = np.random.default_rng(seed).integers(len(groups), size=(draws, len(groups)))
    values = [measure([i for group in draw for i in groups[group]]) for draw in drawn]
    low, high = np.percentile(values, [_LOW, _HIGH])
    return float(low), float(high)
