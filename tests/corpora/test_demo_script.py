import itertools
from collections import Counter

import numpy as np
import pytest

from msc_kedro.corpora.demo.faces import LOOKS
from msc_kedro.corpora.demo.moods import MOODS, acted
from msc_kedro.corpora.demo.script import CAST, scenes


def test_there_are_enough_dialogues_of_a_fit_size():
    written = scenes()
    assert len(written) >= 12
    assert len({scene.name for scene in written}) == len(written)
    for scene in written:
        assert 4 <= len(scene.lines) <= 8
        assert 2 <= len({line.speaker for line in scene.lines}) <= 3
    assert any(len({line.speaker for line in scene.lines}) == 3 for scene in written)


def test_every_turn_is_a_short_line_of_a_known_person_in_a_known_mood():
    people = {person.name for person in CAST}
    for line in itertools.chain.from_iterable(scene.lines for scene in scenes()):
        assert line.speaker in people
        assert line.mood in MOODS
        assert 4 <= len(line.text.split()) <= 15, line.text
        assert line.text[-1] in ".?!"


def test_the_speaker_changes_with_every_turn():
    for scene in scenes():
        for one, other in itertools.pairwise(scene.lines):
            assert one.speaker != other.speaker


def test_whoever_speaks_in_a_dialogue_speaks_twice():
    """Speakers are found by grouping: one turn alone makes no group."""
    for scene in scenes():
        assert min(Counter(line.speaker for line in scene.lines).values()) >= 2


def test_all_moods_and_all_the_cast_appear():
    lines = [line for scene in scenes() for line in scene.lines]
    assert {line.mood for line in lines} == set(MOODS)
    assert {line.speaker for line in lines} == {person.name for person in CAST} == set(LOOKS)
    assert {person.gender for person in CAST} == {"female", "male"}


@pytest.mark.parametrize("name", list(MOODS))
def test_a_take_differs_little_from_its_mood(name):
    manner = MOODS[name].manner
    for seed in range(20):
        taken = acted(MOODS[name], np.random.default_rng(seed))
        assert abs(taken.semitones - manner.semitones) <= 0.4
        assert abs(taken.rate / manner.rate - 1) <= 0.031
        assert abs(taken.range - manner.range) <= 0.061
        assert taken == acted(MOODS[name], np.random.default_rng(seed))
