"""Runs of the seeds' README, each for a step or two: what is trained, and what is refused."""

import dataclasses

import pytest
import torch
from toy_agent import toy_dialogue, toy_features

from msc_kedro.agent.model import Agent
from msc_kedro.dialogue.prompt import PromptStyle
from msc_kedro.errors import MscKedroError
from msc_kedro.training.config import TrainingConfig
from msc_kedro.training.loop import train

CONFIG = TrainingConfig(epochs=1, max_steps=2, token_budget=900, learning_rate=5e-3, warmup_steps=0)
FAULTS = ("shared_qformer", "padding_inside", "cut_at_end", "loss_on_padding", "speaker_lookup")


def run(agent, **changed):
    return train(
        agent,
        train_dialogues=[toy_dialogue("d"), toy_dialogue("ee", turns=5)],
        valid_dialogues=[toy_dialogue("f", split="valid")],
        load=toy_features,
        config=dataclasses.replace(CONFIG, **changed),
    )


def test_a_frozen_language_model_has_q_formers_trained(make_agent):
    agent = make_agent(lora=False)
    before = {name: p.clone() for name, p in agent.network.named_parameters()}
    start = agent.trainable_state()
    assert start and not [name for name in start if name.startswith("language.")]
    result = run(agent)
    assert result.history[-1].train_loss > 0
    assert all(torch.equal(p, before[name]) for name, p in agent.network.named_parameters())
    assert not torch.equal(result.last_state["video.queries"], start["video.queries"])


@pytest.mark.parametrize("target", ["text", "text_description"])
@pytest.mark.parametrize("shown", [("text",), ("text", "audio"), ("text", "video")])
def test_each_ablation_learns(make_agent, target, shown):
    agent = make_agent()
    senses = {name: chosen for name, chosen in agent.senses.items() if name in shown}
    agent = Agent(agent.language, senses, seed=1)
    result = run(agent, style=PromptStyle(shown, target), max_steps=1)
    assert result.history[-1].train_loss > 0
    assert {name.split(".")[0] for name in result.last_state} == {"language", *senses}


def test_all_published_faults_together_learn(make_agent):
    plain = make_agent()
    agent = Agent(plain.language, plain.senses, seed=1, compat=FAULTS)
    start = agent.trainable_state()
    result = run(agent, packing="reply", history_tokens=420, token_budget=2000)
    assert result.history[-1].train_loss > 0
    moved = [n for n, t in result.last_state.items() if not torch.equal(t, start[n])]
    assert "video.queries" in moved and "audio.front.weight" in moved
    assert not [name for name in result.last_state if name.startswith("audio.layers")]


def test_faults_of_single_replies_need_single_replies(make_agent):
    plain = make_agent()
    agent = Agent(plain.language, plain.senses, seed=1, compat=["padding_inside"])
    with pytest.raises(
        MscKedroError, match=r"found packing: dialogue\. Set train.packing to reply"
    ):
        run(agent)


def test_modality_dropout_changes_the_steps_and_not_validation(make_agent):
    whole, dropped, again = (
        run(make_agent(), modality_dropout=share).history for share in (0.0, 0.5, 0.5)
    )
    assert dropped == again != whole
    assert dropped[0] == whole[0]  # validated with all that is there
    assert dropped[1].train_loss != whole[1].train_loss
    assert dropped[-1].tokens < whole[-1].tokens
    with pytest.raises(MscKedroError, match=r"modality_dropout: found 1\.5"):
        TrainingConfig(modality_dropout=1.5)
