"""The same person in several dialogues, on vectors with the distances of real utterances."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_voices import lengths, utterances

from msc_kedro.listening.embedding import SpeakerEncoder
from msc_kedro.listening.people import SpeakerVoice, link_people, speaker_voices
from msc_kedro.listening.speakers import SameSpeaker, SpeakerGuess

SAME = SameSpeaker(distance=0.71, less_per_doubling=0.11, steepness=17.0)  # conf/base


def linked(voices, dialogues, within=None):
    return link_people(
        voices,
        dialogues=dialogues,
        within=within or ["all"] * len(voices),
        same=SAME,
        stricter_by=0.05,
    )


def in_order(names):
    first = {}
    return [first.setdefault(name, len(first)) for name in names]


def cast_of(dialogues, seed):
    """A voice of five utterances for each letter of each of the dialogues."""
    rng = np.random.default_rng(seed)
    whole = "".join(letter * 5 for dialogue in dialogues for letter in dialogue)
    seconds = lengths(len(whole), rng, at_least_s=1.0)
    rows = utterances(whole, seconds, rng)
    voices = []
    for place in range(0, len(whole), 5):
        part = slice(place, place + 5)
        voices += speaker_voices(rows[part], seconds[part], [SpeakerGuess(0, 1.0)] * 5)
    names = [str(number) for number, dialogue in enumerate(dialogues) for _ in dialogue]
    return voices, names, "".join(dialogues)


@given(
    dialogues=st.lists(st.sampled_from(["AB", "AC", "BCD", "D", "AE"]), min_size=1, max_size=8),
    seed=st.integers(0, 30),
)
@settings(max_examples=60, deadline=None)
def test_people_are_found_again(dialogues, seed):
    voices, names, truth = cast_of(dialogues, seed)
    guesses = linked(voices, names)
    found = [guess.person for guess in guesses]
    pairs = [
        (truth[one] == truth[other], found[one] == found[other])
        for one in range(len(found))
        for other in range(one)
    ]
    assert not pairs or np.mean([same == guess for same, guess in pairs]) >= 0.8
    assert all(0 <= guess.confidence <= 1 for guess in guesses)
    assert in_order(found) == found


def test_nearly_all_are_right():
    right = []
    for seed in range(60):
        voices, names, truth = cast_of(["AB", "BC", "CA", "AB", "DC"], seed)
        right.append([guess.person for guess in linked(voices, names)] == in_order(truth))
    assert np.mean(right) >= 0.85


@given(seed=st.integers(0, 2**32 - 1), count=st.integers(1, 15), data=st.data())
@settings(max_examples=50, deadline=None)
def test_two_of_one_dialogue_or_of_two_places_are_two_people(seed, count, data):
    rng = np.random.default_rng(seed)
    voices = [SpeakerVoice(0, np.array([1, 0.01, 0]) + rng.normal(0, 0.01, 3), 3.0)] * count
    names = data.draw(st.lists(st.sampled_from("xyz"), min_size=count, max_size=count))
    within = data.draw(st.lists(st.sampled_from("12"), min_size=count, max_size=count))
    found = [guess.person for guess in linked(voices, names, within)]
    for one in range(count):
        for other in range(one):
            if names[one] == names[other] or within[one] != within[other]:
                assert found[one] != found[other]
    assert in_order(found) == found


def test_order_does_not_matter():
    voices, names, _ = cast_of(["AB", "BC", "CA", "AB"], 3)
    before = linked(voices, names)
    order = np.random.default_rng(0).permutation(len(voices))
    after = linked([voices[place] for place in order], [names[place] for place in order])
    assert in_order(before[place].person for place in order) == [one.person for one in after]


def test_confidence_tells_sure_from_doubtful():
    basis = np.eye(4)
    near = basis[0] + 1.15 * basis[3]  # cosine to the first 0.66
    voices = [SpeakerVoice(0, row, 5.0) for row in (basis[0], basis[0], basis[1], near)]
    guesses = linked(voices, ["1", "2", "1", "3"])
    assert [guess.person for guess in guesses] == [0, 0, 1, 0]
    assert guesses[2].confidence > 0.99 > 0.9 > guesses[3].confidence
    assert linked(voices[:1], ["1"])[0].confidence == 1.0
    assert linked([], []) == []


def test_voices_are_means_by_length_and_leave_out_the_unheard():
    rows = np.array([[2.0, 0], [0, 1], [np.nan, np.nan], [0, 5]])
    guesses = [SpeakerGuess(label, 1.0) for label in (0, 0, -1, 1)]
    first, second = speaker_voices(rows, [3.0, 4.0, 9.0, 2.0], guesses)
    assert first.vector == pytest.approx([0.6, 0.8])
    assert (first.label, first.duration_s, second.label, second.duration_s) == (0, 7.0, 1, 2.0)
    with pytest.raises(ValueError, match="as many"):
        speaker_voices(rows, [1.0], guesses)
    with pytest.raises(ValueError, match="as many"):
        linked([first], [])


@pytest.mark.real
def test_two_people_of_one_meeting_are_found_again(model_folder, clip):
    encode = SpeakerEncoder(model_folder("speaker_embedding"))
    spans = {
        "dev00": [(1.5, 13.1), (13.3, 16.9), (26.3, 28.2)],
        "dev01": [(4.4, 6.7), (7.1, 11.7), (22.5, 23.9)],
    }
    speakers = {"dev00": [0, 1, 1], "dev01": [0, 1, 0]}  # MEE009, MEE012 and the other way round
    voices = []
    for name, parts in spans.items():
        rows = np.stack([encode(clip(f"audio/ami/{name}.wav", *part)) for part in parts])
        guesses = [SpeakerGuess(label, 1.0) for label in speakers[name]]
        voices += speaker_voices(rows, [b - a for a, b in parts], guesses)
    guesses = linked(voices, ["dev00", "dev00", "dev01", "dev01"])
    assert [guess.person for guess in guesses] == [0, 1, 1, 0]
    assert min(guess.confidence for guess in guesses) > 0.9
