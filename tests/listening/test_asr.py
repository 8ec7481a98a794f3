"""Speech to text, and utterances out of it."""

import itertools
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from msc_kedro.errors import MscKedroError
from msc_kedro.listening.asr import WhisperTranscriber
from msc_kedro.listening.sentences import split_segments
from msc_kedro.listening.words import Segment, Word


def said(*words, language="en"):
    """A segment of (text, start, end) words."""
    made = tuple(Word(text, start, end, 0.9) for text, start, end in words)
    text = " ".join(word.text for word in made)
    return Segment(made[0].start_s, made[-1].end_s, text, made, language)


@st.composite
def recognised(draw):
    clock, segments = 0.0, []
    for _ in range(draw(st.integers(0, 4))):
        words = []
        for _ in range(draw(st.integers(1, 8))):
            clock += draw(st.floats(0.0, 2.0))
            end = clock + draw(st.floats(0.04, 3.0))
            words.append((draw(st.sampled_from(["yes", "no.", "why?", "Mr.", "U.S."])), clock, end))
            clock = end
        segments.append(said(*words))
    return segments


@given(segments=recognised(), pause=st.floats(0.1, 1.5), longest=st.floats(1.0, 30.0))
def test_no_word_is_lost_or_moved(segments, pause, longest):
    pieces = split_segments(segments, max_pause_s=pause, max_duration_s=longest)
    before = [word for segment in segments for word in segment.words]
    assert [word for piece in pieces for word in piece.words] == before
    for piece in pieces:
        assert piece.words and piece.end_s > piece.start_s
        assert (piece.start_s, piece.end_s) == (piece.words[0].start_s, piece.words[-1].end_s)
        assert piece.text == " ".join(word.text for word in piece.words)
        assert piece.end_s - piece.start_s <= longest or len(piece.words) == 1
        for a, b in zip(piece.words, piece.words[1:], strict=False):
            assert b.start_s - a.end_s < pause


def test_sentences_part_and_broken_segments_join():
    segments = [
        said(("Good", 0, 0.3), ("morning.", 0.3, 0.8), ("I", 0.9, 1.0), ("saw", 1.0, 1.3)),
        said(("Mr.", 1.35, 1.6), ("Smith", 1.6, 2.0), ("today!", 2.0, 2.4), ("Did", 2.5, 2.7)),
        said(("you?", 3.9, 4.2)),
    ]
    texts = [piece.text for piece in split_segments(segments)]
    assert texts == ["Good morning.", "I saw Mr. Smith today!", "Did", "you?"]


def test_a_long_piece_is_cut_at_its_widest_gap():
    words = [(f"w{place}", place * 1.0, place * 1.0 + 0.9) for place in range(10)]
    words[6] = ("w6", 6.3, 6.9)
    pieces = split_segments([said(*words)], max_duration_s=7.0)
    assert [len(piece.words) for piece in pieces] == [6, 4]


def test_nonsense_limits_are_refused():
    with pytest.raises(ValueError, match="positive"):
        split_segments([], max_pause_s=0.0)


def test_a_missing_model_says_what_to_do(tmp_path):
    with pytest.raises(MscKedroError, match="kedro models fetch"):
        WhisperTranscriber(tmp_path)


@pytest.fixture(scope="module")
def transcribe(model_folder):
    return WhisperTranscriber(model_folder("asr"), threads=1)


JFK = (
    "and so my fellow americans ask not what your country can do for you ask what you can do for "
    "your country"
)


def _letters(text):
    return "".join(sign for sign in text.lower() if sign.isalpha() or sign == " ")


@pytest.mark.real
def test_jfk_word_for_word(transcribe, clip):
    heard = transcribe.transcribe_plain(clip("audio/jfk.flac"))
    assert _letters(heard) == JFK


@pytest.mark.real
def test_words_have_times_within_the_sound(transcribe, clip):
    sound = clip("audio/katiesteve.wav")
    pieces = split_segments(transcribe(sound))
    assert pieces[0].text == "Good morning, Steve."
    words = [word for piece in pieces for word in piece.words]
    assert all(0 <= word.start_s < word.end_s <= len(sound) / 16_000 for word in words)
    assert all(a.start_s <= b.start_s for a, b in itertools.pairwise(words))
    # The second voice begins after a pause of a second.
    assert pieces[1].text.startswith("Good morning") and 1.8 < pieces[1].start_s < 2.3
    assert transcribe(sound) == transcribe(sound)


