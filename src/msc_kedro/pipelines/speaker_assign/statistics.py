"""What the corpus amounts to, once its speakers are known."""

from __future__ import annotations

import pandas as pd


def count_corpus(
    dialogues: pd.DataFrame,
    utterances: pd.DataFrame,
    speakers: pd.DataFrame,
    sources: pd.DataFrame,
) -> dict[str, dict[str, float]]:
    """The figures of `metrics.corpus` by split and in all, without those that nothing is known of.

    Returns:
        Split to figures by name; counts are whole numbers.
    """
    from msc_kedro.metrics.corpus import corpus_statistics

    table = corpus_statistics(dialogues, utterances, speakers, sources=sources)
    return {
        str(split): {
            str(name): int(value) if float(value).is_integer() else round(float(value), 6)
            for name, value in figures.dropna().items()
        }
        for split, figures in table.iterrows()
    }
