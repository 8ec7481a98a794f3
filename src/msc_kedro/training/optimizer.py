"""The optimizer, its rate by step, and its state as tensors with names."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor, nn

    from msc_kedro.training.config import TrainingConfig

_PUBLISHED_DECAY = 0.98  # per epoch, in MSenC's code
_FUSED = ("cpu", "cuda")


def make_optimizer(
    parameters: Mapping[str, nn.Parameter], config: TrainingConfig
) -> torch.optim.Optimizer:
    """AdamW, where matrices decay and biases and layer norms do not; or Adam as published.

    Its state is float32, like the parameters it is for.
    """
    held = list(parameters.values())
    fused = all(parameter.device.type in _FUSED for parameter in held)
    if config.optimizer == "adam_published":
        return torch.optim.Adam(held, lr=config.learning_rate, fused=fused)
    groups = [
        {"params": [p for p in held if p.ndim >= 2], "weight_decay": config.weight_decay},
        {"params": [p for p in held if p.ndim < 2], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=config.learning_rate, fused=fused)


def learning_rate(step: int, steps: int, config: TrainingConfig, *, epoch: float = 0.0) -> float:
    """Rises linearly over the warm-up, then falls linearly to its last share. Steps from 0.

    As published: falls after each epoch. `epoch` is how many are done when the step is.
    """
    if config.optimizer == "adam_published":
        return config.learning_rate * _PUBLISHED_DECAY ** max(0, math.ceil(epoch) - 1)
    if step < config.warmup_steps:
        return config.learning_rate * (step + 1) / config.warmup_steps
    left = (steps - 1 - step) / max(1, steps - 1 - config.warmup_steps)
    return config.learning_rate * (config.final_rate_share + (1 - config.final_rate_share) * left)


def optimizer_tensors(
    optimizer: torch.optim.Optimizer, parameters: Mapping[str, nn.Parameter]
) -> dict[str, Tensor]:
    """Its state on the CPU: "mean.<name>", "square.<name>" and "count.<name>"."""
    tensors: dict[str, Tensor] = {}
    for name, parameter in parameters.items():
        state = optimizer.state.get(parameter)
        if state:  # a parameter that never had a gradient has none
            tensors[f"mean.{name}"] = state["exp_avg"].detach().cpu().clone().contiguous()
            tensors[f"square.{name}"] = state["exp_avg_sq"].detach().cpu().clone().contiguous()
            tensors[f"count.{name}"] = state["step"].detach().cpu().clone()
    return tensors


def restore_optimizer(
    optimizer: torch.optim.Optimizer,
    parameters: Mapping[str, nn.Parameter],
    tensors: Mapping[str, Tensor],
) -> None:
    """Puts back what `optimizer_tensors` gave."""
    for name, parameter in parameters.items():
        if f"mean.{name}" in tensors:
            optimizer.state[parameter] = {
                "step": tensors[f"count.{name}"].to(parameter.device),
                "exp_avg": tensors[f"mean.{name}"].to(parameter.device),
                "exp_avg_sq": tensors[f"square.{name}"].to(parameter.device),
            }
