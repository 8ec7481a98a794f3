"""Words and edges of the voice levels."""

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from msc_kedro.errors import MscKedroError
from msc_kedro.voice import bins

SCALES = [
    (measure, gender)
    for measure in bins.MEASURES
    for gender in (bins.GENDERS if measure == "pitch" else (None,))
]


@pytest.mark.parametrize(("measure", "gender"), SCALES)
def test_intervals_join_without_gap_and_hold_their_word(measure, gender):
    intervals = [bins.interval(measure, word, gender=gender) for word in bins.words(measure)]
    for (_, high), (low, _) in itertools.pairwise(intervals):
        assert high == low
    for word, (low, high) in zip(bins.words(measure), intervals, strict=True):
        assert low < high
        assert bins.level(measure, (low + high) / 2, gender=gender) == word
        assert bins.level(measure, high, gender=gender) == word


@pytest.mark.parametrize(("measure", "gender"), SCALES)
@given(values=st.tuples(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6)))
def test_levels_rise_with_the_value_and_clamp(measure, gender, values):
    words = bins.words(measure)
    low, high = (words.index(bins.level(measure, v, gender=gender)) for v in sorted(values))
    assert low <= high
    assert bins.level(measure, -math.inf, gender=gender) == words[0]
    assert bins.level(measure, math.inf, gender=gender) == words[-1]


@pytest.mark.parametrize("value", [None, math.nan])
def test_a_missing_value_has_no_level(value):
    assert bins.level("pace", value) is None


def test_pitch_without_gender_has_no_level():
    assert bins.level("pitch", 200.0) is None
    assert bins.level("pitch", 200.0, gender="unknown") is None
    with pytest.raises(MscKedroError, match="gender"):
        bins.interval("pitch", "moderate pitch")


def test_published_figures():
    assert bins.level("pace", 12.0) == "moderate speed"
    assert bins.level("pace", 19.2) == "fast"
    assert bins.level("reverberation", 59.5) == "very close-sounding"
    assert bins.level("monotony", 80.0) == "expressive and animated"
    assert bins.level("pitch", 120.0, gender="male") == "moderate pitch"
    assert bins.level("pitch", 120.0, gender="female") == "very low-pitch"


def test_unknown_names_say_what_is_known():
    with pytest.raises(MscKedroError, match="pace"):
        bins.level("speed", 1.0)
    with pytest.raises(MscKedroError, match="very slowly"):
        bins.interval("pace", "glacial")
