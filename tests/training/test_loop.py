import dataclasses

import pytest
import torch
from toy_agent import toy_dialogue, toy_features
from toy_training import CONFIG, run, same

from msc_kedro.dialogue.collate import FeatureBudget, UtteranceFeatures
from msc_kedro.dialogue.prompt import PromptStyle
from msc_kedro.errors import MscKedroError
from msc_kedro.training.config import TrainingConfig


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
        return UtteranceFeatures(None, None, found.audio, found.audio_times_s)

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


def test_validation_at_the_end_of_each_epoch(make_agent):
    config = dataclasses.replace(CONFIG, eval_every_steps=None, packs_per_step=1)
    history = run(make_agent(), config).history
    measured = [row.epoch for row in history if row.valid_loss is not None]
    assert measured == [0, 1, 2, 3] and len(history) > 4


def test_activation_checkpointing_changes_no_number(make_agent):
    plain = run(make_agent(dropout=0.1))
    agent = make_agent(dropout=0.1)
    lighter = run(agent, dataclasses.replace(CONFIG, activation_checkpointing=True))
    assert agent.decoder.gradient_checkpointing
    assert lighter.history == plain.history and same(lighter.last_state, plain.last_state)


def test_no_clipping_is_no_clipping(make_agent):
    config = dataclasses.replace(CONFIG, clip_norm=None)
    far = dataclasses.replace(CONFIG, clip_norm=1e9)
    assert run(make_agent(), config).history == run(make_agent(), far).history
    near = dataclasses.replace(CONFIG, clip_norm=1e-4)
    assert run(make_agent(), near).history != run(make_agent(), far).history


def test_what_was_waited_for_and_used_is_told(make_agent):
    result = run(make_agent())
    assert 0 <= result.waited_s < result.seconds and result.peak_bytes > 1e7


def test_a_window_trains_each_reply(make_agent):
    long = [toy_dialogue("gg", turns=7)]
    config = dataclasses.replace(CONFIG, token_budget=4000, history_tokens=260, epochs=1)
    limited, whole = (
        run(make_agent(), dataclasses.replace(config, packing=packing), train_dialogues=long)
        for packing in ("window", "dialogue")
    )
    assert limited.history[1].tokens == whole.history[1].tokens  # the same is read
    assert limited.history[1].train_loss != pytest.approx(whole.history[1].train_loss, rel=1e-6)


def test_a_dialogue_beyond_the_context_is_refused_before_the_first_step(make_agent):
    agent, seen = make_agent(), []
    agent.network.config.max_position_embeddings = 150
    config = dataclasses.replace(CONFIG, token_budget=4000)
    with pytest.raises(MscKedroError, match=r"dialogue a takes \d+ positions; .* made for 150"):
        run(agent, config, progress=lambda *row: seen.append(row))
    assert not seen


def test_one_budget_over_a_history_is_for_single_replies(make_agent):
    budget = FeatureBudget(video_frames=4, audio_vectors=9, over="history")
    with pytest.raises(MscKedroError, match="found packing: dialogue"):
        run(make_agent(), budget=budget)
    config = dataclasses.replace(CONFIG, packing="reply", epochs=1)
    limited = run(make_agent(), config, budget=budget).history
    assert limited[-1].tokens < run(make_agent(), config).history[-1].tokens
