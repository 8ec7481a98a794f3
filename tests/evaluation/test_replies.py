import pytest
from toy_agent import toy_dialogue, toy_features

from msc_kedro.agent.generate import Decoding
from msc_kedro.dialogue.prompt import PromptStyle
from msc_kedro.errors import MscKedroError
from msc_kedro.evaluation.perplexity import gold_losses
from msc_kedro.evaluation.replies import reply_table
from msc_kedro.tables import schema

TEST = [toy_dialogue("d", split="test"), toy_dialogue("ee", turns=3, split="test")]


def test_every_turn_that_answers_another_has_a_row(make_agent):
    table = reply_table(
        TEST,
        make_agent(stir=True),
        load=toy_features,
        style=PromptStyle(),
        decoding=Decoding(max_new_tokens=6),
    )
    schema("replies").validate(table)
    assert list(table["utterance_id"]) == ["d-1", "d-2", "d-3", "ee-1", "ee-2"]
    assert list(table["speaker"]) == ["B", "A", "B", "B", "A"]
    assert list(table["history_turns"]) == [1, 2, 3, 1, 2]
    assert table["reference_text"][0] == TEST[0].turns[1].text
    assert table["reference_description"][0] == TEST[0].turns[1].description


def test_an_empty_split_is_refused(make_agent):
    with pytest.raises(MscKedroError, match="test split holds no reply"):
        reply_table([], make_agent(), load=toy_features, style=PromptStyle())


def test_gold_losses_are_the_training_loss(make_agent):
    from msc_kedro.dialogue.collate import features_of_packs
    from msc_kedro.dialogue.packing import make_pack
    from msc_kedro.dialogue.prompt import dialogue_prompt
    from msc_kedro.dialogue.units import dialogue_units

    agent = make_agent(stir=True)
    table = gold_losses(TEST, agent, load=toy_features, style=PromptStyle())
    units = [
        unit
        for one in TEST
        for unit in dialogue_units(
            dialogue_prompt(one, tokens=agent.language.tokens, style=PromptStyle()),
            slots=agent.slots,
            token_budget=4000,
            history_tokens=800,
        )
    ]
    pack = make_pack(units, slots=agent.slots)
    packed = agent.loss(pack, features_of_packs([pack], toy_features))
    assert table["tokens"].sum() == packed.tokens
    assert table["loss_nats"].sum() == pytest.approx(packed.total.item(), rel=1e-5)
