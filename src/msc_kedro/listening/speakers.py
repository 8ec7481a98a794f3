"""Which utterances of a dialogue are by the same voice.

HDBSCAN over cosine distances, per dialogue, as in the MSC data set. On the few utterances of a
dialogue plain HDBSCAN has two habits that are wrong here: it never answers "one speaker", and
what is said once is noise to it or goes into the nearest group. The steps before and after it put
that right with one limit that is fitted on known pairs. What each step is worth: docs/speakers.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

    Rows = NDArray[np.float64]

UNKNOWN = -1
# The limit is fitted on utterances of these lengths; shorter and longer ones count as these.
_SHORTEST_S, _LONGEST_S = 0.3, 6.0
# How far beyond the limit a group of HDBSCAN's may go: that it lies densely, apart from others,
# counts too.
_DENSE = 0.08


@dataclass(frozen=True)
class SpeakerGuess:
    """`label` counts speakers from 0 in order of first appearance; -1 where nothing was heard.

    `confidence` in [0, 1]: that it is this speaker and not the next best answer.
    """

    label: int
    confidence: float


@dataclass(frozen=True)
class SameSpeaker:
    """When two stretches of speech are of one voice, as fitted on known pairs.

    The shorter an utterance, the further it lies from its own voice, while different voices are
    as far from each other at any length. So the limit falls with h, the harmonic mean of the two
    lengths in seconds: `distance - less_per_doubling * log2(h)`.

    Args:
        distance: cosine distance that is the limit at one second, in (0, 2).
        less_per_doubling: how much it falls each time the length doubles, 0 or more.
        steepness: of the logistic from limit - distance to the probability of one voice.

    Raises:
        ValueError: for a figure outside its range.
    """

    distance: float
    less_per_doubling: float
    steepness: float

    def __post_init__(self) -> None:
        if not 0 < self.distance < 2:
            raise ValueError(f"distance is {self.distance}, not within (0, 2).")
        if self.less_per_doubling < 0 or self.steepness <= 0:
            raise ValueError("less_per_doubling is under 0, or steepness is not above it.")

    def limit(self, first_s: ArrayLike, second_s: ArrayLike) -> Rows:
        """The largest distance of one voice; lengths in seconds, broadcast against each other."""
        import numpy as np

        first, second = (
            np.clip(np.asarray(length, dtype=np.float64), _SHORTEST_S, _LONGEST_S)
            for length in (first_s, second_s)
        )
        mean = 2 / (1 / first + 1 / second)
        return np.asarray(self.distance - self.less_per_doubling * np.log2(mean))

    def probability(self, excess: ArrayLike) -> Rows:
        """Of one voice, where as many pairs are of one as of two; `excess`: distance - limit."""
        import numpy as np

        return 1 / (1 + np.exp(self.steepness * np.asarray(excess, dtype=np.float64)))


def unit_rows(embeddings: ArrayLike) -> Rows:
    """Embeddings [u, d] as float64 rows of length one.

    Raises:
        ValueError: for a row of length zero.
    """
    import numpy as np

    rows = np.asarray(embeddings, dtype=np.float64)
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    if (lengths == 0).any():
        raise ValueError("A speaker embedding has length zero.")
    return rows / lengths


def cosine_distances(embeddings: ArrayLike) -> Rows:
    """1 - cosine between all rows: [u, d] to [u, u] in [0, 2], zero on the diagonal.

    Raises:
        ValueError: for a row of length zero.
    """
    import numpy as np

    rows = unit_rows(embeddings)
    distances = np.clip(1.0 - rows @ rows.T, 0.0, 2.0)
    distances = (distances + distances.T) / 2
    np.fill_diagonal(distances, 0.0)
    return distances


def assign_speakers(
    embeddings: ArrayLike, *, durations_s: ArrayLike, same: SameSpeaker
) -> list[SpeakerGuess]:
    """Speakers of the utterances of one dialogue.

    A group of utterances is heard as one long one: the mean of its vectors, weighted by their
    lengths, and the sum of the lengths.

    1. If all pairs are within the limit, there is one speaker.
    2. HDBSCAN (min_cluster_size 2, min_samples 1) groups what lies densely together; what it
       calls noise counts as groups of one.
    3. A group that is wider than the limit allows, with some allowance, is taken apart.
    4. The nearest two groups are joined, again and again, while they are within the limit.

    Confidence is the probability of the answer against the next best one: another speaker of the
    dialogue, or one that is not in it yet. One who says the only utterance has 1.

    Args:
        embeddings: [u, d] in order of time; a row of NaN where nothing could be heard.
        durations_s: of the utterances, [u].
        same: the limit that fits the embeddings.

    Returns:
        One guess a row. A row of NaN has label -1 and confidence 0.

    Raises:
        ValueError: for a shape other than [u, d], or another number of durations than u.
    """
    import numpy as np

    rows, heard = _heard(embeddings)
    durations = np.asarray(durations_s, dtype=np.float64)
    if durations.shape != (len(rows),):
        raise ValueError(f"Expected {len(rows)} durations, found shape {list(durations.shape)}.")
    guesses = [SpeakerGuess(UNKNOWN, 0.0)] * len(rows)
    if len(heard) == 0:
        return guesses
    rows, seconds = unit_rows(rows[heard]), np.maximum(durations[heard], _SHORTEST_S)
    groups = sorted(_groups(rows, seconds, same), key=min)
    for label, group in enumerate(groups):
        for member in group:
            confidence = _confidence(member, group, groups, rows, seconds, same)
            guesses[int(heard[member])] = SpeakerGuess(label, confidence)
    return guesses


def assign_speakers_as_published(
    embeddings: ArrayLike, *, min_samples: int | None = None
) -> list[SpeakerGuess]:
    """Speakers of one dialogue as the MSC data set has them: HDBSCAN and nothing else.

    Args:
        embeddings: [u, d] in order of time; a row of NaN where nothing could be heard.
        min_samples: HDBSCAN's; published is its default, which is min_cluster_size, 2.

    Returns:
        One guess a row: label -1 for NaN and for what HDBSCAN calls noise, with confidence 0;
        else HDBSCAN's strength of membership. Of fewer than two rows all are speaker 0.

    Raises:
        ValueError: for a shape other than [u, d].
    """
    import numpy as np

    rows, heard = _heard(embeddings)
    guesses = [SpeakerGuess(UNKNOWN, 0.0)] * len(rows)
    if len(rows) < 2:
        return [SpeakerGuess(0, 1.0)] * len(rows)
    if len(heard) < 2:
        return guesses
    labels, strengths = _hdbscan(cosine_distances(rows[heard]), min_samples)
    names: dict[int, int] = {UNKNOWN: UNKNOWN}
    for place, label, strength in zip(heard, labels, strengths, strict=True):
        name = names.setdefault(int(label), len(names) - 1)
        guesses[int(place)] = SpeakerGuess(name, float(np.clip(strength, 0, 1)))
    return guesses


def _heard(embeddings: ArrayLike) -> tuple[Rows, NDArray[np.intp]]:
    """Rows as float64 [u, d], and the places of those that are not NaN."""
    import numpy as np

    rows = np.asarray(embeddings, dtype=np.float64)
    if rows.ndim != 2:
        raise ValueError(f"Expected embeddings [u, d], found shape {list(rows.shape)}.")
    return rows, np.flatnonzero(~np.isnan(rows).any(axis=1))


def _hdbscan(distances: Rows, min_samples: int | None) -> tuple[NDArray[np.intp], Rows]:
    """HDBSCAN's labels, -1 for noise, and strengths of membership."""
    from hdbscan import HDBSCAN

    found = HDBSCAN(
        metric="precomputed", min_cluster_size=2, min_samples=min_samples, core_dist_n_jobs=1
    ).fit(distances)
    return found.labels_, found.probabilities_


