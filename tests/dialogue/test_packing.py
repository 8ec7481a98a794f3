import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from msc_kedro.dialogue.packing import IGNORED, attention_mask, fill_packs, make_pack
from msc_kedro.dialogue.prompt import PromptStyle, dialogue_prompt
from msc_kedro.dialogue.turns import Dialogue, Turn
from msc_kedro.dialogue.units import dialogue_units, reply_unit
from msc_kedro.errors import MscKedroError

SLOTS = {"video": 3, "audio": 2}
STYLE = PromptStyle()


class Letters:
    bos_id = 1
    eos_id = 2

    def encode(self, text):
        return [ord(sign) for sign in text]


@st.composite
def prompts(draw, name="d"):
    turns = draw(
        st.lists(
            st.tuples(
                st.sampled_from("ABC"), st.text("xyz", max_size=9), st.text("uv", max_size=5)
            ),
            min_size=2,
            max_size=9,
        )
    )
    unseen = draw(st.sets(st.tuples(st.integers(0, 8), st.sampled_from(["video", "audio"]))))
    dialogue = Dialogue(
        name, "train", tuple(Turn(f"{name}-{k}", *turn) for k, turn in enumerate(turns))
    )
    return dialogue_prompt(
        dialogue,
        tokens=Letters(),
        style=STYLE,
        has=lambda u, sense: (int(u.split("-")[1]), sense) not in unseen,
    )


several = st.integers(1, 4).flatmap(
    lambda count: st.tuples(*(prompts(name=f"d{index}") for index in range(count)))
)


def contents(pack, places):
    """What stands at places: token, or which vector of which utterance."""
    return [
        (int(pack.token_ids[i]), int(pack.position_ids[i]))
        if pack.slot_sense[i] < 0
        else (
            pack.utterance_ids[pack.slot_utterance[i]],
            int(pack.slot_sense[i]),
            int(pack.slot_query[i]),
            int(pack.position_ids[i]),
        )
        for i in places
    ]


@settings(deadline=None, max_examples=60)
@given(several)
def test_a_branch_sees_what_its_reply_alone_would_read(made):
    units = [
        unit
        for prompt in made
        for unit in dialogue_units(prompt, slots=SLOTS, token_budget=5000, history_tokens=800)
    ]
    pack = make_pack(units, slots=SLOTS)
    mask = attention_mask(pack)
    by_name = {prompt.dialogue.dialogue_id: prompt for prompt in made}
    assert len(pack.token_ids) == sum(unit.length for unit in units)
    for branch in pack.branches:
        alone = make_pack(
            [
                reply_unit(
                    by_name[branch.dialogue_id], branch.turn, slots=SLOTS, history_tokens=None
                )
            ],
            slots=SLOTS,
        )
        seen = np.flatnonzero(mask[branch.stop - 1])
        # The same things at the same positions, and nothing else.
        assert contents(pack, seen) == contents(alone, range(len(alone.token_ids)))
        assert alone.position_ids.tolist() == list(range(len(alone.token_ids)))
        # Every position on the way sees just what stands before it.
        for place, row in enumerate(seen):
            assert np.flatnonzero(mask[row]).tolist() == seen[: place + 1].tolist()
        assert pack.labels[seen].tolist() == alone.labels.tolist()


