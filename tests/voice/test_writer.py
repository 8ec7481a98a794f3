"""Descriptions by a language model: believed where they read back, else the template writes."""

import pytest

from msc_kedro.voice.grammar import VoiceLevels, read, write
from msc_kedro.voice.writer import agrees, by_language_model, by_template, prompt, tidy

LIVELY = VoiceLevels("female", "high-pitch", "very expressive and animated", "fast")
FLAT = VoiceLevels("male", "low-pitch", "monotone", "slowly", "distant-sounding")
NOTHING = VoiceLevels()


class Scripted:
    """Answers what it is told to, in order, and notes what it was asked."""

    def __init__(self, *rounds):
        self.rounds, self.asked = list(rounds), []

    def __call__(self, chats, seeds):
        self.asked.append((chats, tuple(seeds)))
        return self.rounds.pop(0)


def test_right_answers_are_taken_wrong_ones_asked_again():
    right = "A woman speaks fast, very expressive and animated, with a high-pitch voice."
    man = "His low-pitched voice is monotone, he talks slowly, distant-sounding."
    chat = Scripted([f'"{right}"', "A man speaks."], [f"Description: {man}"])
    first, second, third = by_language_model(
        [LIVELY, FLAT, NOTHING], chat, seeds=[1, 2, 3], tries=3
    )
    assert (first.text, first.written_by, first.tries) == (right, "language_model", 1)
    assert (second.text, second.written_by, second.tries) == (man, "language_model", 2)
    assert third == by_template(NOTHING, seed=3)  # the model was not asked
    assert [len(chats) for chats, _ in chat.asked] == [2, 1]
    assert chat.asked[1][1][0] != chat.asked[0][1][1]  # another try, another seed


def test_in_the_end_the_template_writes():
    chat = Scripted(["A man."], ["A man."])
    (one,) = by_language_model([LIVELY], chat, seeds=[5], tries=2)
    assert one.text == write(LIVELY, seed=5)
    assert (one.written_by, one.tries) == ("template after language_model", 2)


@pytest.mark.parametrize(
    "text",
    [
        "A woman speaks fast, very expressive and animated.",  # something is left out
        "A woman speaks fast, very expressive and animated, with a high-pitch, distant voice.",
        "A man speaks fast, very expressive and animated, with a high-pitch voice.",
        "A woman (fast, very expressive and animated, high-pitch voice).",
        "A woman speaks fast, very expressive and animated, high-pitch voice" + " so" * 60 + ".",
        "",
    ],
)
def test_what_says_something_else_does_not_agree(text):
    assert not agrees(text, LIVELY)


def test_tidy_keeps_the_first_paragraph():
    assert tidy(" Description:  'A man   talks'\n\nKeywords: x") == "A man talks."
    assert tidy("") == ""


def test_the_prompt_holds_all_words_and_ends_with_the_user():
    turns = prompt(FLAT, seed=1)
    assert [turn.role for turn in turns] == ["user", "assistant"] * 2 + ["user"]
    asked = prompt(FLAT, seed=1)[-1].content
    for word in ("male", "low-pitch", "monotone", "slowly", "distant-sounding"):
        assert word in asked
    for turn in prompt(FLAT)[1::2]:  # the examples are right themselves
        assert read(turn.content) != NOTHING
