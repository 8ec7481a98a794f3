"""Vectors with the distances that CAM++ gives real utterances: the table in docs/speakers.md."""

import numpy as np

# Seconds, and cosine distances of that length: of one voice and of two, mean and spread.
LENGTHS_S = (0.5, 0.8, 1.2, 1.8, 2.7, 4.0)
ONE_VOICE = ((0.69, 0.14), (0.60, 0.14), (0.49, 0.13), (0.39, 0.11), (0.30, 0.10), (0.21, 0.07))
TWO_VOICES = ((0.91, 0.11), (0.92, 0.12), (0.90, 0.13), (0.89, 0.15), (0.86, 0.17), (0.89, 0.15))
SHARES = (0.10, 0.15, 0.20, 0.22, 0.20, 0.13)  # of the lengths in a dialogue
_WIDTH, _VOICE, _NOISE = 192, 25, 64  # the fewer directions there are, the more distances vary
_ALIKE = 0.45  # at most: what the voices of a dialogue share, as on a telephone line
_CLEAR = 0.08, 0.1  # spread of how clear a dialogue is, and an utterance of it


def lengths(count, rng, *, at_least_s=0.0):
    """Seconds [count] as in a dialogue."""
    shares = np.where(np.array(LENGTHS_S) >= at_least_s, SHARES, 0)
    return rng.choice(LENGTHS_S, size=count, p=shares / shares.sum())


def utterances(pattern, seconds, rng):
    """Unit vectors [u, 192]: letters of the pattern are voices, `seconds` [u] are lengths."""
    directions = np.eye(_WIDTH)[: 1 + _VOICE + _NOISE]  # which ones makes no distance another
    common, voices, noises = np.split(directions, [1, 1 + _VOICE])

    def unit(rows):
        return rows / np.linalg.norm(rows, axis=-1, keepdims=True)

    alike = rng.uniform(0, _ALIKE)
    people = {
        letter: np.sqrt(alike) * common[0]
        + np.sqrt(1 - alike) * unit(rng.standard_normal(_VOICE)) @ voices
        for letter in dict.fromkeys(pattern)
    }
    clear = np.interp(
        np.log2(seconds), np.log2(LENGTHS_S), [1 - distance for distance, _ in ONE_VOICE]
    )
    clear = clear + rng.normal(0, _CLEAR[0]) + rng.normal(0, _CLEAR[1], len(pattern))
    clear = np.clip(clear, 0.05, 0.95)[:, None]
    own = unit(np.stack([people[letter] for letter in pattern]))
    noise = unit(rng.standard_normal((len(pattern), _NOISE))) @ noises
    return unit(np.sqrt(clear) * own + np.sqrt(1 - clear) * noise)
