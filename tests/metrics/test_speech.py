import pytest

from msc_kedro.metrics.speech import normalise_english, word_error_rate


@pytest.mark.parametrize(
    ("heard", "spoken", "rate"),
    [
        ("Hello, World!", "hello world", 0),
        ("I have twenty one cats.", "I have 21 cats", 0),
        ("I won't go", "I will not go", 0),
        ("um, well, hello", "well hello", 0),
        ("hello there world", "hello world", 0.5),
        ("", "hello world", 1),
        ("a b c d", "x", 4),
        ("", "...", 0),
        ("noise", "", 1),
    ],
)
def test_word_error_rate(heard, spoken, rate):
    assert word_error_rate(heard, spoken) == pytest.approx(rate)


def test_normalised_text_has_no_marks():
    assert normalise_english("Well, that's FIVE (or so) dollars. Bye!") == "well that is $5 bye"
