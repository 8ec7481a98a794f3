"""Which utterances of a dialogue are by the same voice.

HDBSCAN over cosine distances, per dialogue, as in the MSC data set. On the few utterances of a
dialogue plain HDBSCAN has two habits that are wrong here: it never answers "one speaker", and
what is said once is noise to it. The steps before and after it put that right with one distance.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

UNKNOWN = -1
# What HDBSCAN holds to be one group may be wider than what is joined by distance alone.
_DENSE = 1.2


@dataclass(frozen=True)
class SpeakerGuess:
    """`label` counts speakers from 0 in order of first appearance; -1 where nothing was heard.

    `confidence` in [0, 1]: how much nearer the own voice is than the nearest other one.
    """

    label: int
    confidence: float


def cosine_distances(embeddings: ArrayLike) -> NDArray[np.float64]:
    """1 - cosine between all rows: [u, d] to [u, u] in [0, 2], zero on the diagonal.

    Raises:
        ValueError: for a row of length zero.
    """
    import numpy as np

    rows = np.asarray(embeddings, dtype=np.float64)
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    if (lengths == 0).any():
        raise ValueError("A speaker embedding has length zero.")
    rows = rows / lengths
    distances = np.clip(1.0 - rows @ rows.T, 0.0, 2.0)
    distances = (distances + distances.T) / 2
    np.fill_diagonal(distances, 0.0)
    return distances


def assign_speakers(embeddings: ArrayLike, *, same_speaker_distance: float) -> list[SpeakerGuess]:
    """Speakers of the utterances of one dialogue.

    1. If all are within the distance, there is one speaker.
    2. HDBSCAN (min_cluster_size 2, min_samples 1) groups what lies densely together; what it
       called noise counts as groups of one.
    3. A group that does not hold together by mean distance is taken apart: with few utterances
       HDBSCAN puts a voice heard once into the nearest group. The limit here is a fifth wider
       for groups of three and more: an utterance under a second lies far from its own voice too.
    4. The two groups with the least mean distance are joined while that is under the limit.

    Args:
        embeddings: [u, d] in order of time; a row of NaN where nothing could be heard.
        same_speaker_distance: cosine distance under which two are one voice.

    Returns:
        One guess a row. A row of NaN has label -1 and confidence 0.

    Raises:
        ValueError: for a shape other than [u, d], or a distance outside (0, 2).
    """
    import numpy as np

    rows = np.asarray(embeddings, dtype=np.float64)
    if rows.ndim != 2:
        raise ValueError(f"Expected embeddings [u, d], found shape {list(rows.shape)}.")
    if not 0 < same_speaker_distance < 2:
        raise ValueError(f"same_speaker_distance is {same_speaker_distance}, not within (0, 2).")
    heard = np.flatnonzero(~np.isnan(rows).any(axis=1))
    guesses = [SpeakerGuess(UNKNOWN, 0.0)] * len(rows)
    if len(heard) == 0:
        return guesses
    distances = cosine_distances(rows[heard])
    groups = _joined(_dense_groups(distances, same_speaker_distance), distances,
                     same_speaker_distance)  # fmt: skip
    groups.sort(key=min)
    for label, group in enumerate(groups):
        for member in group:
            confidence = _confidence(member, group, groups, distances, same_speaker_distance)
            guesses[int(heard[member])] = SpeakerGuess(label, confidence)
    return guesses


def _dense_groups(distances: NDArray[np.float64], limit: float) -> list[list[int]]:
    """Groups by HDBSCAN; single rows where it sees noise, parts where a group is too wide."""
    import numpy as np

    count = len(distances)
    if (distances < limit).all():
        return [list(range(count))]
    if count < 3:  # HDBSCAN has nothing to find among two
        return [[member] for member in range(count)]
    from hdbscan import HDBSCAN

    labels = HDBSCAN(
        metric="precomputed", min_cluster_size=2, min_samples=1, core_dist_n_jobs=1
    ).fit_predict(distances)
    groups: list[list[int]] = []
    for label in np.unique(labels):
        single = [[int(member)] for member in np.flatnonzero(labels == label)]
        if label == UNKNOWN:
            groups += single
        else:  # two alone make no dense region: no allowance for them
            allowance = _DENSE if len(single) > 2 else 1.0
            groups += _joined(single, distances, allowance * limit)
    return groups


def _joined(
    groups: list[list[int]], distances: NDArray[np.float64], limit: float
) -> list[list[int]]:
    """Groups, the nearest two joined for as long as their mean distance is under the limit."""
    import numpy as np

    groups = [list(group) for group in groups]
    while len(groups) > 1:
        nearest, first, second = min(
            (float(distances[np.ix_(a, b)].mean()), i, j)
            for i, a in enumerate(groups)
            for j, b in enumerate(groups[i + 1 :], start=i + 1)
        )
        if nearest >= limit:
            break
        groups[first] += groups.pop(second)
    return groups


def _confidence(
    member: int,
    group: list[int],
    groups: list[list[int]],
    distances: NDArray[np.float64],
    limit: float,
) -> float:
    """(other - own) / (other + own), where each is a mean distance to a group.

    One who is alone in the group has the limit for the own distance; where there is no other
    group, the other distance is twice the limit. Never below 0.
    """
    company = [other for other in group if other != member]
    own = float(distances[member, company].mean()) if company else limit
    others = [float(distances[member, other].mean()) for other in groups if other is not group]
    other = min(others) if others else 2 * limit
    return float(min(1.0, max(0.0, (other - own) / max(other + own, 1e-9))))
