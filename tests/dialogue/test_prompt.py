import pytest
from hypothesis import given
from hypothesis import strategies as st

from msc_kedro.dialogue.prompt import (
    ParsedReply,
    PromptStyle,
    SlotPiece,
    TextPiece,
    dialogue_prompt,
    parse_reply,
    target_text,
)
from msc_kedro.dialogue.turns import Dialogue, Turn
from msc_kedro.errors import MscKedroError


class Letters:
    """One token per character."""

    bos_id = 1
    eos_id = 2

    def encode(self, text):
        return [ord(sign) for sign in text]


TALK = Dialogue(
    "d",
    "train",
    (Turn("u0", "A", "Hi", "low"), Turn("u1", "B", "Oh", ""), Turn("u2", "A", "So", "fast")),
)


def read(piece):
    if isinstance(piece, SlotPiece):
        return f"<{piece.modality} {piece.utterance_id}>"
    return "".join({1: "<s>", 2: "</s>"}.get(token, chr(token)) for token in piece.ids)


def whole(prompt, turn):
    pieces = [*prompt.instruction]
    for history in prompt.turns[:turn]:
        pieces += history
    return "".join(map(read, [*pieces, prompt.orders[turn], prompt.targets[turn]]))


def test_the_prompt_reads_as_written_in_the_paper():
    prompt = dialogue_prompt(TALK, tokens=Letters(), style=PromptStyle())
    assert whole(prompt, 2) == (
        "<s>### Instruction: Give the next reply of the conversation."
        "\n### Speaker A:<video u0><audio u0> Hi"
        "\n### Speaker B:<video u1><audio u1> Oh"
        "\n### Reply as: text(voice description). Speaker A:So(fast)</s>"
    )


def test_modalities_and_targets_leave_pieces_out():
    style = PromptStyle(modalities=("audio",), target="text")
    prompt = dialogue_prompt(TALK, tokens=Letters(), style=style)
    assert whole(prompt, 1) == (
        "<s>### Instruction: Give the next reply of the conversation."
        "\n### Speaker A:<audio u0>\n### Reply as: text. Speaker B:Oh</s>"
    )


def test_an_utterance_without_frames_gets_no_slots():
    prompt = dialogue_prompt(
        TALK, tokens=Letters(), style=PromptStyle(), has=lambda u, s: (u, s) != ("u0", "video")
    )
    senses = [[p.modality for p in t if isinstance(p, SlotPiece)] for t in prompt.turns]
    assert senses == [["audio"], ["video", "audio"], ["video", "audio"]]


def test_a_missing_description_leaves_the_brackets_out():
    assert target_text(TALK.turns[1], "text_description") == "Oh"


def test_every_piece_holds_no_mark_of_its_own():
    prompt = dialogue_prompt(TALK, tokens=Letters(), style=PromptStyle())
    texts = [p for t in prompt.turns for p in t if isinstance(p, TextPiece)]
    assert all(1 not in piece.ids and 2 not in piece.ids for piece in texts)


def test_modalities_can_be_taken_away_but_not_added():
    style = PromptStyle(modalities=("text", "audio"), target="text")
    assert style.showing(None) is style
    assert style.showing(("audio",)) == PromptStyle(modalities=("audio",), target="text")
    with pytest.raises(MscKedroError, match=r"\['video'\] are not among \['text', 'audio'\]"):
        style.showing(("text", "video"))


def test_unknown_modality_is_refused():
    with pytest.raises(MscKedroError, match="smell"):
        PromptStyle(modalities=("text", "smell"))


@pytest.mark.parametrize(
    ("written", "text", "description"),
    [
        ("Hello.(A man speaks.)", "Hello.", "A man speaks."),
        ("Well (laughs) yes.(low voice)", "Well (laughs) yes.", "low voice"),
        ("Hi.(A man (old) speaks)", "Hi.", "A man (old) speaks"),
        ("Hi.(A man speaks slo", "Hi.", "A man speaks slo"),
        ("Hi.(A man (old", "Hi.", "A man (old"),
        ("Hi.(low) and then I", "Hi.", "low"),
        ("I (think) so", "I (think) so", ""),
        ("Good :)", "Good :)", ""),
        ("Good :)(low)", "Good :)", "low"),
        ("Hi.(low)\n### Speaker B: Oh", "Hi.", "low"),
        ("(low)", "", "low"),
        ("()", "", ""),
        ("", "", ""),
        ("  \n", "", ""),
    ],
)
def test_replies_are_read_back(written, text, description):
    assert parse_reply(written) == ParsedReply(text, description)


plain = st.text(alphabet=st.characters(exclude_characters="()#", exclude_categories=["Cs"]))


@given(plain, plain.filter(lambda text: text.strip()))
def test_what_is_written_is_read_back(text, description):
    turn = Turn("u", "A", text.strip(), description.strip())
    parsed = parse_reply(target_text(turn, "text_description"))
    assert parsed == ParsedReply(turn.text, turn.description)


@given(st.text(alphabet="ab ().\n#"))
def test_reading_never_fails(written):
    parsed = parse_reply(written)
    assert parsed.text == parsed.text.strip()
    assert len(parsed.text) + len(parsed.description) <= len(written)
