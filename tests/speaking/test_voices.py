"""The embedded voices themselves, heard by speech recognition and by the measures."""

import numpy as np
import pytest

from msc_kedro.errors import MscKedroError
from msc_kedro.speaking.disguise import cast_voices
from msc_kedro.speaking.hibari import HibariVoice
from msc_kedro.speaking.piper import PiperVoice
from msc_kedro.speaking.steering import manner_for
from msc_kedro.voice.grammar import VoiceLevels
from msc_kedro.voice.manner import Identity, Manner

GENDERS = ("female", "male")


@pytest.mark.parametrize("voice", [HibariVoice, PiperVoice])
def test_a_missing_model_is_named(voice, tmp_path):
    with pytest.raises(MscKedroError, match="kedro models fetch"):
        voice(tmp_path)


@pytest.mark.real
@pytest.mark.parametrize("gender", GENDERS)
def test_words_are_read_back(voices, hear, word_error_rate, sentences, gender):
    voice = voices[gender]
    heard = [hear(voice(text, manner=Manner()), text).text for text in sentences]
    assert word_error_rate(heard, sentences) < 0.05


@pytest.mark.real
@pytest.mark.parametrize("gender", GENDERS)
@pytest.mark.parametrize("manner", [Manner(), Manner(semitones=2, rate=1.1, range=1.4)])
def test_the_same_call_gives_the_same_samples(voices, gender, manner):
    text = "We will meet again. Will you be there?"
    one, other = (voices[gender](text, manner=manner, seed=3) for _ in range(2))
    assert np.array_equal(one.samples, other.samples)
    assert one.samples.dtype == np.float32
    assert np.abs(one.samples).max() <= 1


@pytest.mark.real
@pytest.mark.parametrize("gender", GENDERS)
@pytest.mark.parametrize("text", ["", "  ", "...", "?!", "—"])
def test_a_text_without_words_is_refused(voices, gender, text):
    with pytest.raises(MscKedroError, match="nothing to say"):
        voices[gender](text, manner=Manner())


@pytest.mark.real
@pytest.mark.parametrize("gender", GENDERS)
@pytest.mark.parametrize("rate", [0.5, 0.75, 1.2, 1.4])
def test_rate_is_what_is_asked_for(voices, sentences, gender, rate):
    voice = voices[gender]
    usual = sum(voice(text, manner=Manner()).duration_s for text in sentences[:6])
    made = sum(voice(text, manner=Manner(rate=rate)).duration_s for text in sentences[:6])
    assert usual / made == pytest.approx(rate, rel=0.06)


@pytest.mark.real
@pytest.mark.parametrize("gender", GENDERS)
def test_habits_are_what_is_measured(voices, hear, sentences, gender):
    voice = voices[gender]
    heard = [hear(voice(text, manner=Manner()), text) for text in sentences]
    usual = voice.habits
    assert np.mean([one.pitch_hz for one in heard]) == pytest.approx(usual.pitch_hz, rel=0.05)
    assert np.mean([one.pitch_std_hz for one in heard]) == pytest.approx(
        usual.pitch_std_hz, rel=0.12
    )
    assert np.mean([one.phonemes_per_s for one in heard]) == pytest.approx(
        usual.phonemes_per_s, rel=0.06
    )


@pytest.mark.real
@pytest.mark.parametrize("gender", GENDERS)
def test_two_descriptions_of_one_text_sound_different(voices, hear, word_error_rate, few, gender):
    voice = voices[gender]
    low = VoiceLevels(gender, "low-pitch", "monotone", "slowly")
    high = VoiceLevels(gender, "high-pitch", "expressive and animated", "fast")
    heard = {
        asked: [hear(voice(text, manner=manner_for(asked, voice)), text) for text in few]
        for asked in (low, high)
    }
    for one, other in zip(heard[low], heard[high], strict=True):
        assert other.phonemes_per_s > 1.2 * one.phonemes_per_s
        assert 12 * np.log2(other.pitch_median_hz / one.pitch_median_hz) > 2
        assert other.pitch_std_hz > one.pitch_std_hz
    texts = [one.text for several in heard.values() for one in several]
    assert word_error_rate(texts, few * len(heard)) < 0.2


@pytest.mark.real
@pytest.mark.parametrize("gender", GENDERS)
@pytest.mark.parametrize("end", [0, 1])
def test_words_are_read_back_at_the_corners_of_the_reach(
    voices, hear, word_error_rate, few, gender, end
):
    voice = voices[gender]
    reach = voice.reach
    manner = Manner(reach.semitones[end], reach.rate[end], reach.range[end])
    heard = [hear(voice(text, manner=manner), text).text for text in few]
    assert word_error_rate(heard, few) < 0.2


@pytest.mark.real
def test_disguises_are_other_speakers(voices, hear, model_folder, sentences):
    import soxr

    from msc_kedro.listening.embedding import SpeakerEncoder

    people = {
        "Ann": ("female", Identity()),
        "Bea": ("female", Identity(semitones=-2, formant=0.9)),
        "Cy": ("male", Identity(semitones=3)),
        "Dan": ("male", Identity(formant=0.86)),
    }
    cast = cast_voices(people, female=voices["female"], male=voices["male"])
    assert [voice.name for voice in cast.values()] == [
        "hibari-ann", "hibari-bea", "joe-cy", "joe-dan",
    ]  # fmt: skip
    encode = SpeakerEncoder(model_folder("speaker_embedding"))
    manners = (Manner(), Manner(semitones=1.5, rate=1.1), Manner(semitones=-1.5, rate=0.9))
    embedded = []
    for voice in cast.values():
        for text, manner in zip(sentences[:3], manners, strict=True):
            speech = voice(text, manner=manner)
            embedded.append(encode(soxr.resample(speech.samples, speech.sample_rate, 16_000)))
    close = np.array(embedded) @ np.array(embedded).T
    speaker = np.repeat(np.arange(len(cast)), 3)
    same = speaker[:, None] == speaker[None, :]
    assert close[same].min() > close[~same].max()
