import pytest
from dialogue.test_as_published import SLOTS, STYLE, Letters, talk

from msc_kedro.dialogue.dropout import drop_slots
from msc_kedro.dialogue.packing import make_pack
from msc_kedro.dialogue.prompt import SlotPiece, dialogue_prompt
from msc_kedro.dialogue.units import reply_unit


def unit(turns=40):
    prompt = dialogue_prompt(talk("AB" * (turns // 2)), tokens=Letters(), style=STYLE)
    return reply_unit(prompt, turns - 1, slots=SLOTS, history_tokens=None)


def slots_of(one):
    return [p for pieces in one.prompt.turns for p in pieces if isinstance(p, SlotPiece)]


def test_none_are_dropped_by_default():
    whole = unit()
    assert drop_slots(share=0.0, seed="0 0")(whole) is whole
    assert not slots_of(drop_slots(share=1.0, seed="0 0")(whole))


@pytest.mark.parametrize("sense", ["video", "audio"])
def test_about_that_share_of_each_modality_is_dropped(sense):
    whole = unit(400)
    kept = [p for p in slots_of(drop_slots(share=0.3, seed="0 5")(whole)) if p.modality == sense]
    assert 0.62 < len(kept) / 400 < 0.78


def test_modalities_are_dropped_by_themselves_and_anew_in_each_step():
    whole = unit()

    def kept(seed):
        return {
            (p.modality, p.utterance_id) for p in slots_of(drop_slots(share=0.5, seed=seed)(whole))
        }

    assert kept("0 1") == kept("0 1")
    assert len({frozenset(kept(seed)) for seed in ("0 1", "0 2", "1 1")}) == 3
    names = {u for _, u in kept("0 1")}
    assert {len([1 for m, u in kept("0 1") if u == name]) for name in names} == {1, 2}


def test_what_is_dropped_takes_no_place_in_the_pack():
    whole = unit()
    dropped = drop_slots(share=0.5, seed="0 1")(whole)
    pack, before = make_pack([dropped], slots=SLOTS), make_pack([whole], slots=SLOTS)
    left = [(pack.slot_sense == k).sum() for k in (0, 1)]
    assert 0 < left[0] < (before.slot_sense == 0).sum()
    assert 0 < left[1] < (before.slot_sense == 1).sum()
    tokens = (before.slot_sense < 0).sum()
    assert len(pack.token_ids) == tokens + sum(left) < whole.length
    assert pack.position_ids.tolist() == list(range(len(pack.token_ids)))