@pytest.mark.real
@pytest.mark.parametrize("kind", ["nothing", "silence", "hiss", "chord", "click", "hum"])
def test_what_is_no_speech_gives_no_text(transcribe, kind):
    noise = np.random.default_rng(3)
    times = np.arange(5 * 16_000) / 16_000
    chord = sum(np.sin(2 * np.pi * hz * times) for hz in (220, 277, 330))
    sounds = {
        "nothing": np.zeros(0),
        "silence": np.zeros(80_000),
        "hiss": 0.1 * noise.standard_normal(80_000),
        "chord": 0.1 * chord * (1 + np.sin(2 * np.pi * 2 * times)),
        "click": np.eye(1, 80_000, 4_000)[0],
        "hum": 0.01 * np.sin(2 * np.pi * 50 * times) + 0.001 * noise.standard_normal(80_000),
    }
    assert transcribe(sounds[kind].astype(np.float32)) == ()


@pytest.mark.real
def test_batches_give_the_same_words(transcribe, model_folder, clip):
    """One by one and in a batch: the same pieces of a call, at most one word in ten otherwise."""
    from msc_kedro.metrics.speech import word_errors

    batched = WhisperTranscriber(model_folder("asr"), threads=1, batch_size=4)
    assert transcribe.batch_size == 1  # on a processor
    pieces = [
        clip("audio/katiesteve.wav", 0, 8),
        np.zeros(16_000, np.float32),
        clip("audio/katiesteve.wav", 8, 16.6),
        clip("audio/jfk.flac"),
    ]
    one_by_one, together = transcribe.several(pieces), batched.several(pieces)
    assert together[1] == () == one_by_one[1]
    for piece, first, second in zip(pieces, one_by_one, together, strict=True):
        texts = [" ".join(segment.text for segment in found) for found in (second, first)]
        wrong, said_ = word_errors(*texts)
        assert wrong <= 0.1 * said_
        words = [word for segment in second for word in segment.words]
        assert all(0 <= word.start_s < word.end_s <= len(piece) / 16_000 for word in words)
        if words:
            before = [word for segment in first for word in segment.words]
            assert abs(words[0].start_s - before[0].start_s) < 0.3
            assert abs(words[-1].end_s - before[-1].end_s) < 0.3


class Multilingual:
    """Stands for faster-whisper at its boundary: hears a language, and how sure it is."""

    def __init__(self, language, probability, multilingual=True):
        self.heard = language, probability
        self.model = SimpleNamespace(is_multilingual=multilingual, device="cpu")
        self.asked = []

    def detect_language(self, sound, vad_filter):
        return (*self.heard, [])

    def transcribe(self, sound, language, **options):
        self.asked.append(language)
        return [], SimpleNamespace(language=language or self.heard[0])


@pytest.mark.parametrize(
    ("heard", "expected", "asked"),
    [
        (Multilingual("fr", 0.95), "en", "fr"),
        (Multilingual("fr", 0.4), "en", "en"),
        (Multilingual("fr", 0.4), None, None),
        (Multilingual("en", 1.0, multilingual=False), "fr", None),
    ],
    ids=["sure of another", "not sure", "none expected", "knows English only"],
)
def test_the_language_that_is_transcribed(monkeypatch, tmp_path, heard, expected, asked):
    monkeypatch.setattr("msc_kedro.listening.asr.open_whisper", lambda *_, **__: heard)
    sound = np.random.default_rng(0).normal(0, 0.1, 16_000).astype(np.float32)
    WhisperTranscriber(tmp_path)(sound, expected=expected)
    assert heard.asked == [asked]


@pytest.fixture(scope="session")
def multilingual(model_folder):
    return WhisperTranscriber(model_folder("asr", "multilingual"))


@pytest.mark.real
def test_another_language_than_the_expected_is_told(multilingual, clip):
    (found,) = multilingual.several([clip("audio/jfk.flac")], expected="es")
    assert {segment.language for segment in found} == {"en"}
    assert _letters(" ".join(segment.text for segment in found)) == JFK
