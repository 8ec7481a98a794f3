"""Ragged arrays in shards."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from msc_kedro.errors import MscKedroError
from msc_kedro.execution.ragged import KeptRows, Ragged, RaggedShards, shard_ids, write_shard


def rows_of(lengths: Mapping[str, int], *, width: int = 3, seed: int = 0) -> dict[str, Ragged]:
    random = np.random.default_rng(seed)
    return {
        identity: Ragged(
            random.standard_normal((length, width)).astype(np.float32),
            np.arange(length, dtype=np.float32) / 3,
        )
        for identity, length in lengths.items()
    }


def assert_same(found: Ragged, expected: Ragged) -> None:
    assert found.values.dtype == np.float16 and found.times_s.dtype == np.float32
    assert np.array_equal(found.values, expected.values.astype(np.float16))
    assert np.array_equal(found.times_s, expected.times_s)


def test_round_trip_over_shards(tmp_path: Path) -> None:
    first, second = rows_of({"b": 4, "a": 1}), rows_of({"c": 2}, seed=1)
    write_shard(tmp_path / "1", first)
    write_shard(tmp_path / "2", second)
    shards = RaggedShards([tmp_path / "1", tmp_path / "2"], encoder="some", width=3)
    assert list(shards) == ["b", "a", "c"] and len(shards) == 3
    assert (shards.encoder, shards.width) == ("some", 3)
    for identity, expected in {**first, **second}.items():
        assert_same(shards[identity], expected)
    assert shards.get("nobody") is None and "nobody" not in shards
    with pytest.raises(KeyError):
        shards["nobody"]


def test_reading_one_touches_its_rows_only(tmp_path: Path) -> None:
    """The bytes of all others may be anything."""
    path = tmp_path / "1"
    rows = rows_of({"a": 5, "b": 7, "c": 5})
    write_shard(path, rows)
    content = path.read_bytes()
    taken = rows["b"].values.astype(np.float16).tobytes()
    assert content.count(taken) == 1
    others = [rows[name].values.astype(np.float16).tobytes() for name in "ac"]
    for other in others:
        content = content.replace(other, b"\xff" * len(other))
    damaged = tmp_path / "2"
    damaged.write_bytes(content)
    assert_same(RaggedShards([damaged], encoder="", width=3)["b"], rows["b"])


def test_same_rows_same_bytes(tmp_path: Path) -> None:
    for name in "12":
        write_shard(tmp_path / name, rows_of({"a": 3, "b": 0, "c": 9}))
    assert (tmp_path / "1").read_bytes() == (tmp_path / "2").read_bytes()


def test_an_empty_shard_and_no_shard(tmp_path: Path) -> None:
    write_shard(tmp_path / "1", {})
    assert shard_ids(tmp_path / "1") == []
    assert len(RaggedShards([tmp_path / "1"], encoder="", width=3)) == 0
    assert len(RaggedShards([], encoder="", width=3)) == 0


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    lengths=st.dictionaries(st.text(max_size=8), st.integers(0, 6), max_size=6),
    width=st.integers(1, 4),
    number=st.integers(0, 10**9),
)
def test_any_lengths(tmp_path: Path, lengths: dict[str, int], width: int, number: int) -> None:
    path = tmp_path / f"{number}-{width}-{abs(hash(tuple(lengths.items())))}"
    rows = rows_of(lengths, width=width, seed=number)
    write_shard(path, rows)
    assert shard_ids(path) == list(lengths)
    shards = RaggedShards([path], encoder="", width=width)
    assert set(shards) == set(lengths)
    for identity, expected in rows.items():
        found = shards[identity]
        assert found.values.shape == (lengths[identity], width)
        assert_same(found, expected)


def test_lengths_over_shards(tmp_path: Path) -> None:
    write_shard(tmp_path / "1", rows_of({"b": 4, "a": 0}))
    write_shard(tmp_path / "2", rows_of({"c": 2}))
    shards = RaggedShards([tmp_path / "1", tmp_path / "2"], encoder="", width=3)
    assert shards.lengths() == {"b": 4, "a": 0, "c": 2}


@pytest.mark.skipif(not Path("/proc/self/smaps").exists(), reason="needs Linux's /proc")
def test_loading_a_dialogue_touches_its_bytes_only(tmp_path: Path) -> None:
    """In a fresh process: by reads, and by pages of the mapped file. Of 41 MB it asks for 1."""
    path = tmp_path / "shard.safetensors"
    write_shard(path, rows_of({f"u{n}": 100 for n in range(400)}, width=512))
    size = path.stat().st_size
    assert size > 40_000_000
    code = f"""
import json, numpy
from pathlib import Path
from msc_kedro.execution.ragged import RaggedShards

def read() -> int:
    return int(Path("/proc/self/io").read_text().split()[1])

def mapped() -> int:
    lines = Path("/proc/self/smaps").read_text().splitlines()
    kept = []
    for place, line in enumerate(lines):
        if line.endswith({path.name!r}):
            kept.append(next(l for l in lines[place:] if l.startswith("Rss:")))
    return sum(int(line.split()[1]) * 1024 for line in kept)

before = read()
shards = RaggedShards([Path({str(path)!r})], encoder="", width=512)
asked = sum(shards[f"u{{n}}"].values.nbytes for n in range(100, 110))
print(json.dumps([asked, read() - before, mapped()]))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    asked, read, mapped = json.loads(done.stdout)
    assert asked == 10 * 100 * 512 * 2
    assert read < 200_000  # next to nothing is copied by the kernel
    # Linux maps up to 2 MiB around a page that is asked for.
    assert asked < mapped < asked + 6_000_000 < size / 5


def test_rows_by_what_they_were_made_from(tmp_path: Path) -> None:
    first, second = rows_of({"b": 4, "a": 1}), rows_of({"c": 0, "b": 2}, seed=1)
    write_shard(tmp_path / "1.safetensors", first, origins={"a": "film 0 1", "b": "film 1 2"})
    write_shard(tmp_path / "2.safetensors", second, origins={"c": "film 3 4", "b": "film 1 9"})
    write_shard(tmp_path / "3.safetensors", rows_of({"d": 3}))  # of an earlier version
    kept = KeptRows(tmp_path)
    assert "film 1 2" in kept and "film 1 3" not in kept and "b" not in kept
    assert_same(kept["film 1 2"], first["b"])
    assert_same(kept["film 1 9"], second["b"])
    assert kept["film 3 4"].values.shape == (0, 3)
    assert "film 1 2" not in KeptRows(tmp_path / "nowhere")


def test_what_float16_cannot_hold_is_refused(tmp_path: Path) -> None:
    for value in (1e5, np.inf, np.nan):
        row = Ragged(np.full((1, 2), value, np.float32), np.zeros(1, np.float32))
        with pytest.raises(MscKedroError, match="float16 cannot hold"):
            write_shard(tmp_path / "1", {"a": row})
    assert not (tmp_path / "1").exists()
