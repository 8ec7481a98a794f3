"""Ragged tensors in safetensors shards: one array per id, all the rows of a shard end to end.

A shard holds `values` [rows, width], `times_s` [rows] and `offsets` [ids + 1]; the ids are in its
metadata. Reading one id touches that id's bytes only.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class Ragged:
    """Rows of one id: `values` float [t, d] and `times_s` float32 [t] since its beginning."""

    values: np.ndarray
    times_s: np.ndarray


@dataclass(frozen=True)
class ShardSet:
    """Shards that belong together, and what encoder made them."""

    paths: tuple[Path, ...]
    encoder: str
    width: int


def write_shard(path: Path, rows: Mapping[str, Ragged]) -> None:
    """Write a shard, values in float16. The same rows give the same bytes."""
    import numpy as np
    from safetensors.numpy import save_file

    lengths = [len(ragged.values) for ragged in rows.values()]
    values = [r.values for r in rows.values()] or [np.zeros((0, 0))]
    times_s = [r.times_s for r in rows.values()] or [np.zeros(0)]
    tensors = {
        "values": np.concatenate(values).astype(np.float16),
        "times_s": np.concatenate(times_s).astype(np.float32),
        "offsets": np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
    }
    save_file(tensors, path, metadata={"ids": json.dumps(list(rows))})


def shard_ids(path: Path) -> list[str]:
    """The ids that a shard holds, in its order."""
    return json.loads(_open(str(path)).metadata()["ids"])


class RaggedShards(Mapping[str, Ragged]):
    """Ragged arrays by id, over a set of shards; memory-mapped."""

    def __init__(self, paths: Sequence[Path], *, encoder: str, width: int) -> None:
        self.encoder, self.width = encoder, width
        self._place = {
            identity: (str(path), row)
            for path in paths
            for row, identity in enumerate(shard_ids(path))
        }

    def __getitem__(self, identity: str) -> Ragged:
        path, row = self._place[identity]
        shard = _open(path)
        values, times_s = shard.get_slice("values"), shard.get_slice("times_s")
        first, last = shard.get_slice("offsets")[row : row + 2].tolist()
        if first == last:  # safetensors refuses a slice that begins where the tensor ends
            import numpy as np

            width = values.get_shape()[1]
            return Ragged(np.zeros((0, width), np.float16), np.zeros(0, np.float32))
        return Ragged(values[first:last], times_s[first:last])

    def __iter__(self) -> Any:
        return iter(self._place)

    def __len__(self) -> int:
        return len(self._place)


@lru_cache(maxsize=256)
def _open(path: str) -> Any:
    from safetensors import safe_open

    return safe_open(path, framework="numpy")
