"""The two embedded voices, and ears to judge them."""

from dataclasses import dataclass

import pytest

SENTENCES = (
    "I cannot believe you remembered my birthday this year.",
    "Please bring the yellow umbrella, it might rain later.",
    "My brother works at the hospital near the river.",
    "Could you help me carry these boxes upstairs?",
    "We lost the game, but everyone played very well.",
    "She thought the weather would be warmer in June.",
    "There is fresh bread and cheese on the kitchen table.",
    "He laughed because the joke was truly funny.",
    "The old house on the corner was sold last week.",
    "Our teacher gave us a choice between two books.",
    "Good morning, how did you sleep last night?",
    "The doctor said that I should rest for a few days.",
)


@pytest.fixture(scope="session")
def sentences():
    """Everyday sentences without numbers or names."""
    return SENTENCES


@pytest.fixture(scope="session")
def few(sentences):
    """Some of them, for what takes long."""
    return sentences[::2]


@dataclass(frozen=True)
class Heard:
    """What the measures of `listening` say of some speech."""

    text: str
    pitch_hz: float
    pitch_median_hz: float
    pitch_std_hz: float
    phonemes_per_s: float


@pytest.fixture(scope="session")
def voices(model_folder):
    from msc_kedro.speaking.hibari import HibariVoice
    from msc_kedro.speaking.piper import PiperVoice

    return {
        "female": HibariVoice(model_folder("voice_female")),
        "male": PiperVoice(model_folder("voice_male")),
    }


@pytest.fixture(scope="session")
def hear(model_folder):
    """`hear(speech, said)`: what speech recognition and the measures make of it."""
    import numpy as np
    import soxr
    from faster_whisper import WhisperModel

    from msc_kedro.listening.pitch import PitchTracker, pitch_statistics
    from msc_kedro.listening.rate import heard_duration, speaking_rate

    recogniser = WhisperModel(
        str(model_folder("asr")), device="cpu", compute_type="int8", cpu_threads=1
    )
    tracker = PitchTracker()

    def listen(speech, said):
        sound = soxr.resample(speech.samples, speech.sample_rate, 16_000)
        segments, _ = recogniser.transcribe(
            sound, language="en", temperature=0, condition_on_previous_text=False
        )
        track = tracker(sound)
        pitch = pitch_statistics(track)
        return Heard(
            text=" ".join(segment.text.strip() for segment in segments),
            pitch_hz=pitch.mean_hz,
            pitch_median_hz=float(np.median(track.f0_hz[track.voiced])),
            pitch_std_hz=pitch.std_hz,
            phonemes_per_s=speaking_rate(said, heard_duration(sound)),
        )

    return listen


@pytest.fixture(scope="session")
def word_error_rate():
    """`word_error_rate(heard, said)` over all pairs of two lists, after normalisation."""
    from msc_kedro.metrics.speech import word_errors

    def rate(heard, said):
        pairs = [word_errors(*pair) for pair in zip(heard, said, strict=True)]
        return sum(wrong for wrong, _ in pairs) / sum(words for _, words in pairs)

    return rate
