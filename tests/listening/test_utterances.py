"""Sentences of one voice are one utterance; two voices, a long pause and a cut never are."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from msc_kedro.listening.asr import Segment, Word
from msc_kedro.listening.speakers import SameSpeaker
from msc_kedro.listening.utterances import OneVoice, find_utterances, joined

RATE = 16_000
LIMITS = {"max_pause_s": 0.8, "max_duration_s": 25.0}


def said(*spans: tuple[float, float], language: str = "en") -> list[Segment]:
    return [
        Segment(start, end, f" Number {n}.", (Word(f" Number{n}.", start, end, 1.0),), language)
        for n, (start, end) in enumerate(spans)
    ]


def voices(*levels: tuple[float, float, float]) -> np.ndarray:
    """Sound whose level tells who speaks: (start, end, level)."""
    sound = np.zeros(round(max(end for _, end, _ in levels) * RATE), np.float32)
    for start, end, level in levels:
        sound[round(start * RATE) : round(end * RATE)] = level
    return sound


def same_level(first: np.ndarray, second: np.ndarray) -> bool:
    return bool(abs(first.mean() - second.mean()) < 0.1)


def test_one_voice_is_one_utterance() -> None:
    sound = voices((0, 2, 0.5), (2.3, 4, 0.5), (4.1, 5, -0.5))
    made = joined(said((0, 2), (2.3, 4), (4.1, 5)), sound, RATE, one_voice=same_level, **LIMITS)
    assert [(one.start_s, one.end_s) for one in made] == [(0, 4), (4.1, 5)]
    assert made[0].text == " Number 0. Number 1."
    assert [word.text for word in made[0].words] == [" Number0.", " Number1."]


@pytest.mark.parametrize(
    ("spans", "language"),
    [(((0, 2), (2.9, 4)), "en"), (((0, 14), (14.1, 26)), "en"), (((0, 2), (2.1, 4)), "fr")],
    ids=["pause", "length", "language"],
)
def test_what_keeps_sentences_apart(spans: tuple, language: str) -> None:
    first, second = said(*spans)
    second = Segment(second.start_s, second.end_s, second.text, second.words, language)
    made = joined(
        [first, second], np.ones(30 * RATE, np.float32), RATE, one_voice=same_level, **LIMITS
    )
    assert made == (first, second)


@given(
    st.lists(st.tuples(st.floats(0.2, 3), st.floats(0, 2), st.booleans()), min_size=1, max_size=8)
)
def test_no_word_is_lost_and_no_utterance_is_of_two(drawn: list[tuple]) -> None:
    place, spans, levels = 0.0, [], []
    for length, pause, who in drawn:
        spans.append((place, place + length))
        levels.append((place, place + length, 0.5 if who else -0.5))
        place += length + pause
    sentences = said(*spans)
    made = joined(sentences, voices(*levels), RATE, one_voice=same_level, **LIMITS)
    words = [word for one in made for word in one.words]
    assert words == [word for one in sentences for word in one.words]
    speaker = {word.start_s: level for word, (*_, level) in zip(words, levels, strict=True)}
    for one in made:
        assert len({speaker[word.start_s] for word in one.words}) == 1
    assert all(a.end_s <= b.start_s for a, b in itertools.pairwise(made))


def test_a_cut_is_never_crossed(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "s.flac", np.full(8 * RATE, 0.5, np.float32), RATE)
    found = find_utterances(
        tmp_path / "s.flac",
        (0.0, 8.0),
        scenes=[(0.0, 4.0), (4.0, 8.0)],
        transcribe=lambda samples: said((0.1, 1.9), (2.0, 3.9)),
        diarize=lambda samples: [],
        max_piece_s=25.0,
        max_pause_s=0.8,
        min_utterance_s=0.3,
        one_voice=same_level,
    )
    assert [(one["start_s"], one["end_s"]) for one in found] == [(0.1, 3.9), (4.1, 7.9)]


def test_what_cannot_be_heard_stays_for_itself() -> None:
    same = SameSpeaker(0.7, 0.1, 17.0)
    vector = np.eye(4)[0]
    heard = OneVoice(lambda sound: vector if sound.size > RATE else None, same, RATE)
    long, short = np.ones(2 * RATE, np.float32), np.ones(100, np.float32)
    assert heard(long, long)
    assert not heard(long, short) and not heard(short, long)


@pytest.mark.real
def test_real_voices_are_compared(model_folder, composite) -> None:
    from msc_kedro.listening.embedding import SpeakerEncoder

    one_voice = OneVoice(
        SpeakerEncoder(model_folder("speaker_embedding")), SameSpeaker(0.71, 0.11, 17.0), RATE
    )
    first, second, first_again, second_again, third = composite
    assert one_voice(first, first_again) and one_voice(second, second_again)
    assert not any(one_voice(first, other) for other in (second, third))
