"""The training loop, to be read from top to bottom.

The loss of a step is the sum of cross-entropy over its target tokens divided by their number,
whatever the packs it is spread over. All randomness follows from (seed, step): a run that goes on
from a checkpoint gives the same numbers, to the last bit on CPU, as one that was never stopped.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import torch

from msc_kedro.dialogue.collate import FeatureBudget, Loader, features_of_packs
from msc_kedro.dialogue.packing import make_pack
from msc_kedro.dialogue.prompt import target_text
from msc_kedro.errors import MscKedroError
from msc_kedro.training.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from msc_kedro.training.config import HistoryRow, TrainingConfig, TrainingResult
from msc_kedro.training.data import packs_in_order, plan_steps, training_units

if TYPE_CHECKING:
    from pathlib import Path

    from msc_kedro.agent.model import Agent
    from msc_kedro.dialogue.packing import Pack, Unit
    from msc_kedro.dialogue.turns import Dialogue

Progress = Callable[[HistoryRow, int], None]  # (the row of a finished step, steps in all)


def train(
    agent: Agent,
    *,
    train_dialogues: Sequence[Dialogue],
    valid_dialogues: Sequence[Dialogue],
    load: Loader,
    config: TrainingConfig,
    budget: FeatureBudget | None = None,
    checkpoint_folder: Path | None = None,
    progress: Progress | None = None,
) -> TrainingResult:
    """Trains what is trainable in the agent, and leaves the best state in it.

    Args:
        agent: Q-Formers and language model.
        train_dialogues: what is learned.
        valid_dialogues: what is validated on.
        load: features of an utterance.
        config: the settings.
        budget: feature vectors kept per utterance.
        checkpoint_folder: where to keep the state to resume from, and to look for one; None keeps
            none.
        progress: called after step 0 and after every step.

    Raises:
        MscKedroError: a split is empty, an utterance does not fit, nothing is trainable, the
            loss is no number, or the folder holds another run's checkpoint.
    """
    parameters = agent.trainable()
    if not parameters:
        raise MscKedroError(
            "nothing to train: the language model is frozen and no Q-Former is there. "
            "Switch LoRA on, or add audio or video to `modalities`."
        )

    def units_of(dialogues: Sequence[Dialogue], split: str, *, frozen: bool = False) -> list[Unit]:
        style = replace(config.style, modalities=("text",)) if frozen else config.style
        made = training_units(
            dialogues,
            split=split,
            tokens=agent.language.tokens,
            slots=agent.slots,
            load=load,
            style=style,
            config=config,
        )
        return list(made)

    units = units_of(train_dialogues, "train")
    steps = plan_steps(units, config)
    valid_packs = packs_in_order(
        units_of(valid_dialogues, "valid"), slots=agent.slots, token_budget=config.token_budget
    )
    run = _fingerprint(agent, config, train_dialogues, valid_dialogues)
    optimizer = _optimizer(parameters, config)
    began = time.perf_counter()

    resumed = None if checkpoint_folder is None else load_checkpoint(checkpoint_folder, run=run)
    if resumed is not None:
        agent.load_trainable_state(resumed.part("trained"))
        _restore(optimizer, parameters, resumed)
        history, first_step = list(resumed.history), resumed.step
        best_state, best_step, stale = resumed.part("best"), resumed.best_step, resumed.stale
        frozen_valid_loss = resumed.frozen_valid_loss
    else:
        frozen_packs = packs_in_order(
            units_of(valid_dialogues, "valid", frozen=True),
            slots=agent.slots,
            token_budget=config.token_budget,
        )
        with agent.untrained():
            frozen_valid_loss = mean_loss(agent, frozen_packs, load, budget)
        start_loss = mean_loss(agent, valid_packs, load, budget)
        history, first_step = [HistoryRow(0, 0.0, None, start_loss, 0.0, 0)], 0
        best_state, best_step, stale = agent.trainable_state(), 0, 0
        if progress is not None:
            progress(history[0], len(steps))

    best_loss = min(row.valid_loss for row in history if row.valid_loss is not None)
    stopped = config.patience is not None and stale >= config.patience
    for index in range(first_step, len(steps)):
        if stopped:
            break
        rate = learning_rate(index, len(steps), config)
        for group in optimizer.param_groups:
            group["lr"] = rate
        packs = [
            make_pack([units[i] for i in pack], slots=agent.slots) for pack in steps[index].packs
        ]
        train_loss = _learn(agent, packs, load, budget, seed=f"{config.seed} {index}")
        norm = torch.nn.utils.clip_grad_norm_(parameters.values(), config.clip_norm)
        if not torch.isfinite(norm):
            raise MscKedroError(
                f"step {index + 1}: the gradient is {float(norm)} and the loss {train_loss}; "
                "expected numbers. Lower learning_rate, or use float32."
            )
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)

        done = index + 1
        valid_loss = None
        if done % config.eval_every_steps == 0 or done == len(steps):
            valid_loss = mean_loss(agent, valid_packs, load, budget)
            stale += 1
            if valid_loss < best_loss:
                best_loss, best_step, stale = valid_loss, done, 0
                best_state = agent.trainable_state()
            stopped = config.patience is not None and stale >= config.patience
        read = history[-1].tokens + sum(len(pack.token_ids) for pack in packs)
        history.append(HistoryRow(done, steps[index].epoch, train_loss, valid_loss, rate, read))
        if progress is not None:
            progress(history[-1], len(steps))
        finished = stopped or done == len(steps)
        due = finished or done % config.checkpoint_every_steps == 0
        if checkpoint_folder is not None and due:
            tensors = {f"trained.{name}": t for name, t in agent.trainable_state().items()}
            tensors |= {f"best.{name}": tensor for name, tensor in best_state.items()}
            tensors |= _optimizer_tensors(optimizer, parameters)
            save_checkpoint(
                checkpoint_folder,
                Checkpoint(run, done, tensors, best_step, stale, tuple(history), frozen_valid_loss),
            )

    last_state = agent.trainable_state()
    agent.load_trainable_state(best_state)
    agent.eval()
    return TrainingResult(
        best_state=best_state,
        last_state=last_state,
        best_step=best_step,
        history=tuple(history),
        frozen_valid_loss=frozen_valid_loss,
        stopped_early=stopped,
        seconds=time.perf_counter() - began,
    )


@torch.no_grad()
def mean_loss(
    agent: Agent, packs: Sequence[Pack], load: Loader, budget: FeatureBudget | None = None
) -> float:
    """Cross-entropy per target token over packs, in nats, without dropout."""
    training = agent.training
    agent.eval()
    total, tokens = 0.0, 0
    for pack in packs:
        loss = agent.loss(pack, features_of_packs([pack], load, budget))
        total, tokens = total + float(loss.total), tokens + loss.tokens
    agent.train(training)
    return total / tokens


def learning_rate(step: int, steps: int, config: TrainingConfig) -> float:
    """Rises linearly over the warm-up, then falls linearly to its last share. Steps from 0."""
    if step < config.warmup_steps:
        return config.learning_rate * (step + 1) / config.warmup_steps
    left = (steps - 1 - step) / max(1, steps - 1 - config.warmup_steps)
    return config.learning_rate * (config.final_rate_share + (1 - config.final_rate_share) * left)


def _learn(
    agent: Agent, packs: Sequence[Pack], load: Loader, budget: FeatureBudget | None, *, seed: str
) -> float:
    """Adds up the gradient of the mean loss over the packs' targets; gives that mean."""
    agent.train()
    targets = sum(pack.target_tokens for pack in packs)
    total = 0.0
    devices = [agent.device] if agent.device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices):
        torch.manual_seed(int.from_bytes(hashlib.sha256(seed.encode()).digest()[:7], "big"))
        for pack in packs:
            loss = agent.loss(pack, features_of_packs([pack], load, budget))
            (loss.total / targets).backward()  # type: ignore[no-untyped-call]
            total += float(loss.total.detach())
    return total / targets


