"""Work that is done once."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from msc_kedro.execution.shards import map_read_shards, map_shards


class Worker:
    """Writes a shard's name; fails where told to."""

    def __init__(self, fails_at: str | None = None) -> None:
        self.fails_at = fails_at
        self.did: list[str] = []

    def __call__(self, shard: str, path: Path) -> None:
        path.write_text("half of it")
        if shard == self.fails_at:
            raise RuntimeError("out of luck")
        self.did.append(shard)
        path.write_text(shard)


def run(worker: Worker, shards: str, folder: Path) -> tuple[Path, ...]:
    return map_shards(
        worker, shards, key=lambda shard: f"key-{shard}", folder=folder, suffix=".txt", title="work"
    )


def test_results_in_the_order_of_the_shards(tmp_path: Path) -> None:
    paths = run(Worker(), "cab", tmp_path / "new")
    assert [path.read_text() for path in paths] == ["c", "a", "b"]
    assert [path.name for path in paths] == ["key-c.txt", "key-a.txt", "key-b.txt"]


def test_a_crash_costs_one_shard(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="out of luck"):
        run(Worker(fails_at="c"), "abcd", tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["key-a.txt", "key-b.txt"]
    again = Worker()
    paths = run(again, "abcd", tmp_path)
    assert again.did == ["c", "d"]
    assert [path.read_text() for path in paths] == list("abcd")


def test_nothing_is_done_twice_and_neighbours_are_used(tmp_path: Path) -> None:
    run(Worker(), "abc", tmp_path)
    other = Worker()
    run(other, "bxa", tmp_path)
    assert other.did == ["x"]


def test_no_shards(tmp_path: Path) -> None:
    assert run(Worker(), "", tmp_path) == ()


def test_the_same_shard_twice(tmp_path: Path) -> None:
    first, second = run(Worker(), "aa", tmp_path)
    assert first == second and first.read_text() == "a"


def test_parts_are_read_ahead_and_shards_are_written_one_by_one(tmp_path: Path) -> None:
    read: list[str] = []

    def write(shard: str, found: Iterator[str], path: Path) -> None:
        text = "".join(found)
        if shard == "ghi" and not list(tmp_path.glob("ghi*")):
            raise RuntimeError("out of luck")
        path.write_text(text)

    def look(letter: str) -> str:
        read.append(letter)
        return letter.upper()

    def run(shards: list[str], writer: Callable = write) -> tuple[Path, ...]:
        return map_read_shards(
            writer,
            shards,
            parts=list,
            read=look,
            key=str,
            folder=tmp_path,
            suffix=".txt",
            title="work",
            workers=3,
        )

    with pytest.raises(RuntimeError, match="out of luck"):
        run(["abc", "", "def", "ghi", "jkl" * 20])
    assert sorted(p.name for p in tmp_path.iterdir()) == [".txt", "abc.txt", "def.txt"]
    assert 7 <= len(read) <= 9 + 6 + 3  # some of the next ones, never all
    read.clear()

    def leaves_some(shard: str, found: Iterator[str], path: Path) -> None:
        path.write_text("".join(found))

    paths = run(["ghi", "def", "jkl"], leaves_some)
    assert [path.read_text() for path in paths] == ["GHI", "DEF", "JKL"]
    assert sorted(read) == list("ghijkl")


def test_few_results_wait() -> None:
    """Memory does not grow with the items: one that nobody takes stops those far behind it."""
    from msc_kedro.execution.parallel import in_parallel

    begun: list[int] = []
    results = in_parallel(lambda n: begun.append(n) or n, range(100), workers=2, title="t")
    assert next(results) == 0
    time.sleep(0.2)
    assert len(begun) <= 2 * 2 + 1
    results.close()
    assert len(begun) <= 2 * 2 + 1


def test_in_parallel_keeps_the_order_and_ends_with_the_first_error():
    from msc_kedro.execution.parallel import in_parallel

    done = list(in_parallel(lambda n: n * n, range(20), workers=4, title="t"))
    assert done == [n * n for n in range(20)]
    begun = []

    def fails_at_three(number: int) -> int:
        begun.append(number)
        if number == 3:
            raise ValueError("three")
        return number

    with pytest.raises(ValueError, match="three"):
        list(in_parallel(fails_at_three, range(1000), workers=1, title="t"))
    assert len(begun) < 1000