def _groups(rows: Rows, seconds: Rows, same: SameSpeaker) -> list[list[int]]:
    """Steps 1 to 4."""
    import numpy as np

    distances = cosine_distances(rows)
    singles = [[member] for member in range(len(rows))]
    if (distances < same.limit(seconds[:, None], seconds)).all():
        return [list(range(len(rows)))]
    if len(rows) < 3:  # HDBSCAN has nothing to find among two
        return singles
    labels, _ = _hdbscan(distances, 1)
    groups = [singles[member] for member in np.flatnonzero(labels == UNKNOWN)]
    for label in range(labels.max() + 1):
        members = [singles[member] for member in np.flatnonzero(labels == label)]
        groups += _joined(members, rows, seconds, same, allowance=_DENSE)
    return _joined(groups, rows, seconds, same)


def _joined(
    groups: list[list[int]],
    rows: Rows,
    seconds: Rows,
    same: SameSpeaker,
    *,
    allowance: float = 0.0,
) -> list[list[int]]:
    """Groups of rows, the nearest two joined for as long as they are within the limit."""
    import numpy as np

    groups = [list(group) for group in groups]
    sums, lengths = _as_one(groups, rows, seconds)
    excess = np.stack(
        [
            _excess(row, length, sums, lengths, same)
            for row, length in zip(sums, lengths, strict=True)
        ]
    )
    np.fill_diagonal(excess, np.inf)
    while True:
        first, second = sorted(divmod(int(excess.argmin()), len(groups)))
        if excess[first, second] >= allowance:
            return [group for group in groups if group]
        groups[first] += groups[second]
        groups[second] = []
        sums[first] += sums[second]
        lengths[first] += lengths[second]
        excess[second] = excess[:, second] = np.inf
        others = np.isfinite(excess[first])
        excess[first, others] = excess[others, first] = _excess(
            sums[first], lengths[first], sums[others], lengths[others], same
        )


def _as_one(groups: list[list[int]], rows: Rows, seconds: Rows) -> tuple[Rows, Rows]:
    """Each group as one utterance: sums of vectors times lengths [g, d], and lengths [g]."""
    import numpy as np

    sums = np.stack([seconds[group] @ rows[group] for group in groups])
    return sums, np.array([seconds[group].sum() for group in groups])


def _excess(row: Rows, second: float, rows: Rows, seconds: Rows, same: SameSpeaker) -> Rows:
    """Distances of a vector [d] to others [g, d], less the limit for their lengths: [g]."""
    import numpy as np

    lengths = np.linalg.norm(rows, axis=1) * np.linalg.norm(row)
    cosines = rows @ row / np.maximum(lengths, 1e-12)
    return np.asarray(1.0 - cosines - same.limit(second, seconds))


def _confidence(
    member: int,
    group: list[int],
    groups: list[list[int]],
    rows: Rows,
    seconds: Rows,
    same: SameSpeaker,
) -> float:
    """Probability of the group against the nearest other one, or against being alone.

    Being alone is as likely as a group whose distance is at the limit.
    """

    def nearest(candidates: list[list[int]]) -> float:
        candidates_as_one = _as_one(candidates, rows, seconds)
        return float(_excess(rows[member], seconds[member], *candidates_as_one, same).min())

    company = [other for other in group if other != member]
    others = [other for other in groups if other is not group]
    if not company and not others:
        return 1.0
    own = nearest([company]) if company else 0.0
    rivals = ([0.0] if company else []) + ([nearest(others)] if others else [])
    return float(same.probability(own - min(rivals)))
