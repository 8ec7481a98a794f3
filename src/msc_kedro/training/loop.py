"""The training loop, to be read from top to bottom.

The loss of a step is the sum of cross-entropy over its target tokens divided by their number,
whatever the packs and the processes it is spread over. All randomness follows from (seed, step,
pack): a run that goes on from a checkpoint gives the same numbers, to the last bit on CPU, as one
that was never stopped.
"""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch

from msc_kedro.dialogue.budgets import lengths_of
from msc_kedro.dialogue.collate import FeatureBudget, Loader, features_of_packs
from msc_kedro.dialogue.dropout import drop_slots
from msc_kedro.dialogue.prompt import target_text
from msc_kedro.errors import MscKedroError
from msc_kedro.training.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from msc_kedro.training.config import HistoryRow, TrainingConfig, TrainingResult
from msc_kedro.training.data import packs_in_order, plan_steps, training_units
from msc_kedro.training.feed import Feed
from msc_kedro.training.group import ALONE, Group
from msc_kedro.training.memory import memory_told, peak_bytes
from msc_kedro.training.optimizer import (
    learning_rate,
    make_optimizer,
    optimizer_tensors,
    restore_optimizer,
)

if TYPE_CHECKING:
    from pathlib import Path

    from msc_kedro.agent.model import Agent
    from msc_kedro.dialogue.budgets import Lengths
    from msc_kedro.dialogue.collate import FeatureBatch
    from msc_kedro.dialogue.packing import Pack
    from msc_kedro.dialogue.turns import Dialogue
    from msc_kedro.dialogue.units import Unit

Progress = Callable[[HistoryRow, int], None]  # (the row of a finished step, steps in all)


@dataclass(frozen=True)
class _Fed:
    """A pack with its features, its place among the packs of its step, and whether it counts.

    One that does not count keeps this process in step with others (`Group.even`).
    """

    pack: Pack
    features: FeatureBatch
    place: int
    counts: bool


