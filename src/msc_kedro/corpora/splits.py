"""Train, valid and test by source: no video has dialogues in two splits; and what is in two."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from msc_kedro.tables import SPLITS

LeakKind = Literal["same_source", "same_sound", "same_speaker"]
LEAK_WORDS: dict[LeakKind, str] = {
    "same_source": "recordings",
    "same_sound": "files with the same sound as another",
    "same_speaker": "people",
}
Shares = tuple[float, float, float]  # of train, valid and test


def shares_for(dialogues: int, *, shares: Shares, least: tuple[int, int]) -> Shares:
    """Shares that hold out at least so many dialogues, where that leaves half of them to train on.

    A tenth of a small corpus is too little to say anything.

    Args:
        dialogues: how many there are.
        shares: wanted; they are scaled to sum to 1.
        least: dialogues in valid and test. Where these are more than half of all together, both
            are made smaller by the same factor. They do not count for a share of 0.
    """
    _, *wanted = (share / sum(shares) for share in shares)
    floors = [number if share else 0 for number, share in zip(least, wanted, strict=True)]
    scale = min(1.0, dialogues / 2 / (sum(floors) or 1))
    held = [max(w, f * scale / max(dialogues, 1)) for w, f in zip(wanted, floors, strict=True)]
    return (1 - sum(held), held[0], held[1])


def split_sources(
    dialogues_per_source: Mapping[str, int], *, shares: Shares, seed: int
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


@dataclass(frozen=True)
class Leak:
    """Something that is in more than one split; `examples` is a dialogue in each."""

    item: str
    splits: tuple[str, ...]
    examples: tuple[str, ...]


def find_leaks(used: Iterable[tuple[str, str]], split_of: Mapping[str, str]) -> list[Leak]:
    """What dialogues of different splits have in common.

    Args:
        used: pairs of an item (a source, a sound, a person) and a dialogue in which it is.
        split_of: split by dialogue; others are passed over.

    Returns:
        Leaks in order of their items; splits in the order train, valid, test.
    """
    found: dict[str, dict[str, str]] = {}
    for item, dialogue in sorted(set(used)):
        if dialogue in split_of:
            found.setdefault(item, {}).setdefault(split_of[dialogue], dialogue)
    leaks = []
    for item, examples in found.items():
        splits = tuple(split for split in SPLITS if split in examples)
        if len(splits) > 1:
            leaks.append(Leak(item, splits, tuple(examples[split] for split in splits)))
    return leaks
