"""Speakers told apart, on vectors with the distances that real utterances have."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from msc_kedro.listening.embedding import SpeakerEncoder
from msc_kedro.listening.speakers import assign_speakers

WIDTH = 192
SAME = 0.58
PATTERNS = ["A", "AA", "AAAA", "AB", "ABAB", "ABC", "ABABC", "AABBCC", "ABCD", "AAAAAAAAB"]


def voices(pattern, *, seed, apart=0.8, noisiest=0.45):
    """Unit vectors [u, 192] of the utterances of voices A, B, ...

    Each utterance has a share of noise of its own between 0.1 and `noisiest`, as short ones are
    noisier than long ones: cosine distances are 0.1-0.45 within a voice and at least `apart`
    between two. CAM++ gives 0.2-0.6 within and 0.7-1.0 between on utterances of 1-3 s.
    """
    rng = np.random.default_rng(seed)
    basis, _ = np.linalg.qr(rng.standard_normal((WIDTH, 27 + len(pattern))))
    common, own, noise = basis[:, 0], basis[:, 1:27].T, basis[:, 27:].T
    shares = rng.uniform(0.1, noisiest, len(pattern))
    rows = [
        np.sqrt(1 - share) * (np.sqrt(1 - apart) * common + np.sqrt(apart) * own[ord(letter) - 65])
        + np.sqrt(share) * disturbance
        for letter, share, disturbance in zip(pattern, shares, noise, strict=True)
    ]
    return np.stack(rows)


def labels(pattern):
    first = {}
    return [first.setdefault(letter, len(first)) for letter in pattern]


@pytest.mark.parametrize("pattern", PATTERNS)
@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    apart=st.floats(0.72, 1.0),
    noisiest=st.floats(0.11, 0.5),
)
def test_patterns_of_a_dialogue(pattern, seed, apart, noisiest):
    guesses = assign_speakers(
        voices(pattern, seed=seed, apart=apart, noisiest=noisiest), same_speaker_distance=SAME
    )
    assert [guess.label for guess in guesses] == labels(pattern)
    assert all(0 <= guess.confidence <= 1 for guess in guesses)


@settings(max_examples=50, deadline=None)
@given(pattern=st.text("ABCDE", min_size=1, max_size=25), seed=st.integers(0, 2**32 - 1))
def test_any_dialogue_of_up_to_five(pattern, seed):
    guesses = assign_speakers(voices(pattern, seed=seed), same_speaker_distance=SAME)
    assert [guess.label for guess in guesses] == labels(pattern)


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), count=st.integers(0, 12))
def test_labels_follow_first_appearance_whatever_the_vectors(seed, count):
    rows = np.random.default_rng(seed).standard_normal((count, 8))
    rows[::4] = np.nan
    guesses = assign_speakers(rows, same_speaker_distance=SAME)
    assert len(guesses) == count
    assert all((guess.label == -1) == (place % 4 == 0) for place, guess in enumerate(guesses))
    seen = [guess.label for guess in guesses if guess.label >= 0]
    assert list(dict.fromkeys(seen)) == list(range(len(set(seen))))
    assert guesses == assign_speakers(rows, same_speaker_distance=SAME)


def test_unheard_utterances_do_not_disturb_the_others():
    rows = voices("ABAB", seed=5)
    holes = np.insert(rows, [0, 2], np.nan, axis=0)
    guesses = assign_speakers(holes, same_speaker_distance=SAME)
    assert [guess.label for guess in guesses] == [-1, 0, 1, -1, 0, 1]
    assert guesses[0].confidence == 0


def test_confidence_falls_between_two_voices():
    rows = voices("AABB", seed=2, noisiest=0.11)
    between = rows[0] + 0.8 * rows[2]
    guesses = assign_speakers(np.vstack([rows, between]), same_speaker_distance=SAME)
    assert guesses[4].confidence < min(guess.confidence for guess in guesses[:4])


def test_short_utterances_found_no_speaker_of_their_own_when_near_one():
    rows = voices("ABABA", seed=4, noisiest=0.2)
    noise = voices("C", seed=9)[0]
    rows[3] = 0.62 * rows[1] + 0.78 * noise  # B, hardly to be known: distance about 0.4-0.7
    durations = [2.0, 2.0, 2.0, 0.4, 2.0]
    guesses = assign_speakers(rows, same_speaker_distance=0.4, durations_s=durations)
    assert [guess.label for guess in guesses] == [0, 1, 0, 1, 0]
    assert guesses[3].confidence < guesses[1].confidence
    rows[3] = noise
    guesses = assign_speakers(rows, same_speaker_distance=0.4, durations_s=durations)
    assert [guess.label for guess in guesses] == [0, 1, 0, 2, 0]


@settings(max_examples=30, deadline=None)
@given(pattern=st.text("ABC", min_size=1, max_size=12), seed=st.integers(0, 2**32 - 1))
def test_durations_change_nothing_where_voices_are_clear(pattern, seed):
    rows = voices(pattern, seed=seed, noisiest=0.2)
    short = [0.5] * len(pattern)
    guesses = assign_speakers(rows, same_speaker_distance=SAME, durations_s=short)
    assert [guess.label for guess in guesses] == labels(pattern)
    mixed = [0.5 if place % 3 == 1 else 2.0 for place in range(len(pattern))]
    heard = assign_speakers(rows, same_speaker_distance=SAME, durations_s=mixed)
    # A voice heard in short utterances only may stay in pieces; it never joins another voice.
    for one, a in zip(heard, pattern, strict=True):
        for other, b in zip(heard, pattern, strict=True):
            assert one.label != other.label or a == b


def test_wrong_shapes_are_refused():
    with pytest.raises(ValueError, match="shape"):
        assign_speakers(np.zeros(4), same_speaker_distance=SAME)
    with pytest.raises(ValueError, match="durations"):
        assign_speakers(np.ones((2, 4)), same_speaker_distance=SAME, durations_s=[1.0])
    with pytest.raises(ValueError, match="same_speaker_distance"):
        assign_speakers(np.ones((2, 4)), same_speaker_distance=2.5)


@pytest.mark.real
def test_three_people_in_five_turns(model_folder, composite):
    encode = SpeakerEncoder(model_folder("speaker_embedding"))
    vectors = np.stack([encode(turn) for turn in composite])
    guesses = assign_speakers(vectors, same_speaker_distance=SAME)
    assert [guess.label for guess in guesses] == [0, 1, 0, 1, 2]


@pytest.mark.real
def test_two_people_in_nine_short_utterances(model_folder, clip):
    encode = SpeakerEncoder(model_folder("speaker_embedding"))
    spans = [(0, 1.1), (2.0, 2.9), (3.9, 7.9), (8.3, 11.5), (12.4, 20.3), (21.4, 23.9)]
    spans += [(24.7, 25.4), (26.5, 27.3), (27.5, 28.6)]
    vectors = np.stack([encode(clip("audio/katiesteve.wav", *span)) for span in spans])
    guesses = assign_speakers(vectors, same_speaker_distance=SAME)
    assert [guess.label for guess in guesses] == [0, 1, 0, 0, 1, 1, 0, 1, 1]
