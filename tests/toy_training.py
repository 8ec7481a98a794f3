"""Runs of the toy agent, shared by the tests of training.

What other processes run stands here too: they can import this module, and not one of tests.
"""

import dataclasses
import os
import signal
from functools import partial

import torch
from toy_agent import toy_agent, toy_dialogue, toy_features

from msc_kedro.training.config import TrainingConfig
from msc_kedro.training.launch import Job
from msc_kedro.training.loop import train

TRAIN = [toy_dialogue(name, turns=3) for name in ("a", "bb", "c")]
VALID = [toy_dialogue("dd", turns=3, split="valid")]
CONFIG = TrainingConfig(
    epochs=3,
    token_budget=450,
    packs_per_step=2,
    learning_rate=3e-3,
    warmup_steps=2,
    eval_every_steps=2,
    checkpoint_every_steps=2,
)


def run(agent, config=CONFIG, **kwargs):
    given = {"train_dialogues": TRAIN, "valid_dialogues": VALID, "load": toy_features} | kwargs
    return train(agent, config=config, **given)


def same(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[k], other[k]) for k in one)


def made(folder, _device, **shape):
    return toy_agent(folder, **shape)


def described(agent):
    return sum(parameter.numel() for parameter in agent.trainable().values())


def killed_in_its_first_step(folder, _device):
    """A toy agent; the second process of a run dies when it first learns."""
    agent = toy_agent(folder)
    real = agent.loss

    def loss(pack, features):
        second = torch.distributed.is_initialized() and torch.distributed.get_rank() == 1
        if second and agent.training:
            os.kill(os.getpid(), signal.SIGKILL)
        return real(pack, features)

    agent.loss = loss
    return agent


def job_of(folder, **changed):
    given = {
        "make_agent": partial(made, folder),
        "describe": described,
        "train_dialogues": TRAIN,
        "valid_dialogues": VALID,
        "load": toy_features,
        "config": dataclasses.replace(CONFIG, packs_per_step=2),
        "device": "cpu",
    }
    return Job(**{**given, **changed})
