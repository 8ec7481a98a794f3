import dataclasses

import pytest
import torch
from toy_agent import toy_dialogue, toy_features

from msc_kedro.dialogue.collate import features_of_packs, has_frames
from msc_kedro.dialogue.packing import make_pack
from msc_kedro.dialogue.prompt import PromptStyle, dialogue_prompt
from msc_kedro.dialogue.units import dialogue_units, reply_unit
from msc_kedro.errors import MscKedroError


def prompt_of(agent, dialogue, load=toy_features, style=None):
    return dialogue_prompt(
        dialogue,
        tokens=agent.language.tokens,
        style=style or PromptStyle(),
        has=has_frames(load),
    )


def packed(agent, dialogues, load=toy_features):
    units = [
        unit
        for dialogue in dialogues
        for unit in dialogue_units(
            prompt_of(agent, dialogue, load),
            slots=agent.slots,
            token_budget=4000,
            history_tokens=2000,
        )
    ]
    pack = make_pack(units, slots=agent.slots)
    return pack, features_of_packs([pack], load)


def gradients(agent, batches):
    """Mean loss over all targets of the packs, and the gradient of everything trainable."""
    agent.zero_grad()
    sums = [agent.loss(pack, features) for pack, features in batches]
    loss = sum(s.total for s in sums) / sum(s.tokens for s in sums)
    loss.backward()
    return float(loss.detach()), {n: p.grad.clone() for n, p in agent.trainable().items()}


@pytest.mark.parametrize("order", [[0, 1, 2], [2, 1, 0], [1]])
def test_neighbours_in_the_pack_change_nothing(make_agent, order):
    agent = make_agent(stir=True)
    dialogues = [toy_dialogue("d"), toy_dialogue("ee", turns=5), toy_dialogue("f", turns=2)]
    pack, features = packed(agent, [dialogues[i] for i in order])
    logits = agent.target_logits(pack, features)
    at = 0
    for branch in pack.branches:
        count = branch.stop - branch.target_start
        if branch.dialogue_id == "ee":
            alone, its_features = packed(agent, [dialogues[1]])
            expected = agent.target_logits(alone, its_features)
            skip = sum(b.stop - b.target_start for b in alone.branches if b.turn < branch.turn)
            assert torch.allclose(logits[at : at + count], expected[skip : skip + count], atol=1e-4)
        at += count


def test_every_modality_reaches_the_reply(make_agent):
    agent = make_agent(stir=True)
    pack, features = packed(agent, [toy_dialogue("d")])
    base = agent.loss(pack, features).total.item()
    for sense, padded in features.items():
        flipped = features | {sense: dataclasses.replace(padded, values=-padded.values)}
        assert abs(agent.loss(pack, flipped).total.item() - base) > 1e-3


def test_untrained_is_the_language_model_as_it_came(make_agent, language_folder):
    from transformers import AutoModelForCausalLM

    agent = make_agent(stir=True)
    style = PromptStyle(modalities=("text",))
    prompt = prompt_of(agent, toy_dialogue("d"), style=style)
    pack = make_pack([reply_unit(prompt, 2, slots={}, history_tokens=None)], slots={})
    plain = AutoModelForCausalLM.from_pretrained(language_folder)
    labels = torch.from_numpy(pack.labels)[None]
    expected = plain(input_ids=torch.from_numpy(pack.token_ids)[None], labels=labels).loss
    with agent.untrained():
        found = agent.loss(pack, {})
    assert found.total.item() / found.tokens == pytest.approx(expected.item(), rel=1e-5)
    assert agent.loss(pack, {}).total.item() != pytest.approx(found.total.item(), rel=1e-4)


def test_state_goes_out_and_in_again(make_agent):
    agent, other = make_agent(stir=True), make_agent()
    pack, features = packed(agent, [toy_dialogue("d")])
    state = agent.trainable_state()
    assert not [name for name in state if "embed_tokens" in name or "base_layer" in name]
    other.load_trainable_state(state)
    assert torch.equal(other.target_logits(pack, features), agent.target_logits(pack, features))
    state.pop("video.queries")
    with pytest.raises(MscKedroError, match=r"1 tensors differ.*video.queries"):
        other.load_trainable_state(state)


def test_a_model_in_bfloat16_trains_float32_tensors(make_agent):
    agent = make_agent(stir=True, dtype="bfloat16")
    exact = make_agent(stir=True)
    loss, found = gradients(agent, [packed(agent, [toy_dialogue("d")])])
    expected_loss, _ = gradients(exact, [packed(exact, [toy_dialogue("d")])])
    assert loss == pytest.approx(expected_loss, rel=0.02)
    assert all(g.dtype == torch.float32 and g.any() for g in found.values())


def test_features_of_another_encoder_are_refused(make_agent):
    agent = make_agent()

    def wide(name):
        found = toy_features(name)
        return dataclasses.replace(found, video=found.video[:, :4])

    pack, features = packed(agent, [toy_dialogue("d")], wide)
    with pytest.raises(MscKedroError, match="4 wide, the Q-Former reads 6"):
        agent.loss(pack, features)


def test_a_dialogue_beyond_the_context_is_refused(make_agent):
    agent = make_agent()
    agent.network.config.max_position_embeddings = 100
    pack, features = packed(agent, [toy_dialogue("d")])
    with pytest.raises(MscKedroError, match=r"was made for 100. Lower token_budget"):
        agent.loss(pack, features)
