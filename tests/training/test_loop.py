import dataclasses
import itertools

import pytest
import torch
from toy_agent import toy_dialogue, toy_features

from msc_kedro.dialogue.collate import UtteranceFeatures
from msc_kedro.dialogue.prompt import PromptStyle
from msc_kedro.errors import MscKedroError
from msc_kedro.training.config import TrainingConfig
from msc_kedro.training.loop import learning_rate, train

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


def test_it_learns_and_keeps_the_best(make_agent):
    agent, seen = make_agent(dropout=0.1), []
    result = run(agent, progress=lambda row, steps: seen.append((row.step, steps)))
    steps = len(result.history) - 1
    assert seen == [(step, steps) for step in range(steps + 1)]
    assert result.best_valid_loss < result.start_valid_loss
    assert result.best_valid_loss < result.frozen_valid_loss
    assert same(agent.trainable_state(), result.best_state)
    measured = {row.step for row in result.history if row.valid_loss is not None}
    assert measured == {0, steps} | set(range(0, steps, 2))
    assert result.history[-1].epoch == 3
    assert all(row.tokens > 0 for row in result.history[1:])


def test_the_same_seed_gives_the_same_run(make_agent):
    one, again = run(make_agent(dropout=0.1)), run(make_agent(dropout=0.1))
    assert one.history == again.history and same(one.last_state, again.last_state)
    other = run(make_agent(dropout=0.1), dataclasses.replace(CONFIG, seed=1))
    assert other.history != one.history


def test_the_callers_random_state_is_left_alone(make_agent):
    agent = make_agent(dropout=0.1)
    torch.manual_seed(3)
    before = torch.get_rng_state()
    run(agent, dataclasses.replace(CONFIG, max_steps=2))
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("killed_at", [2, 3, 5])
def test_killed_and_resumed_it_is_the_same_to_the_last_bit(make_agent, tmp_path, killed_at):
    whole = run(make_agent(dropout=0.1))

    class Killed(Exception):
        pass

    def kill(row, _steps):
        if row.step == killed_at:
            raise Killed

    with pytest.raises(Killed):
        run(make_agent(dropout=0.1), checkpoint_folder=tmp_path, progress=kill)
    torch.manual_seed(99)  # whatever else has drawn since
    resumed_at = []
    resumed = run(
        make_agent(dropout=0.1),
        checkpoint_folder=tmp_path,
        progress=lambda row, _: resumed_at.append(row.step),
    )
    assert resumed_at[0] == (1 + killed_at // 2 * 2 if killed_at > 2 else 0)
    assert resumed.history == whole.history
    assert same(resumed.last_state, whole.last_state)
    assert same(resumed.best_state, whole.best_state)
    assert resumed.frozen_valid_loss == whole.frozen_valid_loss


def test_another_runs_checkpoint_is_refused(make_agent, tmp_path):
    run(make_agent(), checkpoint_folder=tmp_path)
    other = dataclasses.replace(CONFIG, learning_rate=1e-4)
    with pytest.raises(MscKedroError, match="checkpoint of another run"):
        run(make_agent(), other, checkpoint_folder=tmp_path)


def test_packs_of_a_step_make_one_loss(make_agent):
    """Two packs in a step, or one pack that holds both: the same step."""

    def last(token_budget, packs_per_step):
        config = dataclasses.replace(
            CONFIG, token_budget=token_budget, packs_per_step=packs_per_step, epochs=1
        )
        return run(make_agent(), config)

    apart, together = last(450, 3), last(4000, 1)
    assert len(apart.history) == len(together.history) == 2
    assert apart.history[1].train_loss == pytest.approx(together.history[1].train_loss, rel=1e-5)
    assert apart.history[1].valid_loss == pytest.approx(together.history[1].valid_loss, rel=1e-4)


def test_packing_and_single_replies_are_the_same_step(make_agent):
    rows = []
    for packing in ("dialogue", "reply"):
        config = dataclasses.replace(CONFIG, token_budget=4000, packing=packing, epochs=1)
        rows.append(run(make_agent(), config).history)
    assert rows[0][1].train_loss == pytest.approx(rows[1][1].train_loss, rel=1e-5)
    assert rows[0][-1].valid_loss == pytest.approx(rows[1][-1].valid_loss, rel=1e-4)
    assert rows[0][-1].tokens < rows[1][-1].tokens


def test_it_stops_when_nothing_gets_better(make_agent):
    config = dataclasses.replace(
        CONFIG, learning_rate=3.0, clip_norm=100.0, epochs=20, patience=2, eval_every_steps=1
    )
    result = run(make_agent(), config)
    assert result.stopped_early
    assert len(result.history) - 1 - result.best_step == 2


def test_one_modality_and_text_alone_train(make_agent):
    def blind(name):
        found = toy_features(name)
        return UtteranceFeatures(None, None, found.audio)

    config = dataclasses.replace(CONFIG, max_steps=1)
    assert run(make_agent(), config, load=blind).history[1].train_loss > 0
    text = dataclasses.replace(config, style=PromptStyle(modalities=("text",)))
    result = run(make_agent(), text)
    assert result.start_valid_loss == pytest.approx(result.frozen_valid_loss, rel=1e-6)


def test_an_empty_split_is_refused(make_agent):
    with pytest.raises(MscKedroError, match="the valid split holds no reply"):
        run(make_agent(), valid_dialogues=[])


def test_nothing_to_train_is_refused(language_folder):
    from msc_kedro.agent.language_model import load_language_model
    from msc_kedro.agent.model import Agent

    agent = Agent(load_language_model(language_folder), {}, seed=0)
    with pytest.raises(MscKedroError, match="nothing to train"):
        run(agent)


def test_a_loss_that_is_no_number_is_refused(make_agent):
    agent = make_agent()
    agent.qformers["video"].back.weight.data.fill_(float("nan"))
    with pytest.raises(MscKedroError, match="Lower learning_rate"):
        run(agent)


def test_settings_out_of_range_are_refused():
    with pytest.raises(MscKedroError, match="epochs: found 0"):
        TrainingConfig(epochs=0)


def test_the_rate_rises_and_falls():
    config = TrainingConfig(warmup_steps=4, learning_rate=1.0, final_rate_share=0.1)
    rates = [learning_rate(step, 20, config) for step in range(20)]
    assert rates[:4] == [0.25, 0.5, 0.75, 1.0]
    assert rates[4] == pytest.approx(1.0) and rates[-1] == pytest.approx(0.1)
    assert all(a >= b for a, b in itertools.pairwise(rates[3:]))
    assert [learning_rate(step, 2, config) for step in range(2)] == [0.25, 0.5]
