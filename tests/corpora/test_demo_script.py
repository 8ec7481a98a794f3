import itertools
from collections import Counter

import numpy as np
import pytest

from msc_kedro.corpora.demo.acoustics import COLOURS, ROOMS
from msc_kedro.corpora.demo.backdrops import PLACES
from msc_kedro.corpora.demo.faces import LOOKS
from msc_kedro.corpora.demo.moods import MOODS, acted
from msc_kedro.corpora.demo.script import CAST, scenes, shots
from msc_kedro.voice.bins import level, words

SCENES = scenes()
BLOCK = "# A title [office, pink at 30]\nAnna (calm): One two three four.\n"


def wide(scene):
    """Shots with two people in them."""
    lines = [[scene.lines[place] for place in shot] for shot in shots(scene.lines)]
    return [shot for shot in lines if len({line.speaker for line in shot}) == 2]


def test_there_are_enough_dialogues_of_a_fit_size():
    assert len(SCENES) >= 24
    assert len({scene.name for scene in SCENES}) == len(SCENES)
    for scene in SCENES:
        assert 4 <= len(scene.lines) <= 8
        assert 2 <= len({line.speaker for line in scene.lines}) <= 3
    assert any(len({line.speaker for line in scene.lines}) == 3 for scene in SCENES)


def test_every_turn_is_a_short_line_of_a_known_person_in_a_known_mood():
    people = {person.name for person in CAST}
    for line in itertools.chain.from_iterable(scene.lines for scene in SCENES):
        assert line.speaker in people
        assert line.mood in MOODS
        assert 4 <= len(line.text.split()) <= 15, line.text
        assert line.text[-1] in ".?!"


def test_the_speaker_changes_with_every_turn():
    for scene in SCENES:
        for one, other in itertools.pairwise(scene.lines):
            assert one.speaker != other.speaker


def test_whoever_speaks_in_a_dialogue_speaks_twice():
    """Speakers are found by grouping: one turn alone makes no group."""
    for scene in SCENES:
        assert min(Counter(line.speaker for line in scene.lines).values()) >= 2


def test_all_moods_and_all_the_cast_appear():
    lines = [line for scene in SCENES for line in scene.lines]
    assert {line.mood for line in lines} == set(MOODS)
    assert {line.speaker for line in lines} == {person.name for person in CAST} == set(LOOKS)
    assert Counter(person.gender for person in CAST) == {"female": 3, "male": 3}


def test_rooms_noises_and_places_are_known_and_all_are_used():
    assert {scene.room.name for scene in SCENES} == set(ROOMS)
    assert {scene.noise.colour for scene in SCENES} == set(COLOURS)
    assert {scene.place for scene in SCENES} == {None, *PLACES}
    heard = {level("reverberation", scene.room.c50_db) for scene in SCENES}
    assert heard == set(words("reverberation"))
    assert all(15 <= scene.noise.snr_db <= 45 for scene in SCENES)


def test_some_talk_at_once_and_some_share_a_picture():
    assert sum(any(line.over for line in scene.lines) for scene in SCENES) >= 5
    assert sum(bool(wide(scene)) for scene in SCENES) >= 6
    assert all(scene.place in PLACES for scene in SCENES if wide(scene))


def test_the_first_six_hold_one_of_each():
    first = SCENES[:6]
    uncut = [scene for scene in first if len(shots(scene.lines)) == 1]
    assert len(uncut) == 1 and len(uncut[0].lines) == 8  # about 30 s
    assert any(line.over for scene in first for line in scene.lines)
    assert any(wide(scene) and len(shots(scene.lines)) > 1 for scene in first)
    assert len({scene.room.name for scene in first}) == 6
    snrs = [scene.noise.snr_db for scene in first]
    assert min(snrs) <= 20 and max(snrs) >= 40


def test_a_heading_and_a_line_are_read():
    text = (
        "# A talk [living room, hum at 25, park]\n"
        "Anna (calm): I am first here.\n"
        "Ben (sad, over, together): And I cut in."
    )
    (scene,) = scenes(text)
    assert (scene.name, scene.title, scene.place) == ("01_a_talk", "A talk", "park")
    assert (scene.room, scene.noise.colour, scene.noise.snr_db) == (
        ROOMS["living room"], "hum", 25.0,
    )  # fmt: skip
    first, second = scene.lines
    assert (first.over, first.together, second.over, second.together) == (False, False, True, True)
    assert (second.speaker, second.mood, second.text) == ("Ben", "sad", "And I cut in.")
    assert shots(scene.lines) == [[0, 1]]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("# A title\nAnna (calm): Hello.", "expected `# Title"),
        (BLOCK + "Ben calm: Hello.", "expected `Name"),
        (BLOCK.replace("office", "castle"), "'castle'"),
        (BLOCK.replace("pink", "mauve"), "'mauve'"),
        (BLOCK.replace("30", "30, moon"), "'moon'"),
        (BLOCK + "Ben (calm, together): Hello.", "no place"),
        (BLOCK.replace("(calm)", "(calm, over)"), "first line"),
        (BLOCK + "Ben (sad, over): Hello.\nAnna (sad, over): Hello.", "two running"),
        (
            BLOCK.replace("30", "30, park")
            + "Ben (sad, together): Hello.\nTom (sad, together): Hello.",
            "Anna, Ben, Tom",
        ),
    ],
)
def test_a_slip_in_the_screenplay_is_told(text, complaint):
    with pytest.raises(ValueError, match=complaint):
        scenes(text)


@pytest.mark.parametrize("name", list(MOODS))
def test_a_take_differs_little_from_its_mood(name):
    manner = MOODS[name].manner
    for seed in range(20):
        taken = acted(MOODS[name], np.random.default_rng(seed))
        assert abs(taken.semitones - manner.semitones) <= 0.4
        assert abs(taken.rate / manner.rate - 1) <= 0.031
        assert abs(taken.range - manner.range) <= 0.061
        assert taken == acted(MOODS[name], np.random.default_rng(seed))
