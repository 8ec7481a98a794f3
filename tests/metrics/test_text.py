import pytest
from sacrebleu import corpus_bleu

from msc_kedro.metrics.text import bleu_counts, distinct_n_corpus, rouge_l, sacrebleu_bleu, words

REPLIES = ["I do not know where it is.", "the cat sat on the mat", "", "Yes, we can go home now."]
TRUTH = [
    "I don't know where it is.",
    "the cat is on the mat",
    "Hello you",
    "Yes, let us go home now.",
]


def test_words():
    assert words("It\u2019s fine -- really, 2 o'clock!") == [
        "it's",
        "fine",
        "really",
        "2",
        "o'clock",
    ]


def test_distinct_counts_over_the_whole_set():
    assert distinct_n_corpus(["a b a", "a b"], 1) == pytest.approx(2 / 5)
    assert distinct_n_corpus(["a b a", "a b"], 2) == pytest.approx(2 / 3)
    assert distinct_n_corpus(["", "a"], 2) is None


def test_bleu_from_counts_is_sacrebleus_own():
    counts = [bleu_counts(*pair) for pair in zip(REPLIES, TRUTH, strict=True)]
    assert sacrebleu_bleu(counts) == pytest.approx(corpus_bleu(REPLIES, [TRUTH]).score)
    assert sacrebleu_bleu([bleu_counts("same words here now", "same words here now")]) == (
        pytest.approx(100)
    )
    assert sacrebleu_bleu([bleu_counts("", "something")]) == 0


def test_rouge_l():
    assert rouge_l("the cat sat", "the cat sat") == 1
    assert rouge_l("the cat sat", "the dog sat") == pytest.approx(2 / 3)
    assert rouge_l("", "the dog") == 0
