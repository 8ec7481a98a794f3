"""All measures of an utterance."""

import numpy as np
import pytest

from msc_kedro.listening.gender import GenderClassifier
from msc_kedro.listening.measures import VoiceMeasures, measure_voice, speaker_voice
from msc_kedro.listening.pitch import PitchTrack, PitchTracker
from msc_kedro.listening.reverberation import DecayRegression
from msc_kedro.listening.words import Word


def measured(pitch, gender, probability):
    return VoiceMeasures(pitch, 20.0, 14.0, None, gender, probability)


def test_a_speaker_is_the_mean_of_the_utterances():
    voice = speaker_voice(
        [measured(200.0, "female", 0.9), measured(160.0, "male", 0.6), measured(None, None, None)]
    )
    assert voice.pitch_hz == 180.0
    assert voice.gender == "female"
    assert voice.gender_probability == pytest.approx(0.65)
    assert speaker_voice([]).gender is None


@pytest.mark.real
def test_a_man_measured(model_folder, clip):
    text = "And so, my fellow Americans, ask not what your country can do for you, ask what you "
    text += "can do for your country."
    voice = measure_voice(
        clip("audio/jfk.flac"), text, [], PitchTracker(), GenderClassifier(model_folder("gender"))
    )
    assert voice.gender == "male"
    assert 180 < voice.pitch_mean_hz < 270
    assert 8 < voice.speaking_rate_phonemes_per_s < 14  # slow, as it was
    assert voice.unmeasured == "reverberation: not asked for; noise: not asked for"
    assert voice.c50_db is None and voice.snr_db is None


def test_there_is_no_pace_without_the_phonemes_of_the_language():
    def told(language):
        return measure_voice(
            np.zeros(16_000, np.float32),
            "Hola, buenos días.",
            [Word("Hola", 0.0, 0.4, 1.0)],
            lambda sound: PitchTrack(np.empty(0), np.empty(0), np.empty(0, bool)),
            lambda sound: None,
            language=language,
        )

    assert told("en").speaking_rate_phonemes_per_s > 0
    spanish = told("es")
    assert spanish.speaking_rate_phonemes_per_s is None
    assert spanish.reasons["pace"] == "phonemes of 'es' are not known"


@pytest.mark.real
def test_silence_measures_nothing_and_says_why(model_folder):
    voice = measure_voice(
        np.zeros(16_000, np.float32),
        "",
        [],
        PitchTracker(),
        GenderClassifier(model_folder("gender")),
        DecayRegression(),
    )
    assert set(voice.reasons) == {"pitch", "pace", "reverberation", "noise", "gender"}
    assert voice.reasons["noise"] == "silence" and voice.c50_db is None
    assert voice.pitch_mean_hz is None and voice.gender is None
