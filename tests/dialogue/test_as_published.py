"""Each fault of the published code, on a small example, and B6 on MELD's own tables."""

import csv
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from msc_kedro.dialogue.arrangement import AS_BUILT
from msc_kedro.dialogue.as_published import TARGET_TOKENS, arrangement, looked_up_speaker
from msc_kedro.dialogue.packing import IGNORED, NOTHING, attention_mask
from msc_kedro.dialogue.prompt import PromptStyle
from msc_kedro.dialogue.turns import Dialogue, Turn
from msc_kedro.errors import MscKedroError

SLOTS = {"video": 2, "audio": 1}
STYLE = PromptStyle()
BEGIN, END = 1, 2


class Letters:
    bos_id, eos_id = BEGIN, END

    def encode(self, text):
        return [ord(sign) for sign in text]


def talk(speakers="ABCA", name="d"):
    return Dialogue(
        name,
        "train",
        tuple(
            Turn(f"{name}{k}", speaker, f"text {k}", "low", name=f"train/dia0_utt{k}")
            for k, speaker in enumerate(speakers)
        ),
    )


def arranged(compat, dialogue=None, *, turn=2, room=800, with_targets=True, style=STYLE):
    """The pack of one reply, made in the way of these faults."""
    way = arrangement(compat)
    prompt = way.prompt(dialogue or talk(), tokens=Letters(), style=style)
    unit = way.reply_unit(prompt, turn, slots=SLOTS, history_tokens=room)
    pack = way.pack([unit], slots=SLOTS, with_targets=with_targets)
    if with_targets:
        assert unit.length == len(pack.token_ids)
    return pack


def said(pack, places=None):
    """A pack as text: slots are dots, zero vectors are 0."""
    marks = {BEGIN: "<s>", END: "</s>", NOTHING: "0", 0: "."}
    tokens = pack.token_ids if places is None else pack.token_ids[places]
    return "".join(marks[token] if token in marks else chr(token) for token in tokens.tolist())


def test_no_fault_is_the_way_as_built():
    assert arrangement([]) is AS_BUILT is arrangement(["shared_qformer"])


def test_padding_stands_between_prompt_and_target():
    right, wrong = arranged([]), arranged(["padding_inside"])
    end = int((right.labels != IGNORED).argmax())
    before, after = slice(0, end), slice(end, None)
    assert said(wrong) == said(right, before) + "0" + said(right, after)
    assert wrong.position_ids[:end].tolist() == list(range(end))
    assert wrong.position_ids[end:].tolist() == [799, *range(800, 800 + len(right.labels) - end)]
    seen = attention_mask(wrong)
    assert not seen[:, end].any()  # the padding is masked, for itself as well
    assert seen[end, :end].all() and not seen[end, end:].any()  # and the first token comes from it
    target = range(end + 1, len(seen))
    assert all(seen[row, :end].all() and seen[row, end + 1 : row + 1].all() for row in target)


def test_generation_stands_at_other_positions_than_training():
    trained = arranged(["padding_inside"])
    shown = arranged(["padding_inside"], with_targets=False)
    end = len(shown.token_ids) - 1
    assert shown.token_ids[end] == NOTHING and shown.position_ids.max() == end - 1
    assert trained.position_ids[end + 1] == 800  # the first token of a reply in training
    branch = shown.branches[0]
    assert (branch.start, branch.turn, branch.sees_itself) == (end, 2, False)


def test_a_prompt_without_room_for_padding_gets_none():
    whole = arranged([])
    end = int((whole.labels != IGNORED).argmax())
    full = arranged(["padding_inside"], room=end)
    assert said(full) == said(whole) and (full.position_ids == whole.position_ids).all()


def test_the_end_of_a_long_prompt_is_lost():
    whole = arranged([], turn=3)
    cut = arranged(["cut_at_end"], turn=3, room=100)
    end = int((cut.labels != IGNORED).argmax())
    assert end == 100 and said(cut, slice(100)) == said(whole, slice(100))
    assert "Reply as" not in said(cut) and "text 2" not in said(cut)
    assert "text 0" not in said(arranged([], turn=3, room=150))  # as built: the oldest go
    short = arranged(["cut_at_end"], turn=1)
    assert said(short) == said(arranged([], turn=1))


def test_the_target_is_filled_up_with_end_marks_that_are_learned():
    pack = arranged(["loss_on_padding"])
    start = int((pack.labels != IGNORED).argmax())
    assert said(pack).endswith("<s>text 2(low)" + "</s>" * (200 - len("text 2(low)") - 1))
    assert (pack.labels != IGNORED).sum() == 200
    assert (pack.labels[-50:] == END).all()
    seen = attention_mask(pack)
    real = start + len("text 2(low)") + 2
    assert not seen[:, real:].any()  # nothing attends to the padding
    assert seen[real:, :real].all()  # and all of it to the rest
    plain = arranged(["loss_on_padding"], style=PromptStyle(target="text"))
    assert (plain.labels != IGNORED).sum() == TARGET_TOKENS["text"] == 30


