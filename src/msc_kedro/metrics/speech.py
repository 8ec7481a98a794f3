"""Measures of spoken replies."""

from __future__ import annotations

from functools import lru_cache
from typing import Any


def normalise_english(text: str) -> str:
    """Text as OpenAI's Whisper compares it: lower case, no punctuation or fillers, contractions
    written out, numbers as digits ("twenty one" and "21" are the same).

    Whisper's `EnglishTextNormalizer` (Radford et al. 2023, appendix C) as transformers carries it;
    its list of British spellings is not used, so "colour" and "color" stay different.
    """
    words = str(_normaliser()(text)).split()
    return " ".join(word for word in words if any(sign.isalnum() for sign in word))


def word_error_rate(heard: str, spoken: str) -> float:
    """Words inserted, left out or replaced, over the words spoken; after normalisation.

    May exceed 1. Where nothing was to be spoken: 0 if nothing was heard, else 1.
    """
    import jiwer

    reference, hypothesis = normalise_english(spoken), normalise_english(heard)
    if not reference:
        return 1.0 if hypothesis else 0.0
    return float(jiwer.wer(reference, hypothesis))


def word_errors(heard: str, spoken: str) -> tuple[int, int]:
    """Words inserted, left out or replaced, and the words spoken; after normalisation.

    Sums of both over a set give its word error rate.
    """
    import jiwer

    reference, hypothesis = normalise_english(spoken), normalise_english(heard)
    if not reference:
        return len(hypothesis.split()), 0
    found = jiwer.process_words(reference, hypothesis)
    return found.substitutions + found.deletions + found.insertions, len(reference.split())


@lru_cache(maxsize=1)
def _normaliser() -> Any:
    from transformers.models.whisper.english_normalizer import EnglishTextNormalizer

    return EnglishTextNormalizer({})
