"""Held out by source."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from msc_kedro.corpora.splits import Leak, find_leaks, shares_for, split_sources

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


PAPER = (0.8, 0.1, 0.1)


def test_a_large_corpus_is_held_out_as_in_the_paper() -> None:
    assert shares_for(1120, shares=PAPER, least=(3, 9)) == pytest.approx(PAPER)


def test_a_small_one_holds_out_enough_to_say_something() -> None:
    held = [share * 26 for share in shares_for(26, shares=PAPER, least=(3, 9))]
    assert held == pytest.approx([14, 3, 9])


def test_never_more_than_half_is_held_out_for_that() -> None:
    held = [share * 8 for share in shares_for(8, shares=PAPER, least=(3, 9))]
    assert held == pytest.approx([4, 1, 3])


def test_who_wants_no_split_gets_none() -> None:
    assert shares_for(10, shares=(0.5, 0.0, 0.5), least=(3, 1))[1] == 0.0


@given(total=st.integers(0, 3000), shares=ANY_SHARES, least=st.tuples(*[st.integers(0, 30)] * 2))
def test_shares_sum_to_one(total: int, shares, least: tuple[int, int]) -> None:
    found = shares_for(total, shares=shares, least=least)
    assert sum(found) == pytest.approx(1) and min(found) >= -1e-9


def test_leaks() -> None:
    split_of = {"a": "train", "b": "test", "c": "test", "d": "valid", "e": "train"}
    used = [("Ross", "c"), ("Ross", "a"), ("Joey", "a"), ("Joey", "e"), ("Ross", "b"),
            ("Gunther", "d"), ("Gunther", "b"), ("Nobody", "x"), ("Joey", "y")]  # fmt: skip
    assert find_leaks(used, split_of) == [
        Leak("Gunther", ("valid", "test"), ("d", "b")),
        Leak("Ross", ("train", "test"), ("a", "b")),
    ]