def train(
    agent: Agent,
    *,
    train_dialogues: Sequence[Dialogue],
    valid_dialogues: Sequence[Dialogue],
    load: Loader,
    config: TrainingConfig,
    lengths: Lengths | None = None,
    budget: FeatureBudget | None = None,
    checkpoint_folder: Path | None = None,
    progress: Progress | None = None,
    group: Group = ALONE,
) -> TrainingResult:
    """Trains what is trainable in the agent, and leaves the best state in it.

    Args:
        agent: Q-Formers and language model.
        train_dialogues: what is learned.
        valid_dialogues: what is validated on.
        load: features of an utterance.
        config: the settings.
        lengths: how many vectors an utterance has; found by loading all where None.
        budget: feature vectors kept per utterance.
        checkpoint_folder: where to keep the state to resume from, and to look for one; None keeps
            none.
        progress: called after step 0 and after every step.
        group: which of several processes this is; each is given the same dialogues.

    Raises:
        MscKedroError: a split is empty, an utterance or a dialogue does not fit, nothing is
            trainable, memory ended, the loss is no number, or the folder holds another run's
            checkpoint.
    """
    budget, lengths = budget or FeatureBudget(), lengths or lengths_of(load)
    parameters = agent.trainable()
    if not parameters:
        raise MscKedroError(
            "nothing to train: the language model is frozen and no Q-Former is there. "
            "Switch LoRA on, or add audio or video to `modalities`."
        )
    if config.packs_per_step < group.size:
        raise MscKedroError(
            f"train.packs_per_step is {config.packs_per_step}, with {group.size} processes: some "
            f"would have nothing to do. Set it to {group.size} or more, or take fewer processes."
        )

    def units_of(dialogues: Sequence[Dialogue], split: str, *, frozen: bool = False) -> list[Unit]:
        style = replace(config.style, modalities=("text",)) if frozen else config.style
        made = training_units(
            dialogues,
            split=split,
            tokens=agent.language.tokens,
            slots=agent.slots,
            lengths=lengths,
            style=style,
            config=config,
            budget=budget,
            arrangement=agent.arrangement,
        )
        return list(made)

    def valid_packs_of(units: Sequence[Unit]) -> tuple[Pack, ...]:
        return packs_in_order(
            units,
            slots=agent.slots,
            token_budget=config.token_budget,
            arrangement=agent.arrangement,
        )

    def valid_loss_of(packs: Sequence[Pack]) -> float:
        with memory_told("validation", config, agent.device):
            return mean_loss(agent, packs, load, budget, group=group)

    def learned(first_step: int) -> Iterator[_Fed]:
        for index in range(first_step, len(steps)):
            drop = drop_slots(share=config.modality_dropout, seed=f"{config.seed} {index}")
            for place, counts in group.share(len(steps[index].packs)):
                chosen = [drop(units[i]) for i in steps[index].packs[place]]
                pack = agent.arrangement.pack(chosen, slots=agent.slots)
                yield _Fed(pack, features_of_packs([pack], load, budget), place, counts)

    units = units_of(train_dialogues, "train")
    valid_units = units_of(valid_dialogues, "valid")
    for unit in (*units, *valid_units):  # before the first step, not after hours
        agent.check_context(agent.arrangement.pack([unit], slots=agent.slots))
    steps, valid_packs = plan_steps(units, config), valid_packs_of(valid_units)
    run = _fingerprint(agent, config, budget, train_dialogues, valid_dialogues)
    optimizer = make_optimizer(parameters, config)
    agent.prepare(checkpointing=config.activation_checkpointing, compiled=config.compile)
    began = time.perf_counter()

    resumed = None if checkpoint_folder is None else load_checkpoint(checkpoint_folder, run=run)
    if resumed is not None:
        agent.load_trainable_state(resumed.part("trained"))
        restore_optimizer(optimizer, parameters, resumed.tensors)
        history, first_step = list(resumed.history), resumed.step
        best_state, best_step, stale = resumed.part("best"), resumed.best_step, resumed.stale
        frozen_valid_loss = resumed.frozen_valid_loss
    else:
        with agent.untrained():
            frozen_packs = valid_packs_of(units_of(valid_dialogues, "valid", frozen=True))
            frozen_valid_loss = valid_loss_of(frozen_packs)
        start_loss = valid_loss_of(valid_packs)
        history, first_step = [HistoryRow(0, 0.0, None, start_loss, 0.0, 0)], 0
        best_state, best_step, stale = agent.trainable_state(), 0, 0
        if progress is not None:
            progress(history[0], len(steps))

    def keep(done: int) -> None:
        if checkpoint_folder is None or not group.leads:
            return
        tensors = {f"trained.{name}": t for name, t in agent.trainable_state().items()}
        tensors |= {f"best.{name}": tensor for name, tensor in best_state.items()}
        tensors |= optimizer_tensors(optimizer, parameters)
        save_checkpoint(
            checkpoint_folder,
            Checkpoint(run, done, tensors, best_step, stale, tuple(history), frozen_valid_loss),
        )

    best_loss = min(row.valid_loss for row in history if row.valid_loss is not None)
    stopped = config.patience is not None and stale >= config.patience
    with Feed(learned(first_step), ahead=config.prepared_packs) as feed:
        for index in range(first_step, len(steps)):
            if stopped:
                break
            done, epoch = index + 1, steps[index].epoch
            rate = learning_rate(index, len(steps), config, epoch=epoch)
            for options in optimizer.param_groups:
                options["lr"] = rate
            with memory_told(f"step {done}", config, agent.device, first=lambda: keep(index)):  # noqa: B023
                mine = len(group.share(len(steps[index].packs)))
                found = _learn(agent, (next(feed) for _ in range(mine)), f"{config.seed} {index}")
            group.add_gradients(parameters.values())
            loss_sum, targets, positions = group.add(found, agent.device)
            for parameter in parameters.values():
                if parameter.grad is not None:
                    parameter.grad.div_(targets)
            train_loss = loss_sum / targets
            limit = math.inf if config.clip_norm is None else config.clip_norm
            norm = torch.nn.utils.clip_grad_norm_(parameters.values(), limit)
            if not torch.isfinite(norm):
                raise MscKedroError(
                    f"step {done}: the gradient is {float(norm)} and the loss {train_loss}; "
                    "expected numbers. Lower learning_rate, or use float32."
                )
            with memory_told(f"step {done}", config, agent.device):
                optimizer.step()
            optimizer.zero_grad(set_to_none=True)

            valid_loss = None
            every = config.eval_every_steps
            due = epoch == int(epoch) if every is None else done % every == 0
            if due or done == len(steps):
                valid_loss = valid_loss_of(valid_packs)
                stale += 1
                if valid_loss < best_loss:
                    best_loss, best_step, stale = valid_loss, done, 0
                    best_state = agent.trainable_state()
                stopped = config.patience is not None and stale >= config.patience
            read = history[-1].tokens + int(positions)
            history.append(HistoryRow(done, epoch, train_loss, valid_loss, rate, read))
            if progress is not None:
                progress(history[-1], len(steps))
            if stopped or done == len(steps) or done % config.checkpoint_every_steps == 0:
                keep(done)
        waited_s = feed.waited_s

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
        waited_s=waited_s,
        peak_bytes=peak_bytes(agent.device),
    )


