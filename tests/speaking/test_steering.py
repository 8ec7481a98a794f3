from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from msc_kedro.errors import MscKedroError
from msc_kedro.speaking.disguise import Disguise
from msc_kedro.speaking.steering import manner_for, voice_for
from msc_kedro.voice import bins
from msc_kedro.voice.grammar import VoiceLevels
from msc_kedro.voice.manner import Habits, Identity, Manner, Reach

HABITS = Habits(pitch_hz=200, pitch_std_hz=35, phonemes_per_s=15)
REACH = Reach(semitones=(-6, 5), rate=(0.5, 1.5), range=(0.3, 2))


@dataclass(frozen=True)
class Paper:
    """A voice on paper: steering reads figures, it does not listen."""

    name: str = "paper"
    gender: str = "female"
    habits: Habits = HABITS
    reach: Reach = REACH


def levels(measure):
    return st.sampled_from([None, *bins.words(measure)])


@given(pitch=levels("pitch"), pace=levels("pace"), monotony=levels("monotony"))
def test_a_manner_is_within_the_reach_of_the_voice(pitch, pace, monotony):
    voice = Paper()
    asked = VoiceLevels(gender="female", pitch=pitch, pace=pace, monotony=monotony)
    manner = manner_for(asked, voice)
    for value, (low, high) in (
        (manner.semitones, voice.reach.semitones),
        (manner.rate, voice.reach.rate),
        (manner.range, voice.reach.range),
    ):
        assert low <= value <= high


def test_what_is_not_said_is_left_as_usual():
    assert manner_for(VoiceLevels(gender="female"), Paper()) == Manner()


@pytest.mark.parametrize("measure", ["pitch", "pace", "monotony"])
def test_what_is_within_reach_lands_in_the_middle_of_its_level(measure):
    voice, usual = Paper(), Paper().habits
    for word in bins.words(measure):
        manner = manner_for(VoiceLevels(gender="female", **{measure: word}), voice)
        low, high = bins.interval(measure, word, gender="female")
        made, bounds, asked = {
            "pitch": (usual.pitch_hz * 2 ** (manner.semitones / 12), voice.reach.semitones,
                      manner.semitones),
            "pace": (usual.phonemes_per_s * manner.rate, voice.reach.rate, manner.rate),
            "monotony": (usual.pitch_std_hz * manner.range, voice.reach.range, manner.range),
        }[measure]  # fmt: skip
        if asked not in bounds:
            assert made == pytest.approx((low + high) / 2, rel=0.001)


def test_a_higher_level_is_never_a_lower_manner():
    for measure, part in (("pitch", "semitones"), ("pace", "rate"), ("monotony", "range")):
        manners = [
            getattr(manner_for(VoiceLevels(gender="female", **{measure: word}), Paper()), part)
            for word in bins.words(measure)
        ]
        assert manners == sorted(manners)
        assert manners[0] < manners[-1]


def test_a_disguise_is_steered_to_the_same_hertz_as_its_voice():
    voice = Paper()
    deeper = Disguise(voice, "deeper", Identity(semitones=-2, rate=0.9))
    asked = VoiceLevels(gender="female", pitch="moderate pitch", pace="moderate speed")
    plain, made = manner_for(asked, voice), manner_for(asked, deeper)
    assert made.semitones - 2 == pytest.approx(plain.semitones, abs=0.002)
    assert made.rate * 0.9 == pytest.approx(plain.rate, abs=0.002)


def test_the_voice_follows_the_gender():
    voices = {"female": Paper(), "male": Paper(name="he", gender="male")}
    assert voice_for(VoiceLevels(gender="male"), voices).name == "he"
    assert voice_for(VoiceLevels(), voices).name == "paper"
    assert voice_for(VoiceLevels(), voices, otherwise="male").name == "he"
    with pytest.raises(MscKedroError, match="male voice is asked for"):
        voice_for(VoiceLevels(gender="male"), {"female": Paper()})


@pytest.mark.parametrize("wrong", [{"rate": 0}, {"rate": -1}, {"range": -0.1}])
def test_an_impossible_manner_is_refused(wrong):
    with pytest.raises(ValueError, match="rate above 0"):
        Manner(**wrong)
    with pytest.raises(ValueError, match="rate above 0"):
        Identity(**wrong)


def test_an_identity_beyond_a_human_throat_is_refused():
    with pytest.raises(ValueError, match="formant"):
        Identity(formant=0.5)
