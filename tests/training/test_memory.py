import dataclasses
import re

import pytest
import torch
from toy_training import CONFIG, run, same

from msc_kedro.errors import MscKedroError
from msc_kedro.training.memory import memory_told, peak_bytes

CPU = torch.device("cpu")


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB\nmore"),
        MemoryError(),
        RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to"),
    ],
)
def test_each_kind_is_told_with_peak_and_what_to_lower(error):
    with pytest.raises(MscKedroError) as caught, memory_told("step 3", CONFIG, CPU):
        raise error
    said = str(caught.value)
    assert said.startswith("step 3: memory ended (") and "more" not in said.split("\n")[0]
    peak = re.search(r"The peak was (\d+\.\d) GiB on cpu", said)
    assert peak and float(peak[1]) == pytest.approx(peak_bytes(CPU) / 2**30, abs=0.1) != 0
    assert f"token_budget, now {CONFIG.token_budget}" in said
    assert "activation_checkpointing to true" in said


def test_what_is_on_already_is_not_advised():
    config = dataclasses.replace(CONFIG, activation_checkpointing=True)
    with pytest.raises(MscKedroError) as caught, memory_told("step 3", config, CPU):
        raise MemoryError
    assert "activation_checkpointing" not in str(caught.value)


def test_another_error_stays_what_it_is():
    with pytest.raises(RuntimeError, match="shapes"), memory_told("step 3", CONFIG, CPU):
        raise RuntimeError("shapes do not match")


def test_the_peak_is_measured():
    before = peak_bytes(CPU)
    held = torch.ones(60_000_000)
    assert peak_bytes(CPU) >= before and held.numel() * 4 < peak_bytes(CPU)


@pytest.mark.parametrize("failing", [1, 4])
def test_what_was_done_is_not_lost(make_agent, tmp_path, monkeypatch, failing):
    """Memory ends in a step that no checkpoint was due before; with less of it the run goes on."""
    from msc_kedro.agent.model import Agent

    config = dataclasses.replace(CONFIG, checkpoint_every_steps=100, packs_per_step=1)
    whole = run(make_agent(dropout=0.1), config)
    real, steps = Agent.loss, []

    def loss(self, pack, features):
        if self.training:
            steps.append(pack)
            if len(steps) == failing:
                raise torch.OutOfMemoryError("CUDA out of memory")
        return real(self, pack, features)

    monkeypatch.setattr(Agent, "loss", loss)
    with pytest.raises(MscKedroError, match=f"step {failing}: memory ended"):
        run(make_agent(dropout=0.1), config, checkpoint_folder=tmp_path)
    monkeypatch.undo()
    lighter, seen = dataclasses.replace(config, activation_checkpointing=True), []
    resumed = run(
        make_agent(dropout=0.1),
        lighter,
        checkpoint_folder=tmp_path,
        progress=lambda row, _: seen.append(row.step),
    )
    assert seen[0] == failing
    assert resumed.history == whole.history and same(resumed.last_state, whole.last_state)
