"""A dialogue read once is each of its replies read alone: loss, gradients, and what is seen."""

import dataclasses
import shutil

import pytest
import torch
from toy_agent import toy_dialogue, toy_features

from msc_kedro.agent.language_model import LoraSettings, load_language_model
from msc_kedro.agent.model import Agent
from msc_kedro.dialogue.collate import features_of_packs, has_frames
from msc_kedro.dialogue.packing import attention_mask, make_pack
from msc_kedro.dialogue.prompt import PromptStyle, dialogue_prompt
from msc_kedro.dialogue.units import dialogue_units, reply_unit

DIALOGUES = [toy_dialogue("d"), toy_dialogue("ee", turns=6), toy_dialogue("f", turns=2)]


def prompt_of(agent, dialogue, load=toy_features, style=None):
    tokens, style = agent.language.tokens, style or PromptStyle()
    return dialogue_prompt(dialogue, tokens=tokens, style=style, has=has_frames(load))


def packed(agent, dialogues, load=toy_features, *, history_tokens=2000, window=False, style=None):
    units = [
        unit
        for dialogue in dialogues
        for unit in dialogue_units(
            prompt_of(agent, dialogue, load, style),
            slots=agent.slots,
            token_budget=4000,
            history_tokens=history_tokens,
            window=window,
        )
    ]
    pack = make_pack(units, slots=agent.slots)
    return pack, features_of_packs([pack], load)


def singles(agent, dialogues, load=toy_features, *, history_tokens=None, style=None):
    made = []
    for dialogue in dialogues:
        prompt = prompt_of(agent, dialogue, load, style)
        for turn in range(1, len(dialogue.turns)):
            unit = reply_unit(prompt, turn, slots=agent.slots, history_tokens=history_tokens)
            pack = make_pack([unit], slots=agent.slots)
            made.append((pack, features_of_packs([pack], load)))
    return made


def gradients(agent, batches):
    """Mean loss over all targets of the packs, and the gradient of everything trainable."""
    agent.zero_grad()
    sums = [agent.loss(pack, features) for pack, features in batches]
    loss = sum(s.total for s in sums) / sum(s.tokens for s in sums)
    loss.backward()
    return float(loss.detach()), {n: p.grad.clone() for n, p in agent.trainable().items()}


def gaps(found, expected):
    """Relative distance per tensor; of those whose gradient is 0 by nature, of the whole's."""
    whole = torch.stack([gradient.norm() for gradient in expected.values()]).norm()
    apart = {}
    for name, gradient in expected.items():
        # A key's bias moves all scores of a softmax alike: its gradient is 0 but for rounding.
        scale = 100 * whole if name.endswith("key.bias") else gradient.norm()
        assert scale > 0, f"{name} is not trained"
        apart[name] = float((found[name] - gradient).norm() / scale)
    return apart


@pytest.mark.parametrize("order", [[0, 1, 2], [2, 0, 1], [1, 2, 0]])
def test_packed_and_per_reply_agree_in_loss_and_every_gradient(make_agent, order):
    agent = make_agent(stir=True)
    together = gradients(agent, [packed(agent, [DIALOGUES[i] for i in order])])
    apart = gradients(agent, singles(agent, DIALOGUES))
    assert together[0] == pytest.approx(apart[0], rel=1e-5)
    assert together[1].keys() == apart[1].keys()
    worst = gaps(together[1], apart[1])
    assert max(worst.values()) < 1e-4, max(worst.items(), key=lambda item: item[1])


def test_the_loss_is_the_sum_over_targets_by_their_number(make_agent):
    agent = make_agent(stir=True)
    pack, features = packed(agent, DIALOGUES)
    losses = agent.token_losses(pack, features)
    written = sum(len(d.turns) - 1 for d in DIALOGUES)
    assert len(pack.branches) == written and len(losses) == pack.target_tokens
    found = agent.loss(pack, features)
    assert found.tokens == len(losses)
    assert float(found.total.detach()) == pytest.approx(float(losses.sum().detach()), rel=1e-6)


