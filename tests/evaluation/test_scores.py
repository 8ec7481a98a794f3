import math

import pandas as pd
import pytest

from msc_kedro.errors import MscKedroError
from msc_kedro.evaluation.scores import reply_scores, scores_table

REPLIES = pd.DataFrame(
    {
        "utterance_id": ["a1", "a2", "b1", "c1"],
        "dialogue_id": ["a", "a", "b", "c"],
        "speaker": ["B", "A", "B", "B"],
        "history_turns": [1, 2, 1, 1],
        "text": ["yes of course", "", "no of course", "I see you"],
        "description": ["low voice", "", "", "fast"],
        "reference_text": ["yes of course", "well", "maybe not", "I see you there"],
        "reference_description": ["low", "low", "low", "fast"],
    }
)
GOLD = pd.DataFrame(
    {
        "utterance_id": ["a1", "a2", "b1", "c1"],
        "dialogue_id": ["a", "a", "b", "c"],
        "loss_nats": [2.0, 4.0, 6.0, 8.0],
        "tokens": [2, 2, 3, 3],
    }
)


def by_name(scores):
    return {score.metric: score for score in scores}


def test_measures_are_what_their_names_say():
    found = by_name(reply_scores(REPLIES, gold=GOLD, draws=200))
    assert found["empty_share"].value == 0.25
    assert found["described_share"].value == 0.5
    assert found["words_per_reply"].value == 9 / 4
    assert found["distinct_1_corpus"].value == pytest.approx(7 / 9)
    assert found["distinct_2_corpus"].value == pytest.approx(5 / 6)
    assert found["gold_perplexity"].value == pytest.approx(math.exp(2))
    assert found["rouge_l"].count == 4


def test_intervals_hold_the_value_and_follow_the_seed():
    one = by_name(reply_scores(REPLIES, gold=GOLD, draws=300, seed=1))
    for name in ("rouge_l", "sacrebleu_bleu", "gold_perplexity", "empty_share"):
        assert one[name].low <= one[name].value <= one[name].high, name
    assert one["rouge_l"].low < one["rouge_l"].high
    assert reply_scores(REPLIES, draws=300, seed=1) == reply_scores(REPLIES, draws=300, seed=1)
    # Repeats in a draw make replies look alike, so these have none.
    assert one["distinct_1_corpus"].low is None


def test_one_dialogue_has_no_interval():
    found = by_name(reply_scores(REPLIES[:2]))
    assert found["rouge_l"].low is None and found["rouge_l"].value is not None


def test_replies_without_words_are_measured():
    silent = REPLIES.assign(text="", description="")
    found = by_name(reply_scores(silent, draws=50))
    assert found["sacrebleu_bleu"].value == 0
    assert found["distinct_1_corpus"].value is None
    assert found["empty_share"].value == 1


def test_no_replies_are_refused():
    with pytest.raises(MscKedroError, match="table is empty"):
        reply_scores(REPLIES[:0])


def test_the_table_has_a_row_per_measure():
    scores = reply_scores(REPLIES, draws=20)
    table = scores_table(scores)
    assert list(table["metric"]) == [score.metric for score in scores]
    assert len(set(table["metric"])) == len(table)
