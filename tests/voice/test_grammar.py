"""Descriptions: written, read back, and read from other hands."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from msc_kedro.errors import MscKedroError
from msc_kedro.voice import bins
from msc_kedro.voice.grammar import VoiceLevels, read, write, written

MEASURES = ("pitch", "monotony", "pace", "reverberation", "noise")


def choices(version):
    words = [(None, *bins.words(measure, version)) for measure in MEASURES]
    return [(None, *bins.GENDERS), *words]


def any_levels(version):
    return st.builds(VoiceLevels, *map(st.sampled_from, choices(version)))


ANY_LEVELS = any_levels("v02")


class Choices:
    """Stands for a random generator: goes through all that could be chosen, one run after another.

    `shuffle` is a choice among orders.
    """

    def __init__(self):
        self.path, self.place = [], 0

    def choice(self, options):
        if self.place == len(self.path):
            self.path.append([0, len(options)])
        chosen = options[self.path[self.place][0]]
        self.place += 1
        return chosen

    def shuffle(self, items):
        items[:] = self.choice(list(itertools.permutations(items)))

    def runs(self, function):
        """Results of `function(self)` for every way to choose."""
        while True:
            self.place = 0
            yield function(self)
            while self.path and self.path[-1][0] + 1 == self.path[-1][1]:
                self.path.pop()
            if not self.path:
                return
            self.path[-1][0] += 1


@pytest.mark.parametrize("version", bins.VERSIONS)
def test_reading_undoes_writing_on_every_combination(version):
    *others, noises = choices(version)
    for seed, combination in enumerate(itertools.product(*others)):
        levels = VoiceLevels(*combination, noises[seed % len(noises)])
        assert read(write(levels, seed=seed), version=version) == levels


@pytest.mark.parametrize("version", bins.VERSIONS)
def test_reading_undoes_writing_in_every_wording(version):
    """Every word of every measure, in every wording and order that a seed could choose."""
    lists = choices(version)
    for number in range(max(map(len, lists))):
        levels = VoiceLevels(*(words[number % len(words)] for words in lists))
        told = list(Choices().runs(lambda choose, levels=levels: written(levels, choose)))
        assert len(set(told)) == len(told)
        for description in told:
            assert read(description, version=version) == levels


@given(levels=any_levels("v01"), seed=st.integers(0, 2**64))
def test_so_it_does_with_the_older_words(levels, seed):
    description = write(levels, seed=seed)
    assert read(description.upper(), version="v01") == levels


@given(levels=ANY_LEVELS, seed=st.integers(0, 2**64))
def test_reading_undoes_writing_whatever_the_seed(levels, seed):
    description = write(levels, seed=seed)
    assert read(description) == levels
    assert read(description.upper().replace("-", " ")) == levels
    assert write(levels, seed=seed) == description


@given(levels=ANY_LEVELS, seed=st.integers(0, 2**32))
def test_a_description_is_one_short_sentence_without_brackets(levels, seed):
    description = write(levels, seed=seed)
    assert len(description.split()) <= (25 if levels.noise is None else 30)
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


def test_a_level_of_the_other_version_is_read_as_the_nearest():
    told = "A man talks quite fast, moderate intonation, in a slightly roomy sounding recording."
    assert read(told) == VoiceLevels(
        "male", None, "slightly expressive and animated", "fast", "slightly distant-sounding"
    )
    assert read("Her voice is monotone.", version="v01").monotony == "quite monotone"


@pytest.mark.parametrize(
    ("description", "noise"),
    [
        ("A man talks with some background noise.", "slightly noisy"),
        ("A very noisy recording.", "very noisy"),
        ("There is no background noise.", "clean"),
        ("With very clear audio.", "very clean"),
        ("Moderate ambient sound.", "balanced in clarity"),
        ("There is no echo.", None),
    ],
)
def test_noise_is_read(description, noise):
    assert read(description).noise == noise


def test_unknown_levels_are_refused():
    with pytest.raises(MscKedroError, match="moderate speed"):
        VoiceLevels(pace="glacial")