def test_every_piece_begins_with_a_begin_mark():
    pack = arranged(["loss_on_padding"], turn=1)
    assert said(pack).startswith(
        "<s>### Instruction: Give the next reply of the conversation."
        "<s>\n### Speaker A:...<s> text 0"
        "<s>\n### Reply as: text(voice description). Speaker B:<s>text 1(low)</s>"
    )
    assert said(arranged([], turn=1)).count("<s>") == 1


def test_a_target_that_is_too_long_loses_its_start():
    dialogue = talk()
    turns = (*dialogue.turns[:2], replace(dialogue.turns[2], text="x" * 300 + "y"))
    pack = arranged(["loss_on_padding"], replace(dialogue, turns=turns))
    target = said(pack, np.flatnonzero(pack.labels != IGNORED))
    assert target == "<s>" + "x" * 192 + "y(low)</s>"


def test_a_model_without_a_begin_mark_cannot_have_it():
    way = arrangement(["loss_on_padding"])
    letters = Letters()
    letters.bos_id = END
    with pytest.raises(MscKedroError, match="loss_on_padding puts a begin mark"):
        way.prompt(talk(), tokens=letters, style=STYLE)


def test_the_last_reply_is_asked_of_who_spoke_last():
    right, wrong = arranged([], turn=3), arranged(["speaker_lookup"], turn=3)
    assert "Speaker A:text 3" in said(right)
    assert "Speaker C:text 3" in said(wrong)
    assert said(arranged(["speaker_lookup"])) == said(arranged([]))  # the reply before is right


def test_where_history_was_dropped_too_all_speakers_shift():
    def tags(compat, room):
        text = said(arranged(compat, turn=3, room=room))
        return [part[0] for part in text.split("### Speaker ")[1:]]

    assert tags([], 180) == ["B", "C"] and tags(["speaker_lookup"], 180) == ["A", "B"]
    assert tags(["speaker_lookup"], 800) == tags([], 800) == ["A", "B", "C"]


def test_before_a_gap_in_the_numbering_too():
    dialogue = talk("ABCD")
    turns = list(dialogue.turns)
    turns[2] = replace(turns[2], name="train/dia0_utt5")
    gap = replace(dialogue, turns=tuple(turns))
    assert [looked_up_speaker(gap, k) for k in (1, 2, 3)] == ["B", "B", "C"]
    assert [looked_up_speaker(dialogue, k) for k in (1, 2, 3)] == ["B", "C", "C"]


def test_all_faults_together_and_several_replies_in_a_pack():
    way = arrangement(["padding_inside", "cut_at_end", "loss_on_padding", "speaker_lookup"])
    units = []
    for name in ("d", "e"):
        prompt = way.prompt(talk(name=name), tokens=Letters(), style=STYLE)
        units += [
            way.reply_unit(prompt, turn, slots=SLOTS, history_tokens=200) for turn in (1, 2, 3)
        ]
    pack = way.pack(units, slots=SLOTS)
    assert len(pack.token_ids) == sum(unit.length for unit in units)
    assert [(b.dialogue_id, b.turn) for b in pack.branches] == [
        (name, turn) for name in "de" for turn in (1, 2, 3)
    ]
    seen = attention_mask(pack)
    alone = way.pack(units[4:5], slots=SLOTS)
    begin = sum(unit.length for unit in units[:4])
    here = slice(begin, begin + units[4].length)
    assert (seen[here, here] == attention_mask(alone)).all()
    assert not seen[here, :begin].any() and not seen[here, here.stop :].any()
    assert (pack.token_ids[here] == alone.token_ids).all()
    held = {pack.utterance_ids[u] for u in pack.slot_utterance[here] if u >= 0}
    assert held == {alone.utterance_ids[u] for u in alone.slot_utterance if u >= 0}


@pytest.mark.real
@pytest.mark.parametrize(
    ("table", "wrong", "replies"),
    [("train", 863, 8951), ("dev", 91, 995), ("test", 218, 2330)],
)
def test_wrong_speakers_of_meld(table, wrong, replies):
    folder = os.environ.get("MSC_REAL_DATA")
    if not folder:
        pytest.skip("MSC_REAL_DATA names no folder with meld/*_sent_emo.csv")
    with (Path(folder) / "meld" / f"{table}_sent_emo.csv").open(encoding="utf-8") as file:
        rows = sorted(
            csv.DictReader(file), key=lambda r: (int(r["Dialogue_ID"]), int(r["Utterance_ID"]))
        )
    turns = {}
    for row in rows:
        name = f"{table}/dia{row['Dialogue_ID']}_utt{row['Utterance_ID']}"
        turn = Turn(name, row["Speaker"], row["Utterance"], name=name)
        turns.setdefault(row["Dialogue_ID"], []).append(turn)
    dialogues = [Dialogue(name, table, tuple(found)) for name, found in turns.items()]
    asked = [
        looked_up_speaker(dialogue, k) == dialogue.turns[k].speaker
        for dialogue in dialogues
        for k in range(1, len(dialogue.turns))
    ]
    assert (asked.count(False), len(asked)) == (wrong, replies)
