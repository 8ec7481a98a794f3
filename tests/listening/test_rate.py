"""Phonemes per second of speech."""

from dataclasses import dataclass

import numpy as np
import pytest

from msc_kedro.listening.activity import speech_spans
from msc_kedro.listening.rate import count_phonemes, heard_duration, speaking_rate, speech_duration


@dataclass(frozen=True)
class Span:
    start_s: float
    end_s: float


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("cat", 3),
        ("cats, cats!", 4 + 1 + 4),  # the gap between words counts one
        ("house", 4),  # h a ʊ s
        ("judge", 5),  # d ʒ ʌ d ʒ
        ("", 0),
        ("?!", 0),
    ],
)
def test_phonemes_are_ipa_letters(text, count):
    assert count_phonemes(text) == count


def test_pauses_are_no_speech():
    words = [Span(0.0, 0.4), Span(0.45, 1.0), Span(2.0, 2.5)]
    assert speech_duration(words) == pytest.approx(1.5)
    assert speech_duration([]) == 0


def test_rate_needs_words_and_time():
    assert speaking_rate("cat", 0.5) == pytest.approx(6.0)
    assert speaking_rate("cat", 0.0) is None
    assert speaking_rate("...", 1.0) is None


@pytest.mark.real
def test_speech_is_found_and_pauses_are_not(clip):
    sound = clip("audio/katiesteve.wav")
    spans = speech_spans(sound, min_pause_s=0.5)
    assert 0.8 < spans[0][1] < 1.3 and 1.8 < spans[1][0] < 2.3
    assert 18 < heard_duration(sound) < 24
    assert heard_duration(np.zeros(16_000, np.float32)) == 0
    assert heard_duration(np.concatenate([sound, np.zeros(80_000, np.float32)])) == pytest.approx(
        heard_duration(sound), abs=0.3
    )


@pytest.mark.real
@pytest.mark.parametrize("span", [(3.9, 7.9), (12.4, 16.3)])
def test_pauses_put_into_speech_change_nothing(clip, span):
    speech = clip("audio/katiesteve.wav", *span)
    pause = np.zeros(4_800, np.float32)
    parted = np.concatenate([part for cut in np.array_split(speech, 5) for part in (cut, pause)])
    assert heard_duration(parted) == pytest.approx(heard_duration(speech), rel=0.06)
