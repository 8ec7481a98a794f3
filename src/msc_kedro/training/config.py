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
        packing: "dialogue" reads a history once for all its replies; "window" too, but each reply
            attends only to what "reply" would keep for it; "reply" is one sample per reply, as the
            paper does.
        token_budget: positions of a pack.
        history_tokens: positions of a prompt where history must be dropped (the paper: 800).
        modality_dropout: share of the utterances whose video, and of those whose audio, is left out
            of the prompt, drawn anew in each step.
        packs_per_step: packs whose gradients are added up.
        optimizer: "adamw", its rate rising over the warm-up and then falling linearly; or
            "adam_published": Adam, the rate times 0.98 after each epoch and nothing else.
        learning_rate: its highest value, reached after the warm-up.
        final_rate_share: of the learning rate at the last step; AdamW only.
        warmup_steps: over which the rate rises linearly; AdamW only.
        weight_decay: of AdamW, on matrices only.
        clip_norm: largest norm of the gradient; None does not clip.
        eval_every_steps: between validations; None: at the end of each epoch. Step 0 and the last
            step are always validated.
        patience: validations without a better one after which training stops; None never.
        checkpoint_every_steps: between checkpoints to resume from, where a folder is given.
        activation_checkpointing: keeps the input of each layer of the language model only, and
            computes the rest again in the backward pass: less memory, a third more time.
        compile: the layers of the language model by torch.compile; it pays on CUDA.
        prepared_packs: made ahead of the step that learns them, by a thread of its own.
        seed: of the order of dialogues and of dropout.
    """

    epochs: int = 6
    max_steps: int | None = None
    style: PromptStyle = field(default_factory=PromptStyle)
    packing: Literal["dialogue", "window", "reply"] = "dialogue"
    token_budget: int = 640
    history_tokens: int = 800
    modality_dropout: float = 0.0
    packs_per_step: int = 1
    optimizer: Literal["adamw", "adam_published"] = "adamw"
    learning_rate: float = 1e-3
    final_rate_share: float = 0.1
    warmup_steps: int = 5
    weight_decay: float = 0.01
    clip_norm: float | None = 1.0
    eval_every_steps: int | None = 10
    patience: int | None = None
    checkpoint_every_steps: int = 20
    activation_checkpointing: bool = False
    compile: bool = False
    prepared_packs: int = 4
    seed: int = 0

    def __post_init__(self) -> None:
        counts = ("epochs", "token_budget", "packs_per_step", "prepared_packs", "eval_every_steps")
        for name in (*counts, "checkpoint_every_steps", "learning_rate", "clip_norm"):
            found = getattr(self, name)
            if found is not None and found <= 0:
                raise MscKedroError(f"{name}: found {found}, expected more than 0.")
        if not 0 <= self.modality_dropout <= 1:
            raise MscKedroError(
                f"modality_dropout: found {self.modality_dropout}, expected a share, 0 to 1."
            )


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
        seconds: wall time of the steps and validations run by this process. This and what follows
            are apart from history because they differ from run to run.
        waited_s: of these, how long steps waited for their data.
        peak_bytes: the most memory that was in use: on CUDA that of tensors, else the process's.
    """

    best_state: dict[str, Tensor]
    last_state: dict[str, Tensor]
    best_step: int
    history: tuple[HistoryRow, ...]
    frozen_valid_loss: float
    stopped_early: bool
    seconds: float
    waited_s: float = 0.0
    peak_bytes: int = 0

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
