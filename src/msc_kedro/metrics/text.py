"""Measures of written replies.

BLEU here is sacrebleu's and ROUGE-L is rouge-score's: other tokenisers, and so other numbers, than
the COCO caption metrics of the paper. The names say so.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

_WORD = re.compile(r"\w+(?:'\w+)*")
BLEU_ORDER = 4


def words(text: str) -> list[str]:
    """Lower-case words, without punctuation; an apostrophe within a word is part of it."""
    return _WORD.findall(text.lower().replace("\u2019", "'"))


def distinct_n_corpus(texts: Sequence[str], n: int) -> float | None:
    """Different n-grams over all n-grams of the whole set (Li et al. 2016); None if there is none.

    Not to be compared with a mean of per-reply values.
    """
    grams = [
        tuple(found[start : start + n])
        for found in map(words, texts)
        for start in range(len(found) - n + 1)
    ]
    return len(set(grams)) / len(grams) if grams else None


@dataclass(frozen=True)
class BleuCounts:
    """What BLEU needs of a reply; sums of these give the BLEU of a set."""

    correct: tuple[int, ...]  # per n-gram order, 1 to 4
    total: tuple[int, ...]
    length: int
    reference_length: int


def bleu_counts(reply: str, reference: str) -> BleuCounts:
    """Matching n-grams of one reply with its one reference, by sacrebleu's 13a tokeniser."""
    score = _sacrebleu().sentence_score(reply, [reference])
    return BleuCounts(tuple(score.counts), tuple(score.totals), score.sys_len, score.ref_len)


def sacrebleu_bleu(counts: Sequence[BleuCounts]) -> float:
    """Corpus BLEU of sacrebleu (13a, case kept, exponential smoothing), 0 to 100."""
    from sacrebleu.metrics.bleu import BLEU

    score = BLEU.compute_bleu(
        correct=[sum(c.correct[n] for c in counts) for n in range(BLEU_ORDER)],
        total=[sum(c.total[n] for c in counts) for n in range(BLEU_ORDER)],
        sys_len=sum(c.length for c in counts),
        ref_len=sum(c.reference_length for c in counts),
        smooth_method="exp",
    )
    return float(score.score)


def rouge_l(reply: str, reference: str) -> float:
    """ROUGE-L F1 of rouge-score, without stemming, 0 to 1."""
    return float(_rouge().score(reference, reply)["rougeL"].fmeasure)


@lru_cache(maxsize=1)
def _sacrebleu() -> Any:
    from sacrebleu.metrics.bleu import BLEU

    return BLEU(effective_order=True)  # as sacrebleu asks for single sentences; counts are the same


@lru_cache(maxsize=1)
def _rouge() -> Any:
    from rouge_score.rouge_scorer import RougeScorer

    return RougeScorer(["rougeL"], use_stemmer=False)
