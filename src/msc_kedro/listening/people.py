"""Which speakers of different dialogues are the same person.

Speakers are told apart per dialogue (`speakers.py`). Here each of them is one vector, the mean of
what they said, and average linkage joins those of different dialogues; two speakers of one
dialogue never become one person.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from msc_kedro.listening.speakers import unit_rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import ArrayLike, NDArray

    from msc_kedro.listening.speakers import SameSpeaker, SpeakerGuess

# Between two who cannot be one person; far above any mean of distances.
_NEVER = 1e6


@dataclass(frozen=True)
class SpeakerVoice:
    """A speaker of a dialogue: `label` as guessed there, mean vector [d], seconds of speech."""

    label: int
    vector: NDArray[np.float64]
    duration_s: float


@dataclass(frozen=True)
class PersonGuess:
    """`person` counts people from 0 in order of first appearance.

    `confidence` in [0, 1]: that it is this person and not the next best answer.
    """

    person: int
    confidence: float


def speaker_voices(
    embeddings: ArrayLike, durations_s: ArrayLike, guesses: Sequence[SpeakerGuess]
) -> list[SpeakerVoice]:
    """The speakers of a dialogue, in order of their labels; those of label -1 are left out.

    Args:
        embeddings: [u, d], as given to `assign_speakers`.
        durations_s: of the utterances, [u].
        guesses: what `assign_speakers` returned for them.

    Raises:
        ValueError: where the three are not of one length.
    """
    import numpy as np

    rows = np.asarray(embeddings, dtype=np.float64)
    seconds = np.asarray(durations_s, dtype=np.float64)
    if not len(rows) == len(seconds) == len(guesses):
        raise ValueError(
            f"Expected as many durations and guesses as embeddings, {len(rows)}; "
            f"found {len(seconds)} and {len(guesses)}."
        )
    labels = np.array([guess.label for guess in guesses])
    voices = []
    for label in sorted({int(label) for label in labels if label >= 0}):
        own = np.flatnonzero((labels == label) & ~np.isnan(rows).any(axis=1))
        if len(own):
            total = seconds[own] @ unit_rows(rows[own])
            voices.append(
                SpeakerVoice(label, total / np.linalg.norm(total), float(seconds[own].sum()))
            )
    return voices


def link_people(
    voices: Sequence[SpeakerVoice],
    *,
    dialogues: Sequence[str],
    within: Sequence[str],
    same: SameSpeaker,
    stricter_by: float,
) -> list[PersonGuess]:
    """The same person across dialogues.

    Needs n² numbers for the n speakers of the largest value of `within`: 1 GB for 8,000.

    Args:
        voices: [n], of all dialogues.
        dialogues: of the voices, [n]; two of one dialogue are two people.
        within: [n]; only voices of equal value are linked, such as of one source. The same value
            for all links across all.
        same: the limit within a dialogue.
        stricter_by: how much nearer two voices must be here than within a dialogue, where fewer
            people come into question.

    Returns:
        One guess a voice.

    Raises:
        ValueError: where the three are not of one length.
    """
    import numpy as np

    if not len(voices) == len(dialogues) == len(within):
        raise ValueError(
            f"Expected as many dialogues and places as voices, {len(voices)}; "
            f"found {len(dialogues)} and {len(within)}."
        )
    people = np.zeros(len(voices), np.intp)
    confidence = np.zeros(len(voices))
    found = 0
    for value in dict.fromkeys(within):
        members = [place for place, other in enumerate(within) if other == value]
        excess = _excess(
            [voices[place] for place in members],
            [dialogues[place] for place in members],
            same,
            stricter_by,
        )
        groups = _average_linkage(excess)
        people[members] = groups + found
        confidence[members] = _confidences(excess, groups, same)
        found += int(groups.max()) + 1
    order = {int(person): place for place, person in enumerate(dict.fromkeys(people.tolist()))}
    return [
        PersonGuess(order[int(person)], float(sure))
        for person, sure in zip(people, confidence, strict=True)
    ]


def _excess(
    voices: Sequence[SpeakerVoice], dialogues: Sequence[str], same: SameSpeaker, stricter_by: float
) -> NDArray[np.float64]:
    """Distances less limits, [n, n]; `_NEVER` within a dialogue."""
    import numpy as np

    rows = unit_rows(np.stack([voice.vector for voice in voices]))
    seconds = np.array([voice.duration_s for voice in voices])
    excess = 1.0 - rows @ rows.T - same.limit(seconds[:, None], seconds) + stricter_by
    excess = (excess + excess.T) / 2
    _, dialogue = np.unique(np.asarray(dialogues, dtype=str), return_inverse=True)
    excess[dialogue[:, None] == dialogue] = _NEVER
    return np.asarray(excess)


def _average_linkage(excess: NDArray[np.float64]) -> NDArray[np.intp]:
    """Groups [n] from 0, joined for as long as their mean excess is under 0."""
    import numpy as np
    from scipy.cluster.hierarchy import fcluster, linkage
    from scipy.spatial.distance import squareform

    if len(excess) < 2:
        return np.zeros(len(excess), np.intp)
    lift = 4.0  # linkage asks for distances of 0 and more; means keep their order
    distances = excess + lift
    np.fill_diagonal(distances, 0.0)
    tree = linkage(squareform(distances, checks=False), method="average")
    return np.asarray(fcluster(tree, lift, criterion="distance"), np.intp) - 1


def _confidences(
    excess: NDArray[np.float64], groups: NDArray[np.intp], same: SameSpeaker
) -> NDArray[np.float64]:
    """Probability [n] of each one's group against the nearest other, or against being alone."""
    import numpy as np

    count = int(groups.max()) + 1
    belongs = np.eye(count)[groups]  # [n, g]
    barred = excess >= _NEVER
    np.fill_diagonal(barred, False)
    sizes = belongs.sum(axis=0) - belongs  # of each group without oneself, [n, g]
    means = (np.where(excess < _NEVER, excess, 0.0) @ belongs) / np.maximum(sizes, 1)
    means[(barred @ belongs > 0) | (sizes == 0)] = np.inf
    rows = np.arange(len(groups))
    own = means[rows, groups]
    alone = ~np.isfinite(own)
    means[rows, groups] = np.inf
    rivals = np.minimum(means.min(axis=1), np.where(alone, np.inf, 0.0))
    return same.probability(np.where(alone, 0.0, own) - rivals)
