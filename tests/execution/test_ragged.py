"""Ragged arrays in shards."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from msc_kedro.execution.ragged import Ragged, RaggedShards, shard_ids, write_shard


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
