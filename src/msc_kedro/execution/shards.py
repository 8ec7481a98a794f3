"""Work in shards: each done once, kept by what went into it, gone on with after a crash."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import TypeVar

from msc_kedro.execution.files import whole_file
from msc_kedro.execution.memory import give_memory_back, large_arrays_go_back
from msc_kedro.execution.parallel import in_parallel

Shard = TypeVar("Shard")
Part = TypeVar("Part")
Read = TypeVar("Read")


def map_shards(
    function: Callable[[Shard, Path], None],
    shards: Sequence[Shard],
    *,
    key: Callable[[Shard], str],
    folder: Path,
    suffix: str,
    title: str,
    workers: int = 1,
) -> tuple[Path, ...]:
    """`function(shard, path to write)` for each shard whose result is not in `folder` yet.

    Args:
        key: names the result by its content: input hashes, parameters and model revision.
        folder: where results are kept between runs.
        suffix: of the results' file names.
        title: shown with the progress.
        workers: shards at a time, in threads.

    Returns:
        The results' paths, in the order of the shards. A crash costs the shard at hand.
    """
    paths = tuple(folder / f"{key(shard)}{suffix}" for shard in shards)
    missing = [pair for pair in zip(shards, paths, strict=True) if not pair[1].is_file()]

    def make(shard_and_path: tuple[Shard, Path]) -> None:
        shard, path = shard_and_path
        with whole_file(path) as temporary:
            function(shard, temporary)
        give_memory_back()

    with large_arrays_go_back():
        for _ in in_parallel(make, missing, workers=workers, title=title, unit="shards"):
            pass
    return paths


def map_read_shards(
    write: Callable[[Shard, Iterator[Read], Path], None],
    shards: Sequence[Shard],
    *,
    parts: Callable[[Shard], Sequence[Part]],
    read: Callable[[Part], Read],
    key: Callable[[Shard], str],
    folder: Path,
    suffix: str,
    title: str,
    workers: int = 1,
) -> tuple[Path, ...]:
    """`map_shards` where reading is slow: parts are read ahead, while the shard before is written.

    Shards are written one after the other, so a crash costs one, however many workers read.

    Args:
        write: takes a shard, its parts as read, in order, and the path to write.
        parts: what of a shard is to be read.
        read: one part, in one of `workers` threads.

    Returns:
        The results' paths, in the order of the shards.
    """
    paths = tuple(folder / f"{key(shard)}{suffix}" for shard in shards)
    missing = {
        path: (shard, list(parts(shard)))
        for shard, path in zip(shards, paths, strict=True)
        if not path.is_file()
    }
    wanted = [part for _, own in missing.values() for part in own]
    found = in_parallel(read, wanted, workers=workers, title=title, unit="parts")
    with closing(found):
        for path, (shard, own) in missing.items():
            with whole_file(path) as temporary:
                write(shard, islice(found, len(own)), temporary)
            give_memory_back()
    return paths
