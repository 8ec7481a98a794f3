"""Faces followed from picture to picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from toy_faces import face

from msc_kedro.seeing.faces import Face, between
from msc_kedro.seeing.tracks import Tracker, overlap


def followed(pictures: Sequence[Sequence[Face]], *, max_gap_s: float = 0.6) -> list[list[int]]:
    """Numbers of the tracks of the faces of each picture, five pictures a second."""
    tracker = Tracker(max_gap_s=max_gap_s)
    return [
        [track.number for track in tracker.see(place / 5, faces)]
        for place, faces in enumerate(pictures)
    ]


def test_overlap_of_boxes() -> None:
    one = face(0, side=10)
    assert overlap(one, one) == 1.0
    assert overlap(one, face(5, side=10)) == pytest.approx(1 / 3)
    assert overlap(one, face(10, side=10)) == 0.0  # they touch
    assert overlap(one, face(50, side=10)) == 0.0
    assert overlap(one, face(2, 12, side=5)) == pytest.approx(0.25)  # one within the other
    flat = replace(one, h=0.0)
    assert overlap(flat, flat) == 0.0 and overlap(one, flat) == 0.0


def test_two_that_cross_keep_their_numbers() -> None:
    right = [face(4 * step, 10) for step in range(20)]
    left = [face(76 - 4 * step, 40) for step in range(20)]
    assert followed([[a, b] for a, b in zip(right, left, strict=True)]) == [[0, 1]] * 20


def test_the_order_in_a_picture_says_nothing() -> None:
    assert followed([[face(0), face(100)], [face(102), face(1)]]) == [[0, 1], [1, 0]]


def test_the_best_pairs_in_all_not_the_nearest_first() -> None:
    # The first face overlaps most with the second's place, but then the second would have none.
    seen = followed([[face(0), face(20)], [face(12), face(34)]])
    assert seen[1] == [0, 1]


def test_who_moves_steadily_is_found_where_they_are_expected() -> None:
    assert followed([[face(0)], [face(20)], [face(40)], [], [face(80)]]) == [[0], [0], [0], [], [0]]


@pytest.mark.parametrize(("missing", "expected"), [(2, 0), (3, 1)])
def test_a_gap_up_to_the_limit(missing: int, expected: int) -> None:
    assert followed([[face(0)], *([[]] * missing), [face(0)]])[-1] == [expected]


def test_another_place_is_another_face() -> None:
    assert followed([[face(0)], [face(200)], [face(0)]]) == [[0], [1], [0]]


def test_a_face_between_two_places() -> None:
    half = between(face(0, side=40), face(20, side=60, score=0.8), 0.5)
    assert (half.x, half.w, half.score) == (10, 50, 0.8)
    assert half.landmarks[0] == (0.5 * (12 + 38), 0.5 * (26 + 34))
