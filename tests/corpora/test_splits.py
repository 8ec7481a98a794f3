"""Held out by source."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from msc_kedro.corpora.splits import split_sources

SHARES = (0.7, 0.15, 0.15)
COUNTS = st.dictionaries(st.text(min_size=1, max_size=6), st.integers(0, 40), max_size=30)
SHARE = st.just(0.0) | st.floats(0.01, 1)
ANY_SHARES = st.tuples(st.floats(0.01, 1), SHARE, SHARE)


@given(counts=COUNTS, shares=ANY_SHARES, seed=st.integers(0, 99), random=st.randoms())
def test_every_source_is_in_one_split(counts, shares, seed, random) -> None:
    assigned = split_sources(counts, shares=shares, seed=seed)
    used = {source for source, count in counts.items() if count}
    assert set(assigned) == used
    wanted = {split for split, share in zip(("train", "valid", "test"), shares, strict=True)
              if share > 0}  # fmt: skip
    if len(used) >= 3:
        assert set(assigned.values()) == wanted  # none empty, none that was not asked for
    else:
        assert set(assigned.values()) <= {"train"}
    shuffled = list(counts.items())
    random.shuffle(shuffled)
    assert split_sources(dict(shuffled), shares=shares, seed=seed) == assigned


@given(counts=st.lists(st.integers(1, 8), min_size=80, max_size=120), seed=st.integers(0, 99))
def test_shares_are_met_with_many_sources(counts: list[int], seed: int) -> None:
    by_source = {f"s{index}": count for index, count in enumerate(counts)}
    got: Counter[str] = Counter()
    for source, split in split_sources(by_source, shares=SHARES, seed=seed).items():
        got[split] += by_source[source]
    for split, share in zip(("train", "valid", "test"), SHARES, strict=True):
        assert got[split] / sum(counts) == pytest.approx(share, abs=0.03)


def test_the_seed_decides() -> None:
    counts = {f"s{index}": 1 for index in range(30)}
    splits = [split_sources(counts, shares=SHARES, seed=seed) for seed in (1, 1, 2)]
    assert splits[0] == splits[1] != splits[2]


def test_shares_need_not_sum_to_one() -> None:
    counts = {f"s{index}": index % 4 + 1 for index in range(30)}
    whole = split_sources(counts, shares=(70, 15, 15), seed=1)
    assert whole == split_sources(counts, shares=SHARES, seed=1)


def test_one_large_source_among_small_ones() -> None:
    assigned = split_sources({"large": 50, "a": 1, "b": 1}, shares=SHARES, seed=1)
    assert assigned["large"] == "train" and sorted(assigned.values()) == ["test", "train", "valid"]
    # Where most is wanted for the test, train still gets something.
    assigned = split_sources({"a": 5, "b": 1, "c": 1}, shares=(0.1, 0.1, 0.8), seed=1)
    assert sorted(assigned.values()) == ["test", "train", "valid"]
