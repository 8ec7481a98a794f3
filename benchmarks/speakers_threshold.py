"""Fits the distance under which two utterances are of one voice; writes it to docs/speakers.md.

    python benchmarks/speakers_threshold.py --real <recordings> --demo data/01_raw/demo

A logistic regression of "same voice" on the cosine distance and log2 of the harmonic mean of both
lengths, over pairs within a recording. Each pair of people weighs the same in each class of
length, and same and different weigh the same. Errors are of people whom the fit did not hear: the
people are split at random into halves, those who talk with each other together, twenty times.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from sklearn.linear_model import LogisticRegression
from speakers_pieces import Pairs, Pieces, embedded, folders, pairs_of, write_section

from msc_kedro.listening.speakers import SameSpeaker

CLASSES_S = (0.35, 0.65, 1.0, 1.5, 2.2, 3.3, 8.0)
SPLITS = 20


def weights(pairs: Pairs, chosen: np.ndarray) -> np.ndarray:
    """[q], 0 where not chosen; the same for each pair of people in each class of length."""
    weight = np.zeros(len(chosen))
    classes = np.digitize(pairs.mean_s, CLASSES_S)
    for same in (True, False):
        part = chosen & (pairs.same == same)
        cells = pairs.people[part] * 10 + classes[part]
        _, cell, sizes = np.unique(cells, return_inverse=True, return_counts=True)
        weight[part] = 1 / sizes[cell] / max(len(sizes), 1)
    return weight


def fit(pairs: Pairs, chosen: np.ndarray, *, with_length: bool = True) -> SameSpeaker:
    """The limit for the chosen pairs."""
    columns = [pairs.distance, np.log2(pairs.mean_s)][: 1 + with_length]
    weight = weights(pairs, chosen)[chosen]
    model = LogisticRegression(C=1e6, max_iter=1000).fit(
        np.stack(columns, axis=1)[chosen], pairs.same[chosen], sample_weight=weight * 1e4
    )
    slope, *by_length = model.coef_[0]
    falls = float(by_length[0] / slope) if by_length else 0.0
    return SameSpeaker(float(-model.intercept_[0] / slope), falls, float(-slope))


def errors(pairs: Pairs, chosen: np.ndarray, same: SameSpeaker) -> tuple[float, float]:
    """Shares of the chosen: of one voice held to be two, and of two held to be one."""
    weight = weights(pairs, chosen)
    excess = pairs.distance - same.limit(pairs.mean_s, pairs.mean_s)
    missed, taken = chosen & pairs.same, chosen & ~pairs.same
    return (
        float(weight[missed & (excess >= 0)].sum() / weight[missed].sum()),
        float(weight[taken & (excess < 0)].sum() / weight[taken].sum()),
    )


def equal_error(pairs: Pairs, chosen: np.ndarray) -> tuple[float, float]:
    """Rate and distance at which both errors are equal."""
    order = np.flatnonzero(chosen)[np.argsort(pairs.distance[chosen])]
    weight, same = weights(pairs, chosen)[order], pairs.same[order]
    taken = np.cumsum(np.where(same, 0, weight))
    missed = 1 - np.cumsum(np.where(same, weight, 0)) / weight[same].sum()
    place = int(np.abs(missed - taken / taken[-1]).argmin())
    rate = (missed[place] + taken[place] / taken[-1]) / 2
    return float(rate), float(pairs.distance[order][place])


def halves(pieces: Pieces, seed: int) -> np.ndarray:
    """Which pieces are in the first half [p]; half of the demo's people, half of the companies."""
    rng = np.random.default_rng(seed)
    cast = rng.permutation(np.unique(pieces.person[pieces.made]))
    real = rng.permutation(np.unique(pieces.company[~pieces.made]))
    return np.where(
        pieces.made,
        np.isin(pieces.person, cast[: len(cast) // 2]),
        np.isin(pieces.company, real[: len(real) // 2]),
    )


def crossed(
    pieces: Pieces, pairs: Pairs, classes: list[np.ndarray], *, with_length: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Limits [2 * splits, 2] by half, and errors [2 * splits, 1 + classes, 2] on the other half."""
    limits, wrong = [], []
    for seed in range(SPLITS):
        first = halves(pieces, seed)
        for fitted in (first, ~first):
            inside, outside = (
                pairs.within & half[pairs.first] & half[pairs.second] for half in (fitted, ~fitted)
            )
            same = fit(pairs, inside, with_length=with_length)
            limits.append((same.distance, same.less_per_doubling))
            wrong.append(
                [errors(pairs, outside, same)]
                + [
                    errors(pairs, outside & part, same)
                    if all((pairs.same[outside & part] == one).any() for one in (True, False))
                    else (np.nan, np.nan)
                    for part in classes
                ]
            )
    return np.array(limits), np.array(wrong)


def table(pieces: Pieces, pairs: Pairs) -> str:
    """What docs/speakers.md shows."""
    classes = [(pairs.mean_s >= low) & (pairs.mean_s < high) for low, high in pairwise(CLASSES_S)]
    whole = fit(pairs, pairs.within)
    limits, wrong = crossed(pieces, pairs, classes, with_length=True)
    _, wrong_without = crossed(pieces, pairs, classes, with_length=False)
    lines = [
        "| length | same voice: pairs (people) | distance | other voice: pairs (pairs of people) "
        "| distance | EER | at | limit | missed | taken |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for part, (low, high), (missed, taken) in zip(
        classes, pairwise(CLASSES_S), np.nanmean(wrong[:, 1:], axis=0), strict=True
    ):
        cells = []
        for same in (True, False):
            chosen = pairs.within & part & (pairs.same == same)
            weight = weights(pairs, chosen)[chosen]
            mean = np.average(pairs.distance[chosen], weights=weight)
            spread = np.average((pairs.distance[chosen] - mean) ** 2, weights=weight) ** 0.5
            people = len(np.unique(pairs.people[chosen]))
            cells.append(f"{chosen.sum():,} ({people}) | {mean:.2f} ± {spread:.2f}")
        rate, at = equal_error(pairs, pairs.within & part)
        middle = pairs.mean_s[pairs.within & part].mean()
        lines.append(
            f"| {low}-{high} s | {cells[0]} | {cells[1]} | {rate:.1%} | {at:.2f} "
            f"| {float(whole.limit(middle, middle)):.2f} | {missed:.1%} | {taken:.1%} |"
        )
    mean, spread = limits.mean(axis=0), limits.std(axis=0)
    both, without = wrong[:, 0].mean(axis=0), wrong_without[:, 0].mean(axis=0)
    sources = [("real recordings alone", False), ("the demo alone", True)]
    by_source = [
        fit(pairs, pairs.within & (pieces.made[pairs.first] == made)) for _, made in sources
    ]
    return "\n".join(
        [
            *lines,
            "",
            "| fitted on | distance at 1 s | less per doubling | steepness | missed | taken |",
            "|---|---|---|---|---|---|",
            f"| **everybody: what conf/base holds** | **{whole.distance:.2f}** "
            f"| **{whole.less_per_doubling:.2f}** | **{whole.steepness:.0f}** | | |",
            f"| half of the people, errors on the other half; {2 * SPLITS} times "
            f"| {mean[0]:.2f} ± {spread[0]:.2f} | {mean[1]:.2f} ± {spread[1]:.2f} | "
            f"| {both[0]:.1%} | {both[1]:.1%} |",
            f"| the same with one limit for all lengths | | 0 | | {without[0]:.1%} "
            f"| {without[1]:.1%} |",
            *(
                f"| {name} | {one.distance:.2f} | {one.less_per_doubling:.2f} "
                f"| {one.steepness:.0f} | | |"
                for (name, _), one in zip(sources, by_source, strict=True)
            ),
            "",
        ]
    )


def main() -> None:
    """Hear the pieces, fit, write."""
    pieces = embedded(*folders())
    write_section("threshold", table(pieces, pairs_of(pieces)))


if __name__ == "__main__":
    main()
