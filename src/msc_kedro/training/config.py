"""What a training run is told, and what it gives back."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from msc_kedro.dialogue.prompt import PromptStyle
from msc_kedro.errors import MscKedroError

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class TrainingConfig:
    """One run. The paper: 10 epochs, batch 6, learning rate 5e-5, no warm-up, no clipping.

    Attributes:
        epochs: times that every training reply is learned.
        max_steps: stops earlier; None runs all epochs.
        style: modalities shown and kind of target.
        packing: "dialogue" reads a history once for all its replies; "reply" is one sample per
            reply, as the paper does.
        token_budget: positions of a pack.
        history_tokens: positions of a prompt where history must be dropped (the paper: 800).
        packs_per_step: packs whose gradients are added up.
        learning_rate: its highest value, reached after the warm-up.
        final_rate_share: of the learning rate at the last step; it falls linearly.
        warmup_steps: over which the rate rises linearly.
        weight_decay: of AdamW, on matrices only.
        clip_norm: largest norm of the gradient.
        eval_every_steps: between validations; step 0 and the last step are always validated.
        patience: validations without a better one after which training stops; None never.
        checkpoint_every_steps: between checkpoints to resume from, where a folder is given.
        seed: of the order of dialogues and of dropout.
    """

    epochs: int = 6
    max_steps: int | None = None
    style: PromptStyle = field(default_factory=PromptStyle)
    packing: Literal["dialogue", "reply"] = "dialogue"
    token_budget: int = 640
    history_tokens: int = 800
    packs_per_step: int = 1
    learning_rate: float = 1e-3
    final_rate_share: float = 0.1
    warmup_steps: int = 5
    weight_decay: float = 0.01
    clip_norm: float = 1.0
    eval_every_steps: int = 10
    patience: int | None = None
    checkpoint_every_steps: int = 20
    seed: int = 0

    def __post_init__(self) -> None:
        counts = ("epochs", "token_budget", "packs_per_step", "eval_every_steps")
        for name in (*counts, "checkpoint_every_steps", "learning_rate", "clip_norm"):
            if getattr(self, name) <= 0:
                raise MscKedroError(f"{name}: found {getattr(self, name)}, expected more than 0.")


@dataclass(frozen=True)
class HistoryRow:
    """One optimizer step. Nothing in it depends on the clock.

    Attributes:
        step: 0 is before the first step.
        epoch: how much of the data has been learned, in epochs.
        train_loss: mean over the target tokens of the step; None at step 0.
        valid_loss: mean over the target tokens of the validation split; None where not measured.
        learning_rate: used in the step.
        tokens: positions read in all steps so far.
    """

    step: int
    epoch: float
    train_loss: float | None
    valid_loss: float | None
    learning_rate: float
    tokens: int


@dataclass(frozen=True)
class TrainingResult:
    """What came out.

    Attributes:
        best_state: trainable tensors at the lowest validation loss.
        last_state: trainable tensors at the end.
        best_step: when validation loss was lowest.
        history: one row per step, step 0 first.
        frozen_valid_loss: of the language model as it came, text only, on the same replies.
        stopped_early: whether patience ran out.
        seconds: wall time of the steps and validations run by this process, apart from history
            because it differs from run to run.
    """

    best_state: dict[str, Tensor]
    last_state: dict[str, Tensor]
    best_step: int
    history: tuple[HistoryRow, ...]
    frozen_valid_loss: float
    stopped_early: bool
    seconds: float

    @property
    def start_valid_loss(self) -> float:
        """Validation loss before the first step."""
        found = self.history[0].valid_loss
        assert found is not None  # step 0 is always validated
        return found

    @property
    def best_valid_loss(self) -> float:
        """The lowest validation loss."""
        return min(row.valid_loss for row in self.history if row.valid_loss is not None)