@pytest.mark.parametrize("part", ["text", "features", "speaker"])
def test_nothing_later_reaches_an_earlier_reply(make_agent, part):
    """Turn 3 becomes another one: the replies at turns 1, 2 and 3 do not move by a bit.

    Turn 3's own reply is a branch of its own; its logits up to the first changed token stay too.
    """
    agent = make_agent(stir=True)
    dialogue = toy_dialogue("d", turns=6)
    turns = list(dialogue.turns)
    if part == "text":  # as long as before: rounding depends on the shapes
        turns[3] = dataclasses.replace(turns[3], text=turns[3].text[::-1])
    elif part == "speaker":
        turns[4] = dataclasses.replace(turns[4], speaker="C")
    changed = dataclasses.replace(dialogue, turns=tuple(turns))

    def other(name):
        found = toy_features(name)
        if part == "features" and name == "d-3":
            return dataclasses.replace(found, audio=found.audio * -3, video=found.video + 5)
        return found

    pack, features = packed(agent, [dialogue, DIALOGUES[1]])
    moved, its_features = packed(agent, [changed, DIALOGUES[1]], other)
    before, after = agent.target_logits(pack, features), agent.target_logits(moved, its_features)
    at, still, others = 0, [], []
    for branch in pack.branches:
        stretch = slice(at, at := at + branch.stop - branch.target_start)
        if branch.dialogue_id == "ee":
            still.append(stretch)  # another dialogue of the pack
        elif branch.turn <= (2 if part == "text" else 3):
            still.append(stretch)
        elif branch.turn == 5:
            others.append(stretch)
    assert all(torch.equal(before[s], after[s]) for s in still)
    assert not any(torch.allclose(before[s], after[s], atol=1e-3) for s in others)


def test_another_branch_is_never_seen(make_agent):
    """The description of a reply stands in its branch alone: no other branch moves by a bit."""
    agent = make_agent(stir=True)
    dialogue = toy_dialogue("d", turns=5)
    turns = list(dialogue.turns)
    turns[2] = dataclasses.replace(turns[2], description=turns[2].description[::-1])
    changed = dataclasses.replace(dialogue, turns=tuple(turns))
    (pack, features), (moved, _) = packed(agent, [dialogue]), packed(agent, [changed])
    before, after = agent.target_logits(pack, features), agent.target_logits(moved, features)
    at = 0
    for branch in pack.branches:
        stretch = slice(at, at := at + branch.stop - branch.target_start)
        assert torch.equal(before[stretch], after[stretch]) == (branch.turn != 2)


def mistral(language_folder, tmp_path, *, sliding_window):
    from transformers import MistralConfig, MistralForCausalLM

    shutil.copytree(language_folder, tmp_path / "m", dirs_exist_ok=True)
    config = MistralConfig(
        vocab_size=259,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=3,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=8,
        max_position_embeddings=4096,
        initializer_range=0.2,
        sliding_window=sliding_window,
        eos_token_id=2,
        bos_token_id=1,
    )
    torch.manual_seed(3)
    MistralForCausalLM(config).save_pretrained(tmp_path / "m")
    return tmp_path / "m"


@pytest.mark.parametrize("sliding_window", [16, 4096])
def test_mistrals_sliding_window_is_its_own(language_folder, tmp_path, sliding_window):
    """Packed losses are those of transformers' own Mistral under SDPA, reply by reply."""
    from transformers import AutoModelForCausalLM

    folder = mistral(language_folder, tmp_path, sliding_window=sliding_window)
    language = load_language_model(folder, dtype="float32", lora=LoraSettings(dropout=0.0))
    agent = Agent(language, {}, seed=0).eval()
    assert language.sliding_window == sliding_window
    own = AutoModelForCausalLM.from_pretrained(folder, attn_implementation="sdpa").eval()
    style = PromptStyle(modalities=("text",))
    expected = []
    for single, _ in singles(agent, DIALOGUES, style=style):
        labels = torch.from_numpy(single.labels)[None]
        found = own(input_ids=torch.from_numpy(single.token_ids)[None], labels=labels)
        expected.append(float(found.loss) * single.target_tokens)
    pack, _ = packed(agent, DIALOGUES, style=style)
    loss = agent.loss(pack, {})
    assert float(loss.total) == pytest.approx(sum(expected), rel=1e-6)
    if sliding_window == 16:
        agent.network.config.sliding_window = None
        assert float(agent.loss(pack, {}).total) != pytest.approx(sum(expected), rel=1e-3)


