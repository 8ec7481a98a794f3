"""Words and edges of the voice levels."""

import itertools
import json
import math

import numpy as np
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


@pytest.mark.parametrize("version", bins.VERSIONS)
@pytest.mark.parametrize(("measure", "gender"), SCALES)
def test_intervals_join_without_gap_and_hold_their_word(version, measure, gender):
    scales = bins.published(version)
    words = scales.words(measure)
    intervals = [scales.interval(measure, word, gender=gender) for word in words]
    for (_, high), (low, _) in itertools.pairwise(intervals):
        assert high == low
    for word, (low, high) in zip(words, intervals, strict=True):
        assert low < high
        assert scales.level(measure, (low + high) / 2, gender=gender) == word
        assert scales.level(measure, high, gender=gender) == word


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


def test_the_older_words_and_edges():
    older = bins.published("v01")
    assert older.level("reverberation", 44.0) == "moderate reverberation"
    assert older.level("pace", 6.0) == "very slowly"
    assert older.level("pitch", 140.0, gender="male") == "slightly high pitch"
    assert older.level("noise", math.nan) is None
    assert bins.version_of("pace", ["quite fast", "very fast"]) == "v01"
    assert bins.version_of("pace", ["very fast"]) == "v02"
    with pytest.raises(MscKedroError, match="glacial"):
        bins.version_of("pace", ["glacial"])
    with pytest.raises(MscKedroError, match="v01"):
        bins.published("v03")


@pytest.mark.parametrize("version", bins.VERSIONS)
def test_scales_come_back_from_json(version):
    scales = bins.published(version)
    assert bins.from_records(json.loads(json.dumps(scales.records()))) == scales


def test_fitted_edges_are_those_of_data_speech():
    values = [*np.linspace(10.0, 17.0, 50), 60.0, None, math.nan]  # 60 lies too far out
    fitted = bins.fitted("v02", {("pace", None): values, ("pitch", "male"): [100.0, 100.0]})
    expected = np.histogram(np.linspace(10.0, 17.0, 50), 7)[1]
    assert [fitted.interval("pace", word)[0] for word in fitted.words("pace")] == pytest.approx(
        expected[:-1]
    )
    pace, male, female = (
        next(s for s in fitted.scales if (s.measure, s.gender) == wanted)
        for wanted in (("pace", None), ("pitch", "male"), ("pitch", "female"))
    )
    assert (pace.source, pace.values) == ("fitted to the training split", 50)
    published = bins.published()
    assert male.edges == next(s.edges for s in published.scales if s.gender == "male")
    assert "too few" in male.source and "too few" in female.source
    assert fitted.level("pace", 11.5) == fitted.words("pace")[1]
    assert fitted.level("pace", math.nan) is None
