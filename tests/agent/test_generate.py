import pytest
import torch
from toy_agent import toy_dialogue, toy_features

from msc_kedro.agent.generate import Decoding, ReplyRequest, generate_tokens, reply
from msc_kedro.dialogue.collate import features_of_packs
from msc_kedro.dialogue.packing import make_pack
from msc_kedro.dialogue.prompt import PromptStyle, dialogue_prompt
from msc_kedro.dialogue.units import reply_unit
from msc_kedro.errors import MscKedroError


def prompts(agent, style=None):
    dialogues = [toy_dialogue("d"), toy_dialogue("ee", turns=6), toy_dialogue("f", turns=2)]
    return [
        dialogue_prompt(one, tokens=agent.language.tokens, style=style or PromptStyle())
        for one in dialogues
    ]


def requests(agent, style=None):
    return [ReplyRequest(p, turn) for p in prompts(agent, style) for turn in range(1, len(p.turns))]


def test_generation_sees_what_training_saw(make_agent):
    """Logits of generation, fed with the true reply, are those of training for the same prefix."""
    agent = make_agent(stir=True).eval()
    asked = requests(agent)
    units = [reply_unit(r.prompt, r.turn, slots=agent.slots, history_tokens=None) for r in asked]
    shown = [make_pack([unit], slots=agent.slots, with_targets=False) for unit in units]
    forced = [list(r.prompt.targets[r.turn].ids) for r in asked]
    seen = []

    def choose(step, logits):
        seen.append(logits)
        return [ids[min(step, len(ids) - 1)] for ids in forced]

    features = features_of_packs(shown, toy_features)
    written = generate_tokens(agent, shown, features, choose=choose, max_new_tokens=500)
    assert written == forced
    for row, (unit, ids) in enumerate(zip(units, forced, strict=True)):
        pack = make_pack([unit], slots=agent.slots)
        with torch.no_grad():
            expected = agent.target_logits(pack, features_of_packs([pack], toy_features))
        found = torch.stack([seen[step][row] for step in range(len(ids))])
        assert torch.allclose(found, expected, atol=1e-4)


@pytest.mark.parametrize("method", ["greedy", "sample"])
def test_a_reply_does_not_depend_on_its_batch(make_agent, method):
    agent = make_agent(stir=True)
    asked = requests(agent)
    one_by_one, together = (
        reply(
            agent,
            asked,
            toy_features,
            decoding=Decoding(method=method, max_new_tokens=12, batch_size=size),
        )
        for size in (1, 4)
    )
    assert one_by_one == together
    assert len({answer.written for answer in together}) > 1


def test_a_sampled_reply_does_not_depend_on_what_else_is_asked_for(make_agent):
    agent = make_agent(stir=True)
    decoding = Decoding(method="sample", max_new_tokens=12, top_k=100, temperature=3.0, top_p=1.0)
    asked = requests(agent)
    together = reply(agent, asked, toy_features, decoding=decoding)
    alone = reply(agent, asked[-1:], toy_features, decoding=decoding)
    assert alone == together[-1:]


def test_sampling_follows_its_seed(make_agent):
    agent = make_agent(stir=True)

    def sampled(seed):
        decoding = Decoding(
            method="sample", max_new_tokens=12, seed=seed, top_k=100, temperature=3.0, top_p=1.0
        )
        return reply(agent, requests(agent), toy_features, decoding=decoding)

    assert sampled(0) == sampled(0) != sampled(1)


def test_narrow_sampling_is_greedy(make_agent):
    agent = make_agent(stir=True)
    greedy = reply(agent, requests(agent), toy_features, decoding=Decoding(max_new_tokens=8))
    narrow = Decoding(method="sample", max_new_tokens=8, top_k=1)
    assert reply(agent, requests(agent), toy_features, decoding=narrow) == greedy


def test_an_empty_reply_is_a_reply(make_agent):
    """A model that ends at once gives empty text, not an error."""
    agent = make_agent()
    head = agent.network.get_output_embeddings()
    with torch.no_grad():
        head.weight.zero_()
    ended = agent.language.tokens.eos_id

    def bias(_module, _given, output):
        output[..., ended] += 1
        return output

    head.register_forward_hook(bias)
    found = reply(agent, requests(agent), toy_features)
    assert {(r.text, r.description, r.tokens, r.ended) for r in found} == {("", "", 0, True)}


def test_history_is_cut_to_the_room(make_agent):
    agent = make_agent()
    found = reply(
        agent,
        requests(agent),
        toy_features,
        decoding=Decoding(max_new_tokens=1),
        history_tokens=195,
    )
    assert [r.history_turns for r in found][:3] == [1, 2, 2]
    with pytest.raises(MscKedroError, match="history_tokens is 50"):
        reply(agent, requests(agent), toy_features, history_tokens=50)


def test_a_text_target_keeps_its_brackets(make_agent):
    agent = make_agent(stir=True)
    style = PromptStyle(target="text")
    found = reply(agent, requests(agent, style), toy_features, decoding=Decoding(max_new_tokens=9))
    assert all(r.text == r.written and r.description == "" for r in found)


def test_progress_counts_up(make_agent):
    agent, seen = make_agent(), []
    decoding = Decoding(max_new_tokens=1, batch_size=5)
    reply(
        agent, requests(agent), toy_features, decoding=decoding, progress=lambda *c: seen.append(c)
    )
    assert seen == [(5, 9), (9, 9)]


def test_impossible_sampling_is_refused(make_agent):
    agent = make_agent()
    with pytest.raises(MscKedroError, match="temperature 0"):
        reply(
            agent, requests(agent), toy_features, decoding=Decoding(method="sample", temperature=0)
        )
