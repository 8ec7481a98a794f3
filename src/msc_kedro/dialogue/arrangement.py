"""How a dialogue becomes what the language model reads: three functions, chosen together, once.

An agent holds one arrangement, and training, validation and generation all go through it, so what
is generated from is what was learned from. `dialogue/as_published.py` has the other ones.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from msc_kedro.dialogue.budgets import limit_history
from msc_kedro.dialogue.packing import make_pack
from msc_kedro.dialogue.prompt import dialogue_prompt
from msc_kedro.dialogue.units import reply_unit

if TYPE_CHECKING:
    from msc_kedro.dialogue.budgets import Lengths
    from msc_kedro.dialogue.collate import FeatureBudget
    from msc_kedro.dialogue.packing import Pack
    from msc_kedro.dialogue.prompt import DialoguePrompt
    from msc_kedro.dialogue.units import Slots, Unit

Fault = Literal[
    "shared_qformer", "padding_inside", "cut_at_end", "loss_on_padding", "speaker_lookup"
]


@dataclass(frozen=True)
class Arrangement:
    """What makes prompts, units of one reply, and packs; called as the functions of those names.

    Attributes:
        prompt: as `prompt.dialogue_prompt`.
        reply_unit: as `units.reply_unit`.
        pack: as `packing.make_pack`.
        one_reply_each: whether a unit can hold one reply only, so that no history is shared.
    """

    prompt: Callable[..., DialoguePrompt] = dialogue_prompt
    reply_unit: Callable[..., Unit] = reply_unit
    pack: Callable[..., Pack] = make_pack
    one_reply_each: bool = False

    def one_reply(
        self,
        prompt: DialoguePrompt,
        turn: int,
        *,
        slots: Slots,
        history_tokens: int | None,
        budget: FeatureBudget,
        lengths: Lengths,
    ) -> Unit:
        """The unit of one reply, its history cut to what it may take of positions and of frames.

        Args:
            prompt: the dialogue.
            turn: the reply, 1 or more.
            slots: vectors per utterance and modality.
            history_tokens: positions of instruction, history and order together.
            budget: of frames; one for the whole history where `budget.over` says so.
            lengths: frames that an utterance has.
        """
        if budget.over == "history":
            prompt = limit_history(prompt, turn, lengths=lengths, budget=budget)
        return self.reply_unit(prompt, turn, slots=slots, history_tokens=history_tokens)


AS_BUILT = Arrangement()
