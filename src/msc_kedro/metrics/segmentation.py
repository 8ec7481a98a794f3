"""Measures of where utterances and dialogues begin and end, and of who speaks in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

Span = tuple[float, float]  # start and end in seconds


@dataclass(frozen=True)
class Matched:
    """How many were found, how many there are, and how many of each are matched one to one."""

    matched: int
    found: int
    true: int

    @property
    def precision(self) -> float:
        """Matched of what was found; 1 where nothing was found."""
        return self.matched / self.found if self.found else 1.0

    @property
    def recall(self) -> float:
        """Matched of what there is; 1 where there is nothing."""
        return self.matched / self.true if self.true else 1.0

    @property
    def f1(self) -> float:
        """2 matched / (found + true); 1 where both are 0."""
        both = self.found + self.true
        return 2 * self.matched / both if both else 1.0

    def __add__(self, other: Matched) -> Matched:
        return Matched(
            self.matched + other.matched, self.found + other.found, self.true + other.true
        )


def matched_times(found_s: Sequence[float], true_s: Sequence[float], *, within_s: float) -> Matched:
    """Times matched one to one where they are at most `within_s` apart; as many as can be.

    Going through both in order and taking each first match is the largest matching on a line.
    """
    found, true = sorted(found_s), sorted(true_s)
    i = j = matched = 0
    while i < len(found) and j < len(true):
        if abs(found[i] - true[j]) <= within_s:
            i, j, matched = i + 1, j + 1, matched + 1
        elif found[i] < true[j]:
            i += 1
        else:
            j += 1
    return Matched(matched, len(found), len(true))


def boundary_matches(
    found: Sequence[Span], true: Sequence[Span], *, within_s: float = 0.5
) -> Matched:
    """Starts matched with starts and ends with ends (tolerance 0.5 s, as the data set's page)."""
    starts = matched_times([s for s, _ in found], [s for s, _ in true], within_s=within_s)
    ends = matched_times([e for _, e in found], [e for _, e in true], within_s=within_s)
    return starts + ends


def span_matches(found: Sequence[Span], true: Sequence[Span], *, least_iou: float = 0.5) -> Matched:
    """Spans matched one to one where they overlap by at least `least_iou` of their union.

    From 0.5 on a span can match one other at most, so any order gives the same count.

    Raises:
        ValueError: `least_iou` is not in [0.5, 1].
    """
    if not 0.5 <= least_iou <= 1:
        raise ValueError(f"least_iou is {least_iou}, not within [0.5, 1].")
    free = list(true)
    matched = 0
    for span in found:
        best = max(free, key=lambda other: iou(span, other), default=None)
        if best is not None and iou(span, best) >= least_iou:
            free.remove(best)
            matched += 1
    return Matched(matched, len(found), len(true))


def iou(one: Span, other: Span) -> float:
    """Intersection over union of two spans; 0 for two of length 0."""
    shared = max(0.0, min(one[1], other[1]) - max(one[0], other[0]))
    union = (one[1] - one[0]) + (other[1] - other[0]) - shared
    return shared / union if union > 0 else 0.0


def purity(found: Sequence[str], true: Sequence[str]) -> float:
    """Share of items whose true label is the most frequent one of their group (Manning et al.,
    Introduction to Information Retrieval, 16.3); 1 for no items.
    """
    groups: dict[str, list[str]] = {}
    for group, label in zip(found, true, strict=True):
        groups.setdefault(group, []).append(label)
    most = sum(max(labels.count(label) for label in set(labels)) for labels in groups.values())
    return most / len(found) if found else 1.0
