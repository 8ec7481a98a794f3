"""Boundaries, spans and speakers against the truth."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from msc_kedro.metrics.segmentation import (
    Matched,
    boundary_matches,
    iou,
    matched_times,
    purity,
    span_matches,
)

times = st.lists(st.floats(0, 5), max_size=5)


def best_matching(found: list[float], true: list[float], within_s: float) -> int:
    """The largest one-to-one matching, by trying all."""
    few, many = sorted((found, true), key=len)
    return max(
        sum(abs(a - b) <= within_s for a, b in zip(few, order, strict=True))
        for order in itertools.permutations(many, len(few))
    )


@given(times, times)
def test_times_are_matched_as_well_as_can_be(found: list[float], true: list[float]) -> None:
    matched = matched_times(found, true, within_s=0.5)
    assert matched.matched == best_matching(found, true, 0.5)
    assert matched == Matched(matched.matched, len(found), len(true))


def test_f1_is_of_both() -> None:
    matched = boundary_matches([(0.0, 1.0), (1.2, 2.0)], [(0.3, 2.1)])
    assert matched == Matched(2, 4, 2)
    assert (matched.precision, matched.recall, matched.f1) == (0.5, 1.0, pytest.approx(2 / 3))
    assert boundary_matches([(0, 1)], [(0.6, 1.0)]) == Matched(1, 2, 2)
    assert Matched(0, 0, 0).f1 == 1.0
    assert Matched(1, 2, 3) + Matched(1, 1, 1) == Matched(2, 3, 4)


def test_spans_are_matched_by_overlap() -> None:
    true = [(0.0, 10.0), (10.0, 20.0)]
    assert span_matches([(0.0, 9.0), (9.0, 20.0)], true) == Matched(2, 2, 2)
    assert span_matches([(0.0, 20.0)], true) == Matched(1, 1, 2)  # half of the union: the least
    assert span_matches([(5.0, 15.0)], true) == Matched(0, 1, 2)
    assert iou((0, 2), (1, 3)) == pytest.approx(1 / 3)
    assert iou((1, 1), (1, 1)) == 0
    with pytest.raises(ValueError, match="least_iou"):
        span_matches([], [], least_iou=0.3)


def test_purity() -> None:
    assert purity("AABB", "xxyy") == 1
    assert purity("AAAA", "xxyy") == 0.5
    assert purity("ABCD", "xxyy") == 1  # many small groups are pure: look at ARI beside it
    assert purity("", "") == 1