def _optimizer(
    parameters: dict[str, torch.nn.Parameter], config: TrainingConfig
) -> torch.optim.AdamW:
    """AdamW; matrices decay, biases and layer norms do not."""
    matrices = [p for p in parameters.values() if p.ndim >= 2]
    others = [p for p in parameters.values() if p.ndim < 2]
    groups = [
        {"params": matrices, "weight_decay": config.weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=config.learning_rate, fused=True)


def _optimizer_tensors(
    optimizer: torch.optim.AdamW, parameters: dict[str, torch.nn.Parameter]
) -> dict[str, torch.Tensor]:
    tensors: dict[str, torch.Tensor] = {}
    for name, parameter in parameters.items():
        state = optimizer.state.get(parameter)
        if state:  # a parameter that never had a gradient has none
            tensors[f"mean.{name}"] = state["exp_avg"].detach().cpu().clone().contiguous()
            tensors[f"square.{name}"] = state["exp_avg_sq"].detach().cpu().clone().contiguous()
            tensors[f"count.{name}"] = state["step"].detach().cpu().clone()
    return tensors


def _restore(
    optimizer: torch.optim.AdamW,
    parameters: dict[str, torch.nn.Parameter],
    checkpoint: Checkpoint,
) -> None:
    means, squares = checkpoint.part("mean"), checkpoint.part("square")
    counts = checkpoint.part("count")
    for name, parameter in parameters.items():
        if name in means:
            optimizer.state[parameter] = {
                "step": counts[name].to(parameter.device),
                "exp_avg": means[name].to(parameter.device),
                "exp_avg_sq": squares[name].to(parameter.device),
            }


def _fingerprint(
    agent: Agent,
    config: TrainingConfig,
    train_dialogues: Sequence[Dialogue],
    valid_dialogues: Sequence[Dialogue],
) -> str:
    """What must be the same for a checkpoint to be gone on with."""
    digest = hashlib.sha256()
    digest.update(repr((config, agent.senses, agent.language.lora)).encode())
    digest.update(f"{agent.language.fingerprint} {agent.language.dtype}".encode())
    for dialogue in (*train_dialogues, *valid_dialogues):
        for turn in dialogue.turns:
            text = target_text(turn, config.style.target)
            digest.update(repr((turn.utterance_id, turn.speaker, text)).encode())
    return digest.hexdigest()
