"""Which utterances of a dialogue are by the same voice.

HDBSCAN over cosine distances, per dialogue, as in the MSC data set. On the few utterances of a
dialogue plain HDBSCAN has two habits that are wrong here: it never answers "one speaker", and
what is said once is noise to it. The steps before and after it put that right with one distance.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import ArrayLike, NDArray

UNKNOWN = -1
# What HDBSCAN holds to be one group may be wider than what is joined by distance alone.
_DENSE = 1.2
# Of an utterance this short the embedding is mostly noise.
_SHORT_S, _SHORT = 0.7, 1.25


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


def assign_speakers(
    embeddings: ArrayLike,
    *,
    same_speaker_distance: float,
    durations_s: Sequence[float] | None = None,
) -> list[SpeakerGuess]:
    """Speakers of the utterances of one dialogue.

    1. If all are within the distance, there is one speaker.
    2. HDBSCAN (min_cluster_size 2, min_samples 1) groups what lies densely together; what it
       called noise counts as groups of one.
    3. A group that does not hold together by mean distance is taken apart: with few utterances
       HDBSCAN puts a voice heard once into the nearest group. The limit here is a fifth wider
       for groups of three and more: an utterance under a second lies far from its own voice too.
    4. The two groups with the least mean distance are joined while that is under the limit.
    5. With `durations_s`, utterances under 0.7 s take no part in the steps before: each joins
       the nearest group by mean distance within a limit a quarter wider, or stays for itself.

    Args:
        embeddings: [u, d] in order of time; a row of NaN where nothing could be heard.
        same_speaker_distance: cosine distance under which two are one voice; 0.58 suits CAM++.
        durations_s: of the utterances, [u].

    Returns:
        One guess a row. A row of NaN has label -1 and confidence 0.

    Raises:
        ValueError: for a shape other than [u, d], another number of durations than u, or a
            distance outside (0, 2).
    """
    import numpy as np

    rows = np.asarray(embeddings, dtype=np.float64)
    if rows.ndim != 2:
        raise ValueError(f"Expected embeddings [u, d], found shape {list(rows.shape)}.")
    if not 0 < same_speaker_distance < 2:
        raise ValueError(f"same_speaker_distance is {same_speaker_distance}, not within (0, 2).")
    if durations_s is not None and len(durations_s) != len(rows):
        raise ValueError(f"Expected {len(rows)} durations, found {len(durations_s)}.")
    heard = np.flatnonzero(~np.isnan(rows).any(axis=1))
    guesses = [SpeakerGuess(UNKNOWN, 0.0)] * len(rows)
    if len(heard) == 0:
        return guesses
    distances = cosine_distances(rows[heard])
    long = np.ones(len(heard), bool)
    if durations_s is not None:
        long = np.asarray(durations_s, dtype=np.float64)[heard] >= _SHORT_S
    if not long.any():
        long[:] = True
    groups = _groups(np.flatnonzero(long), distances, same_speaker_distance)
    _add_short(groups, np.flatnonzero(~long), distances, same_speaker_distance)
    groups.sort(key=min)
    for label, group in enumerate(groups):
        for member in group:
            confidence = _confidence(member, group, groups, distances, same_speaker_distance)
            guesses[int(heard[member])] = SpeakerGuess(label, confidence)
    return guesses


def _groups(
    members: NDArray[np.intp], distances: NDArray[np.float64], limit: float
) -> list[list[int]]:
    """Groups among some of the rows, steps 1 to 4."""
    import numpy as np

    block = distances[np.ix_(members, members)]
    groups = _joined(_dense_groups(block, limit), block, limit)
    return [[int(members[place]) for place in group] for group in groups]


def _add_short(
    groups: list[list[int]],
    members: NDArray[np.intp],
    distances: NDArray[np.float64],
    limit: float,
) -> None:
    """Step 5: give short utterances to the groups of the others; changes `groups`."""
    found = [list(group) for group in groups]  # by the long ones, whatever joins meanwhile
    for member in members:
        nearest, place = min(
            (float(distances[member, group].mean()), place) for place, group in enumerate(found)
        )
        if nearest < _SHORT * limit:
            groups[place].append(int(member))
        else:
            groups.append([int(member)])


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
