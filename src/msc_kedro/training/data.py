"""Which replies are learned in which step: fixed before the first one, from the seed."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

from msc_kedro.dialogue.arrangement import AS_BUILT, Arrangement
from msc_kedro.dialogue.packing import fill_packs
from msc_kedro.dialogue.prompt import PromptStyle, Sense, Tokens
from msc_kedro.dialogue.units import Slots, Unit, dialogue_units
from msc_kedro.errors import MscKedroError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from msc_kedro.dialogue.budgets import Lengths
    from msc_kedro.dialogue.collate import FeatureBudget
    from msc_kedro.dialogue.packing import Pack
    from msc_kedro.dialogue.turns import Dialogue
    from msc_kedro.training.config import TrainingConfig


@dataclass(frozen=True)
class Step:
    """The packs of one optimizer step, as indices of units, and the epoch when it is done."""

    packs: tuple[tuple[int, ...], ...]
    epoch: float


def training_units(
    dialogues: Sequence[Dialogue],
    *,
    split: str,
    tokens: Tokens,
    slots: Slots,
    lengths: Lengths,
    style: PromptStyle,
    config: TrainingConfig,
    budget: FeatureBudget,
    arrangement: Arrangement = AS_BUILT,
) -> tuple[Unit, ...]:
    """All replies of the dialogues, each once.

    Args:
        dialogues: of one split.
        split: its name, for messages.
        tokens: of the language model.
        slots: vectors per utterance and modality.
        lengths: frames that an utterance has; one without gets no slots.
        style: what prompts show.
        config: how they are packed.
        budget: of frames; one for the whole history where `budget.over` says so.
        arrangement: how prompts, units and packs are made.

    Raises:
        MscKedroError: there are none, an utterance does not fit the budgets, or the arrangement
            takes one reply at a time.
    """
    if arrangement.one_reply_each and config.packing != "reply":
        raise MscKedroError(
            f"train.compat arranges one reply at a time; found packing: {config.packing}. Set "
            "train.packing to reply."
        )
    if budget.over == "history" and config.packing != "reply":
        raise MscKedroError(
            f"one budget of frames over a whole history is for one reply; found packing: "
            f"{config.packing}. Set the budget to be over the utterance, or train.packing to reply."
        )

    def has(utterance_id: str, sense: Sense) -> bool:
        return lengths(utterance_id, sense) > 0

    units: list[Unit] = []
    for dialogue in dialogues:
        prompt = arrangement.prompt(dialogue, tokens=tokens, style=style, has=has)
        if config.packing == "reply":
            units += [
                arrangement.one_reply(
                    prompt,
                    turn,
                    slots=slots,
                    history_tokens=config.history_tokens,
                    budget=budget,
                    lengths=lengths,
                )
                for turn in range(1, len(dialogue.turns))
            ]
        else:
            units += dialogue_units(
                prompt,
                slots=slots,
                token_budget=config.token_budget,
                history_tokens=config.history_tokens,
                window=config.packing == "window",
            )
    if not units:
        raise MscKedroError(
            f"the {split} split holds no reply: found {len(dialogues)} dialogues of two turns or "
            "more, expected at least one. Add sources, or set the shares of `splits`, and run "
            "`kedro run --pipeline segment`."
        )
    return tuple(units)


def plan_steps(units: Sequence[Unit], config: TrainingConfig) -> tuple[Step, ...]:
    """The whole run: each epoch shuffles the units by the seed and packs them anew."""
    steps: list[Step] = []
    for epoch in range(config.epochs):
        order = list(range(len(units)))
        random.Random(f"{config.seed} {epoch}").shuffle(order)  # a str seed is stable
        filled = fill_packs([units[i] for i in order], token_budget=config.token_budget)
        packs = [tuple(order[i] for i in pack) for pack in filled]
        count = math.ceil(len(packs) / config.packs_per_step)
        for index in range(count):
            start = index * config.packs_per_step
            steps.append(
                Step(
                    packs=tuple(packs[start : start + config.packs_per_step]),
                    epoch=epoch + (index + 1) / count,
                )
            )
    return tuple(steps if config.max_steps is None else steps[: config.max_steps])


def packs_in_order(
    units: Sequence[Unit],
    *,
    slots: Slots,
    token_budget: int,
    arrangement: Arrangement = AS_BUILT,
) -> tuple[Pack, ...]:
    """Units packed as they come, for validation."""
    return tuple(
        arrangement.pack([units[i] for i in filled], slots=slots)
        for filled in fill_packs(units, token_budget=token_budget)
    )
