"""Descriptions: written, read back, and read from other hands."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from msc_kedro.errors import MscKedroError
from msc_kedro.voice import bins
from msc_kedro.voice.grammar import VoiceLevels, read, write

GENDERS = (None, *bins.GENDERS)
PITCHES = (None, *bins.words("pitch"))
MONOTONIES = (None, *bins.words("monotony"))
PACES = (None, *bins.words("pace"))
ROOMS = (None, *bins.words("reverberation"))
EVERYTHING = list(itertools.product(GENDERS, PITCHES, MONOTONIES, PACES, ROOMS))
ANY_LEVELS = st.builds(
    VoiceLevels,
    *(st.sampled_from(choice) for choice in (GENDERS, PITCHES, MONOTONIES, PACES, ROOMS)),
)


def test_reading_undoes_writing_on_every_combination():
    for seed, combination in enumerate(EVERYTHING):
        levels = VoiceLevels(*combination)
        assert read(write(levels, seed=seed)) == levels


@given(levels=ANY_LEVELS, seed=st.integers(0, 2**64))
def test_reading_undoes_writing_whatever_the_seed(levels, seed):
    description = write(levels, seed=seed)
    assert read(description) == levels
    assert read(description.upper().replace("-", " ")) == levels
    assert write(levels, seed=seed) == description


@given(levels=ANY_LEVELS, seed=st.integers(0, 2**32))
def test_a_description_is_one_short_sentence_without_brackets(levels, seed):
    description = write(levels, seed=seed)
    assert len(description.split()) <= 25
    assert not set("()\n") & set(description)
    assert description.count(".") == 1 and description.endswith(".")


def test_seeds_vary_the_wording():
    levels = VoiceLevels("female", "high-pitch", "very expressive and animated", "fast", None)
    assert len({write(levels, seed=seed) for seed in range(50)}) >= 10


def test_nothing_known_reads_back_as_nothing():
    assert read(write(VoiceLevels(), seed=1)) == VoiceLevels()
    assert read("") == VoiceLevels()


@given(st.text())
def test_reading_never_fails(text):
    assert isinstance(read(text), VoiceLevels)


@pytest.mark.parametrize(
    ("description", "levels"),
    [
        (
            "A female speaker delivers slightly fast speech in a high-pitch voice, very "
            "expressive and animated.",
            VoiceLevels("female", "high-pitch", "very expressive and animated", "slightly fast"),
        ),
        (
            "His deep voice is extremely monotonous, and he talks quite slowly in a very "
            "close-sounding recording.",
            VoiceLevels("male", "low-pitch", "very monotone", "slowly", "very close-sounding"),
        ),
        (
            "Laura's voice is slightly high pitched; she speaks at a moderate pace with a "
            "flat delivery, somewhat distant.",
            VoiceLevels(
                "female",
                "slightly high-pitch",
                "monotone",
                "moderate speed",
                "slightly distant-sounding",
            ),
        ),
        ("The man's pitch is very low.", VoiceLevels("male", "very low-pitch")),
        ("A woman, moderate pitch, animated.", VoiceLevels(
            "female", "moderate pitch", "expressive and animated")),
        ("A man with a high-pitched voice speaks very rapidly.", VoiceLevels(
            "male", "high-pitch", None, "very fast")),
        ("Some words about the weather.", VoiceLevels()),
    ],
)  # fmt: skip
def test_other_wordings(description, levels):
    assert read(description) == levels


def test_unknown_levels_are_refused():
    with pytest.raises(MscKedroError, match="moderate speed"):
        VoiceLevels(pace="glacial")
