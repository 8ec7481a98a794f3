import dataclasses
import itertools

import pytest
import torch
from toy_agent import toy_dialogue, toy_features

from msc_kedro.dialogue.collate import features_of_packs, has_frames
from msc_kedro.dialogue.packing import make_pack
from msc_kedro.dialogue.prompt import PromptStyle, dialogue_prompt
from msc_kedro.dialogue.units import dialogue_units
from msc_kedro.training.config import TrainingConfig
from msc_kedro.training.optimizer import (
    learning_rate,
    make_optimizer,
    optimizer_tensors,
    restore_optimizer,
)

CONFIG = TrainingConfig(learning_rate=1.0, warmup_steps=4, final_rate_share=0.1)


def test_the_rate_rises_and_falls():
    rates = [learning_rate(step, 20, CONFIG) for step in range(20)]
    assert rates[:4] == [0.25, 0.5, 0.75, 1.0]
    assert rates[4] == pytest.approx(1.0) and rates[-1] == pytest.approx(0.1)
    assert all(a >= b for a, b in itertools.pairwise(rates[3:]))
    assert [learning_rate(step, 2, CONFIG) for step in range(2)] == [0.25, 0.5]


def test_as_published_the_rate_falls_after_each_epoch():
    config = dataclasses.replace(CONFIG, optimizer="adam_published")
    epochs = [0.5, 1.0, 1.5, 2.0, 2.5]
    rates = [learning_rate(step, 5, config, epoch=epoch) for step, epoch in enumerate(epochs)]
    assert rates == pytest.approx([1.0, 1.0, 0.98, 0.98, 0.98**2])


def test_matrices_decay_and_nothing_else():
    matrix, bias = (torch.nn.Parameter(torch.ones(shape)) for shape in ((2, 2), (2,)))
    parameters = {"matrix": matrix, "bias": bias}
    optimizer = make_optimizer(parameters, dataclasses.replace(CONFIG, weight_decay=0.5))
    assert isinstance(optimizer, torch.optim.AdamW) and optimizer.defaults["fused"]
    for parameter in parameters.values():
        parameter.grad = torch.zeros_like(parameter)
    optimizer.step()
    assert (matrix < 1).all() and (bias == 1).all()
    published = make_optimizer(
        parameters, dataclasses.replace(CONFIG, optimizer="adam_published", weight_decay=0.5)
    )
    assert type(published) is torch.optim.Adam
    before = matrix.detach().clone()
    published.step()
    assert torch.equal(matrix, before)


@pytest.mark.parametrize("kind", ["adamw", "adam_published"])
def test_its_state_goes_out_and_in_again(kind):
    config = dataclasses.replace(CONFIG, optimizer=kind)

    def pair():
        draw = torch.Generator().manual_seed(0)
        return {
            name: torch.nn.Parameter(torch.randn(3, 2, generator=draw)) for name in ("a", "never")
        }

    def step(parameters, optimizer, seed):
        draw = torch.Generator().manual_seed(seed)
        parameters["a"].grad = torch.randn(3, 2, generator=draw)
        optimizer.step()

    whole = pair()
    optimizer = make_optimizer(whole, config)
    step(whole, optimizer, 1)
    tensors = optimizer_tensors(optimizer, whole)
    assert set(tensors) == {"mean.a", "square.a", "count.a"}
    again = pair()
    again["a"].data.copy_(whole["a"].data)
    fresh = make_optimizer(again, config)
    restore_optimizer(fresh, again, tensors)
    step(whole, optimizer, 2)
    step(again, fresh, 2)
    assert torch.equal(whole["a"], again["a"])


def test_a_frozen_bfloat16_base_moves_every_tensor_as_float32_does(make_agent):
    """100 steps at 5e-5: same direction and same length, per tensor, as all in float32.

    Tensors whose gradient is 0 but for rounding (biases of keys) have no direction to compare.
    """

    def moves(dtype):
        agent = make_agent(stir=True, dtype=dtype)
        parameters = agent.trainable()
        assert {p.dtype for p in parameters.values()} == {torch.float32}
        before = agent.trainable_state()
        prompt = dialogue_prompt(
            toy_dialogue("d", turns=3),
            tokens=agent.language.tokens,
            style=PromptStyle(),
            has=has_frames(toy_features),
        )
        units = dialogue_units(prompt, slots=agent.slots, token_budget=4000, history_tokens=2000)
        pack = make_pack(units, slots=agent.slots)
        features = features_of_packs([pack], toy_features)
        config = TrainingConfig(learning_rate=5e-5, weight_decay=0.0)
        optimizer = make_optimizer(parameters, config)
        for _ in range(100):
            loss = agent.loss(pack, features)
            (loss.total / loss.tokens).backward()
            optimizer.step()
            optimizer.zero_grad()
        assert {s["exp_avg"].dtype for s in optimizer.state.values()} == {torch.float32}
        return {name: tensor - before[name] for name, tensor in agent.trainable_state().items()}

    exact, mixed = moves("float32"), moves("bfloat16")
    for name, move in exact.items():
        assert mixed[name].norm() > 0, name
        if name.endswith("key.bias"):
            continue
        assert 0.9 < mixed[name].norm() / move.norm() < 1.1, name
        along = torch.nn.functional.cosine_similarity(mixed[name].flatten(), move.flatten(), dim=0)
        assert along > 0.9, (name, float(along))