@settings(deadline=None, max_examples=100)
@given(several, st.integers(240, 700), st.integers(180, 240), st.sampled_from(["all", "each"]))
def test_every_reply_is_a_target_once_within_the_budget(made, budget, history, packing):
    if packing == "all":
        units = [
            unit
            for prompt in made
            for unit in dialogue_units(
                prompt, slots=SLOTS, token_budget=budget, history_tokens=history
            )
        ]
        assert all(unit.length <= budget for unit in units)
    else:
        units = [
            reply_unit(prompt, turn, slots=SLOTS, history_tokens=history)
            for prompt in made
            for turn in range(1, len(prompt.turns))
        ]
    filled = fill_packs(units, token_budget=budget)
    assert sorted(i for pack in filled for i in pack) == list(range(len(units)))
    taught = []
    for chosen in filled:
        pack = make_pack([units[i] for i in chosen], slots=SLOTS)
        # A reply by itself brings its target on top of the history: alone it may exceed the budget.
        assert len(pack.token_ids) <= budget or (packing == "each" and len(chosen) == 1)
        learned = np.flatnonzero(pack.labels != IGNORED)
        assert (pack.labels[learned] == pack.token_ids[learned]).all()
        within = [i for b in pack.branches for i in range(b.target_start, b.stop)]
        assert learned.tolist() == within
        assert pack.target_tokens == len(within)
        for branch in pack.branches:
            prompt = next(p for p in made if p.dialogue.dialogue_id == branch.dialogue_id)
            assert branch.first_turn < branch.turn
            target = pack.labels[branch.target_start : branch.stop].tolist()
            assert target == list(prompt.targets[branch.turn].ids)
            assert branch.target_start > branch.start  # a token of the branch predicts the first
            taught.append((branch.dialogue_id, branch.turn))
    expected = [(p.dialogue.dialogue_id, k) for p in made for k in range(1, len(p.turns))]
    assert sorted(taught) == sorted(expected)


@settings(deadline=None)
@given(prompts(), st.integers(1, 8), st.integers(180, 360))
def test_the_oldest_whole_utterances_are_dropped(prompt, turn, history):
    turn = min(turn, len(prompt.turns) - 1)
    unit = reply_unit(prompt, turn, slots=SLOTS, history_tokens=history)
    shown = make_pack([unit], slots=SLOTS, with_targets=False)
    assert len(shown.token_ids) <= history
    whole = reply_unit(prompt, turn, slots=SLOTS, history_tokens=None)
    if unit.first_turn > 0:  # one more would not have fitted
        before = Dialogue("d", "train", prompt.dialogue.turns[unit.first_turn - 1 :])
        kept = len(shown.token_ids) + sum(
            len(p.ids) if hasattr(p, "ids") else SLOTS[p.modality]
            for p in prompt.turns[unit.first_turn - 1]
        )
        assert before.turns and kept > history
    else:
        assert unit == whole


@given(prompts())
def test_a_prompt_is_the_pack_without_its_target(prompt):
    unit = reply_unit(prompt, 1, slots=SLOTS, history_tokens=None)
    asked, taught = (make_pack([unit], slots=SLOTS, with_targets=w) for w in (False, True))
    end = taught.branches[0].target_start
    assert contents(asked, range(len(asked.token_ids))) == contents(taught, range(end))
    assert asked.target_tokens == 0


def test_a_sliding_window_counts_positions_of_the_branch():
    turns = tuple(Turn(f"d-{k}", "A", "xxxx", "") for k in range(4))
    prompt = dialogue_prompt(Dialogue("d", "train", turns), tokens=Letters(), style=STYLE)
    (unit,) = dialogue_units(prompt, slots=SLOTS, token_budget=5000, history_tokens=800)
    pack = make_pack([unit], slots=SLOTS)
    full, windowed = attention_mask(pack), attention_mask(pack, window=20)
    apart = pack.position_ids[:, None] - pack.position_ids[None, :]
    assert (windowed == (full & (apart < 20))).all()
    assert windowed.sum(axis=1).max() == 20


def test_an_utterance_that_cannot_fit_is_refused():
    turns = (Turn("d-0", "A", "x" * 900, ""), Turn("d-1", "B", "x", ""))
    prompt = dialogue_prompt(Dialogue("d", "train", turns), tokens=Letters(), style=STYLE)
    with pytest.raises(MscKedroError, match=r"d-1 needs .* token_budget is 300"):
        dialogue_units(prompt, slots=SLOTS, token_budget=300, history_tokens=200)
    with pytest.raises(MscKedroError, match="history_tokens is 300"):
        reply_unit(prompt, 1, slots=SLOTS, history_tokens=300)
