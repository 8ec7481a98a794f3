"""Ragged tensors in safetensors shards: one array per id, all the rows of a shard end to end.

A shard holds `values` [rows, width], `times_s` [rows] and `offsets` [ids + 1]; the ids are in its
metadata, and in `origins` is, of each, the content it was made from. Reading one id touches that
id's bytes only.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msc_kedro.errors import MscKedroError

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class Ragged:
    """Rows of one id: `values` float [t, d] and `times_s` float32 [t] since its beginning.

    Values are float16 where they are stored.
    """

    values: np.ndarray
    times_s: np.ndarray


@dataclass(frozen=True)
class ShardSet:
    """Shards that belong together, and what encoder made them."""

    paths: tuple[Path, ...]
    encoder: str
    width: int


def narrowed(values: np.ndarray) -> np.ndarray:
    """Values as a shard holds them, float16; `write_shard` refuses what that cannot hold."""
    import numpy as np

    with np.errstate(over="ignore"):
        return values.astype(np.float16)


def write_shard(
    path: Path, rows: Mapping[str, Ragged], *, origins: Mapping[str, str] | None = None
) -> None:
    """Write a shard, values in float16. The same rows give the same bytes.

    Args:
        rows: by id, in the order of the shard.
        origins: by id what each was made from; ids are names, and may be those of other contents
            another time.

    Raises:
        MscKedroError: a value is not finite in float16.
    """
    import numpy as np
    from safetensors.numpy import save_file

    lengths = [len(ragged.values) for ragged in rows.values()]
    values = [r.values for r in rows.values()] or [np.zeros((0, 0))]
    times_s = [r.times_s for r in rows.values()] or [np.zeros(0)]
    with np.errstate(over="ignore"):  # said below
        narrow = np.concatenate(values, dtype=np.float16)
    if not np.isfinite(narrow).all():
        raise MscKedroError(
            "an encoder gave a value that is no number, or that float16 cannot hold (65504 at "
            "most). Choose another of its layers, or float32 for its `precision`."
        )
    tensors = {
        "values": narrow,
        "times_s": np.concatenate(times_s).astype(np.float32),
        "offsets": np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
    }
    if origins is not None:  # not in the metadata: of several entries their order is not fixed
        text = json.dumps([origins[identity] for identity in rows])
        tensors["origins"] = np.frombuffer(text.encode(), np.uint8)
    save_file(tensors, path, metadata={"ids": json.dumps(list(rows))})


def shard_ids(path: Path) -> list[str]:
    """The ids that a shard holds, in its order."""
    return json.loads(_open(str(path)).metadata()["ids"])


def shard_width(path: Path) -> int:
    """The width of the values of a shard; 0 where it is empty."""
    return int(_open(str(path)).get_slice("values").get_shape()[1])


class KeptRows:
    """The rows of all shards in a folder, by what they were made from."""

    def __init__(self, folder: Path) -> None:
        self._ids: dict[str, tuple[Path, str]] = {}
        for path in sorted(folder.glob("*.safetensors")):
            shard = _open(str(path))
            if "origins" in shard.keys():  # noqa: SIM118 (no mapping)
                origins = json.loads(shard.get_tensor("origins").tobytes())
                for origin, identity in zip(origins, shard_ids(path), strict=True):
                    self._ids.setdefault(origin, (path, identity))
        self._shards: dict[Path, RaggedShards] = {}

    def __contains__(self, origin: object) -> bool:
        return origin in self._ids

    def __getitem__(self, origin: str) -> Ragged:
        path, identity = self._ids[origin]
        if path not in self._shards:
            self._shards[path] = RaggedShards([path], encoder="", width=0)
        return self._shards[path][identity]


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

    def lengths(self) -> dict[str, int]:
        """Rows of each id, in the order of the ids; no value is read."""
        found: dict[str, int] = {}
        for path in dict.fromkeys(path for path, _ in self._place.values()):
            offsets = _open(path).get_tensor("offsets").tolist()
            lengths = (end - start for start, end in pairwise(offsets))
            found.update(zip(shard_ids(Path(path)), lengths, strict=True))
        return found

    def widths(self) -> dict[str, int]:
        """The width of the values of each shard, by the name of its file; no value is read."""
        paths = dict.fromkeys(path for path, _ in self._place.values())
        return {Path(path).name: shard_width(Path(path)) for path in paths}

    def __iter__(self) -> Any:
        return iter(self._place)

    def __len__(self) -> int:
        return len(self._place)


@lru_cache(maxsize=256)
def _open(path: str) -> Any:
    from safetensors import safe_open

    return safe_open(path, framework="numpy")
