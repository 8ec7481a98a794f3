"""Train, valid and test by source: no video has dialogues in two splits."""

from __future__ import annotations

import random
from collections.abc import Mapping

from msc_kedro.tables import SPLITS


def split_sources(
    dialogues_per_source: Mapping[str, int], *, shares: tuple[float, float, float], seed: int
) -> dict[str, str]:
    """Assign each source to a split, the shares met by count of dialogues as near as groups allow.

    Sources are taken in a seeded order, those with most dialogues first; each goes to the split
    that lacks most. With at least three sources no split stays empty. With one or two there is
    nothing to hold out by source: all go to train, and the caller decides what that means.

    Args:
        dialogues_per_source: how many dialogues each source has; those with none are left out.
        shares: of train, valid and test; they are scaled to sum to 1.
        seed: of the order.

    Returns:
        Source id to "train", "valid" or "test".
    """
    sources = sorted(source for source, count in dialogues_per_source.items() if count > 0)
    if len(sources) < len(SPLITS):
        return dict.fromkeys(sources, "train")
    random.Random(seed).shuffle(sources)
    sources.sort(key=lambda source: -dialogues_per_source[source])
    total = sum(dialogues_per_source[source] for source in sources)
    wanted = {split: total * s / sum(shares) for split, s in zip(SPLITS, shares, strict=True)}
    # The last sources in order are the smallest: one each is kept for the smaller splits.
    largest = max(SPLITS, key=lambda name: wanted[name])
    smaller = [split for split in reversed(SPLITS) if split != largest and wanted[split] > 0]
    assigned = {sources.pop(): split for split in smaller}
    for source, split in assigned.items():
        wanted[split] -= dialogues_per_source[source]
    for source in sources:
        split = max(SPLITS, key=lambda name: wanted[name])
        assigned[source] = split
        wanted[split] -= dialogues_per_source[source]
    return assigned