@torch.no_grad()
def mean_loss(
    agent: Agent,
    packs: Sequence[Pack],
    load: Loader,
    budget: FeatureBudget | None = None,
    *,
    group: Group = ALONE,
) -> float:
    """Cross-entropy per target token over packs, in nats, without dropout."""
    training = agent.training
    agent.eval()
    total, tokens = 0.0, 0
    mine = group.share(len(packs))
    made = ((packs[p], features_of_packs([packs[p]], load, budget), counts) for p, counts in mine)
    with Feed(made, ahead=2) as feed:
        for pack, features, counts in feed:
            loss = agent.loss(pack, features)
            if counts:
                total, tokens = total + float(loss.total), tokens + loss.tokens
    agent.train(training)
    total, count = group.add((total, tokens), agent.device)
    return total / count


def _learn(agent: Agent, packs: Iterator[_Fed], seed: str) -> tuple[float, float, float]:
    """Adds up the gradient of the summed loss; gives that sum, its targets, the positions read."""
    agent.train()
    total, targets, positions = 0.0, 0, 0
    devices = [agent.device] if agent.device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices):
        for fed in packs:
            draw = hashlib.sha256(f"{seed} {fed.place}".encode()).digest()
            torch.manual_seed(int.from_bytes(draw[:7], "big"))
            loss = agent.loss(fed.pack, fed.features)
            (loss.total * float(fed.counts)).backward()  # type: ignore[no-untyped-call]
            if fed.counts:
                total += float(loss.total.detach())
                targets += loss.tokens
                positions += len(fed.pack.token_ids)
    return total, targets, positions


def _fingerprint(
    agent: Agent,
    config: TrainingConfig,
    budget: FeatureBudget,
    train_dialogues: Sequence[Dialogue],
    valid_dialogues: Sequence[Dialogue],
) -> str:
    """What must be the same for a checkpoint to be gone on with."""
    config = replace(config, activation_checkpointing=False, prepared_packs=1)  # no number's matter
    digest = hashlib.sha256()
    digest.update(repr((config, budget, agent.senses, agent.language.lora, agent.compat)).encode())
    digest.update(f"{agent.language.fingerprint} {agent.language.dtype}".encode())
    for dialogue in (*train_dialogues, *valid_dialogues):
        for turn in dialogue.turns:
            text = target_text(turn, config.style.target)
            digest.update(repr((turn.utterance_id, turn.speaker, text)).encode())
    return digest.hexdigest()
