"""The exact state of a run, to go on after a crash: safetensors and JSON, nothing pickled."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from msc_kedro.errors import MscKedroError
from msc_kedro.training.config import HistoryRow

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor

_LATEST = "checkpoint"
_TENSORS, _STATE = "tensors.safetensors", "state.json"


@dataclass(frozen=True)
class Checkpoint:
    """A run between two steps.

    The order of the data and the draws of dropout follow from the seed and the step, so the step
    is all that is kept of them.

    Attributes:
        run: fingerprint of settings, data and base model; another run's checkpoint is refused.
        step: steps done.
        tensors: "trained.<name>", "best.<name>", and of the optimizer "mean.<name>" and
            "square.<name>".
        best_step: when validation loss was lowest.
        stale: validations since then.
        history: rows so far.
        frozen_valid_loss: measured at the start.
    """

    run: str
    step: int
    tensors: dict[str, Tensor]
    best_step: int
    stale: int
    history: tuple[HistoryRow, ...]
    frozen_valid_loss: float

    def part(self, name: str) -> dict[str, Tensor]:
        """The tensors whose names begin with `name.`, without it."""
        start = f"{name}."
        return {k.removeprefix(start): v for k, v in self.tensors.items() if k.startswith(start)}


def save_checkpoint(folder: Path, checkpoint: Checkpoint) -> None:
    """Writes beside the last one, then takes its place: a crash leaves the one or the other."""
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    new, latest, old = (folder / f"{_LATEST}{end}" for end in (".new", "", ".old"))
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir()
    save_file(checkpoint.tensors, new / _TENSORS)
    state = {
        "run": checkpoint.run,
        "step": checkpoint.step,
        "best_step": checkpoint.best_step,
        "stale": checkpoint.stale,
        "frozen_valid_loss": checkpoint.frozen_valid_loss,
        "history": [asdict(row) for row in checkpoint.history],
    }
    (new / _STATE).write_text(json.dumps(state), encoding="utf-8")
    if latest.exists():  # else a crash fell between the two renames: the old one is all there is
        shutil.rmtree(old, ignore_errors=True)
        latest.replace(old)
    new.replace(latest)
    shutil.rmtree(old, ignore_errors=True)


def checkpoint_run(folder: Path) -> str:
    """Which run the last checkpoint in a folder is of; "" where there is none."""
    found = _last(folder)
    return "" if found is None else str(_state(found)["run"])


def load_checkpoint(folder: Path, *, run: str) -> Checkpoint | None:
    """The last checkpoint in a folder, or None where there is none.

    Raises:
        MscKedroError: it belongs to a run with other settings, data or base model.
    """
    from msc_kedro.models.weights import load_tensors

    found = _last(folder)
    if found is None:
        return None
    state = _state(found)
    if state["run"] != run:
        raise MscKedroError(
            f"{found} holds a checkpoint of another run (other settings, data or base model): "
            f"found {state['run'][:12]}, expected {run[:12]}. Delete the folder to begin anew."
        )
    return Checkpoint(
        run=run,
        step=state["step"],
        tensors=load_tensors(found / _TENSORS),
        best_step=state["best_step"],
        stale=state["stale"],
        history=tuple(HistoryRow(**row) for row in state["history"]),
        frozen_valid_loss=state["frozen_valid_loss"],
    )


def _last(folder: Path) -> Path | None:
    for name in (_LATEST, f"{_LATEST}.old"):  # the old one if the crash fell between two renames
        if (folder / name / _STATE).is_file():
            return folder / name
    return None


def _state(folder: Path) -> dict[str, Any]:
    state: dict[str, Any] = json.loads((folder / _STATE).read_text(encoding="utf-8"))
    return state