def test_truncated_dialogues_differ_and_by_how_much_is_told(make_agent, record_property):
    """Where history is dropped the arms read different things: reported, not held equal."""
    agent = make_agent(stir=True)
    dialogues, kept = [toy_dialogue("gg", turns=7)], 260
    losses = {
        "per reply": gradients(agent, singles(agent, dialogues, history_tokens=kept)),
        "windowed": gradients(agent, [packed(agent, dialogues, history_tokens=kept, window=True)]),
        "whole history": gradients(agent, [packed(agent, dialogues)]),
    }
    for name, (loss, gradient) in losses.items():
        worst = max(gaps(gradient, losses["per reply"][1]).values())
        record_property(name, f"loss {loss:.4f}, furthest gradient {worst:.2g}")
    assert all(loss > 0 for loss, _ in losses.values())


def test_a_window_keeps_a_branch_from_the_older_turns(make_agent):
    agent = make_agent(stir=True)
    dialogue, kept = toy_dialogue("gg", turns=7), 260
    prompt = prompt_of(agent, dialogue)
    pack, features = packed(agent, [dialogue], history_tokens=kept, window=True)
    mask = attention_mask(pack)
    limited = 0
    for branch in pack.branches:
        alone = reply_unit(prompt, branch.turn, slots=agent.slots, history_tokens=kept)
        assert branch.first_turn == alone.first_turn
        limited += alone.first_turn > 0
        # As many positions are seen as that sample has, and the same tokens stand there.
        single = make_pack([alone], slots=agent.slots)
        seen = mask[branch.stop - 1].nonzero()[0]
        assert pack.token_ids[seen].tolist() == single.token_ids.tolist()
    assert limited >= 2
    # Without older turns to drop it is the plain pack.
    whole, its_features = packed(agent, [dialogue], window=True)
    plain, _ = packed(agent, [dialogue])
    assert whole.segments == plain.segments
    assert torch.equal(
        agent.target_logits(whole, its_features), agent.target_logits(plain, features)
    )


def test_losses_in_chunks_are_the_losses(make_agent, monkeypatch):
    from msc_kedro.agent import model

    agent = make_agent(stir=True)
    batch = [packed(agent, DIALOGUES)]
    whole = gradients(agent, batch)
    monkeypatch.setattr(model, "_CHUNK", 7)
    parts = gradients(agent, batch)
    assert parts[0] == pytest.approx(whole[0], rel=1e-6)
    assert max(gaps(parts[1], whole[1]).values()) < 1e-5


@pytest.mark.parametrize(("chunk", "kept"), [(16, 0), (10_000, "all")])
def test_logits_are_not_kept_for_the_backward_pass(make_agent, monkeypatch, chunk, kept):
    """They are made again there, chunk by chunk; those of one chunk that holds all are kept."""
    from msc_kedro.agent import model

    monkeypatch.setattr(model, "_CHUNK", chunk)
    agent = make_agent(stir=True)
    pack, features = packed(agent, DIALOGUES)
    rows = []

    def keep(tensor):
        if tensor.dim() == 2 and tensor.shape[-1] == agent.language.vocabulary:
            rows.append(len(tensor))
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        agent.loss(pack, features)
    found = [count for count in rows if count != agent.language.width]  # not the head's own matrix
    assert max(found, default=0) == (pack.target_tokens if kept == "all" else kept)
