"""The published way of computing, against transformers used as the published code uses it."""

import pytest
import torch
from torch.nn import functional
from toy_agent import toy_dialogue, toy_features

from msc_kedro.agent.generate import generate_tokens
from msc_kedro.agent.model import Agent
from msc_kedro.dialogue.collate import features_of_packs
from msc_kedro.dialogue.packing import IGNORED
from msc_kedro.dialogue.prompt import PromptStyle
from msc_kedro.errors import MscKedroError
from msc_kedro.training.adapter import agent_of_adapter, make_adapter

ALL = ("padding_inside", "cut_at_end", "loss_on_padding", "speaker_lookup")
ROOM = 420
STYLE = PromptStyle(target="text")


def with_faults(agent, *compat):
    return Agent(agent.language, agent.senses, seed=1, compat=compat)


def packs_of(agent, turns, *, with_targets, room=ROOM):
    way = agent.arrangement
    prompt = way.prompt(toy_dialogue("d", turns=5), tokens=agent.language.tokens, style=STYLE)
    units = [way.reply_unit(prompt, turn, slots=agent.slots, history_tokens=room) for turn in turns]
    return [way.pack([unit], slots=agent.slots, with_targets=with_targets) for unit in units]


def as_published(agent, pack, room):
    """Embedded prompt with zeros up to the room, its mask, and the padded target's ids and mask."""
    vectors = agent.slot_vectors(features_of_packs([pack], toy_features))
    branch = pack.branches[0]
    embedded = agent.embed(pack, vectors)
    end = min(branch.start, room) if pack.token_ids[branch.start - 1] != -1 else branch.start - 1
    prompt = torch.zeros(room, embedded.shape[1])
    prompt[:end] = embedded[:end]
    mask = torch.zeros(room, dtype=torch.long)
    mask[:end] = 1
    ids = torch.from_numpy(pack.labels[pack.labels != IGNORED])
    real = torch.zeros_like(ids)
    real[: branch.stop - branch.start] = 1
    return prompt, mask, ids, real


@pytest.mark.parametrize("room", [ROOM, 330])
def test_the_loss_is_the_published_computation(make_agent, room):
    """At 330 positions the longest prompt is cut at its end, and gets no padding."""
    agent = with_faults(make_agent(stir=True), *ALL).eval()
    for pack in packs_of(agent, [1, 2, 3, 4], with_targets=True, room=room):
        prompt, mask, ids, real = as_published(agent, pack, room)
        with torch.no_grad():
            logits = agent.network(
                inputs_embeds=torch.cat([prompt, agent.language.embed(ids)])[None],
                attention_mask=torch.cat([mask, real])[None],
            ).logits[0]
            found = agent.token_losses(pack, features_of_packs([pack], toy_features))
        expected = functional.cross_entropy(logits[-len(ids) - 1 : -1], ids, reduction="none")
        assert len(ids) == 30
        assert torch.allclose(found, expected, atol=1e-4)


def test_several_published_replies_in_a_pack_are_those_replies(make_agent):
    agent = with_faults(make_agent(stir=True), *ALL).eval()
    way = agent.arrangement
    prompt = way.prompt(toy_dialogue("d", turns=5), tokens=agent.language.tokens, style=STYLE)
    units = [way.reply_unit(prompt, t, slots=agent.slots, history_tokens=ROOM) for t in (1, 2, 4)]
    together = way.pack(units, slots=agent.slots)
    with torch.no_grad():
        found = agent.token_losses(together, features_of_packs([together], toy_features))
        alone = [
            agent.token_losses(pack, features_of_packs([pack], toy_features))
            for pack in packs_of(agent, [1, 2, 4], with_targets=True)
        ]
    assert torch.allclose(found, torch.cat(alone), atol=1e-4)


def test_generation_is_the_published_computation(make_agent):
    agent = with_faults(make_agent(stir=True), *ALL).eval()
    shown = packs_of(agent, [1, 3], with_targets=False)
    features = features_of_packs(shown, toy_features)

    def greedy(_step, logits):
        return logits.argmax(dim=-1).tolist()

    found = generate_tokens(agent, shown, features, choose=greedy, max_new_tokens=12)
    learned = packs_of(agent, [1, 3], with_targets=True)
    for ids, pack in zip(found, learned, strict=True):
        prompt, mask, _, _ = as_published(agent, pack, ROOM)
        expected = agent.network.generate(
            inputs_embeds=prompt[None],
            attention_mask=mask[None],
            do_sample=False,
            max_new_tokens=12,
            pad_token_id=2,
        )[0].tolist()
        assert ids == expected[: len(ids)]


def test_training_and_generation_differ_only_as_published(make_agent):
    """As built they agree (test_generate.py); with padding inside the same prompt does not."""
    agent = with_faults(make_agent(stir=True), "padding_inside").eval()
    shown = packs_of(agent, [2], with_targets=False)
    learned = packs_of(agent, [2], with_targets=True)[0]
    seen = []

    def choose(_step, logits):
        seen.append(logits[0])
        return [int(learned.labels[learned.labels != IGNORED][0])]

    features = features_of_packs(shown, toy_features)
    generate_tokens(agent, shown, features, choose=choose, max_new_tokens=2)
    with torch.no_grad():
        trained = agent.target_logits(learned, features)
    assert not torch.allclose(torch.stack(seen), trained[:2], atol=1e-3)


def test_one_q_former_for_both_senses(make_agent, language_folder):
    agent = make_agent(stir=True)
    shared = with_faults(agent, "shared_qformer")
    video, audio = shared.qformers["video"], shared.qformers["audio"]
    assert audio.queries is video.queries and audio.layers is video.layers
    assert audio.front is not video.front and audio.back is not video.back
    names = [name for name in shared.trainable() if name.startswith("audio.")]
    assert names == ["audio.front.weight", "audio.time.weight", "audio.back.weight"]
    assert "video.queries" in shared.trainable()
    apart = {n for n in agent.trainable() if n.startswith("audio.")}
    assert len(apart) > 20  # as built each has its own

    pack = packs_of(shared, [2], with_targets=True)[0]
    features = features_of_packs([pack], toy_features)
    held = []
    for sense in ("video", "audio"):
        shared.zero_grad()
        vectors = shared.slot_vectors({sense: features[sense]})[sense].vectors
        vectors.square().sum().backward()
        held.append(video.queries.grad.abs().sum() > 0)
    assert all(held)  # both senses train it

    adapter = make_adapter(shared, STYLE, shared.trainable_state())
    assert adapter.config["compat"] == ["shared_qformer"]
    again = agent_of_adapter(adapter, agent.language)
    assert again.qformers["audio"].layers is again.qformers["video"].layers
    with torch.no_grad():
        assert torch.equal(
            again.target_logits(pack, features), shared.target_logits(pack, features)
        )


def test_different_shapes_cannot_be_shared(make_agent):
    agent = make_agent()
    other = make_agent(layers=1)
    senses = {"video": agent.senses["video"], "audio": other.senses["audio"]}
    with pytest.raises(MscKedroError, match="shared_qformer needs one shape"):
        Agent(agent.language, senses, seed=0, compat=["shared_qformer"])


def test_one_sense_alone_has_nothing_to_share(make_agent):
    agent = make_agent()
    alone = Agent(
        agent.language, {"audio": agent.senses["audio"]}, seed=0, compat=["shared_qformer"]
    )
    assert "audio.queries" in alone.trainable()
