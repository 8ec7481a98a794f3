"""The processes of one run. Each has whole packs of a step; their gradients are added up.

They are not wrapped in DistributedDataParallel: it averages gradients per process, while the loss
is per target token of the whole step; and it needs every process to run as many backward passes,
and to use every parameter in each, while one may have fewer packs than another, or a pack of an
utterance without video. What is trained is small, so one sum after the backward passes costs less
than a percent of the step.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class Group:
    """Which process of how many this is. The default is a run of one process.

    `even`: all run as many forward passes, because each waits for the others in every layer: so it
    is where the base model lies in shards.
    """

    rank: int = 0
    size: int = 1
    even: bool = False

    @property
    def leads(self) -> bool:
        """Whether this is the one that writes and reports."""
        return self.rank == 0

    def share(self, count: int) -> list[tuple[int, bool]]:
        """This process's places of `count` packs, and whether each counts."""
        mine = [(place, True) for place in range(self.rank, count, self.size)]
        if self.even and len(mine) * self.size < count:
            mine.append((0, False))
        return mine

    def add_gradients(self, parameters: Iterable[nn.Parameter]) -> None:
        """Sums the gradients over the processes, in place. One without a gradient counts as 0."""
        if self.size == 1:
            return
        held = list(parameters)
        flat = torch.cat(
            [(torch.zeros_like(p) if p.grad is None else p.grad).flatten() for p in held]
        )
        used = torch.tensor([float(p.grad is not None) for p in held], device=flat.device)
        for tensor in (flat, used):
            torch.distributed.all_reduce(tensor)
        parts = flat.split([p.numel() for p in held])
        for parameter, part, uses in zip(held, parts, used.tolist(), strict=True):
            parameter.grad = part.view_as(parameter) if uses else None

    def add(self, values: Sequence[float], device: torch.device) -> list[float]:
        """Sums numbers over the processes."""
        if self.size == 1:
            return list(values)
        total: Tensor = torch.tensor(values, dtype=torch.float64, device=device)
        torch.distributed.all_reduce(total)
        return total.tolist()


ALONE = Group()
