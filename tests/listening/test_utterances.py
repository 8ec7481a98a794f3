"""Sentences of one voice are one utterance; two voices, a long pause and a cut never are."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from msc_kedro.listening.diarization import Turn
from msc_kedro.listening.sentences import parted
from msc_kedro.listening.speakers import SameSpeaker
from msc_kedro.listening.turn_taking import TurnTaking
from msc_kedro.listening.utterances import OneVoice, find_utterances, joined
from msc_kedro.listening.words import Segment, Word

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


def together(sentences: list[Segment], sound: np.ndarray, **known: object) -> list[Segment]:
    return joined(sentences, sound, RATE, one_voice=same_level, **LIMITS, **known)


def test_a_change_of_speaker_keeps_apart_what_sounds_alike() -> None:
    sentences = said((0, 2), (2.3, 4))
    sound = voices((0, 4, 0.5))
    assert len(together(sentences, sound)) == 1
    assert len(together(sentences, sound, changes_s=[2.1])) == 2
    assert len(together(sentences, sound, changes_s=[5.0])) == 1


def test_all_before_and_the_last_sentence_are_asked() -> None:
    """A voice that is like the sum of two sentences, but not like the second, is another one."""
    sound = voices((0, 2, 0.5), (2, 4, 0.45), (4, 6, 0.56))

    def near(first: np.ndarray, second: np.ndarray) -> bool:
        return bool(abs(first.mean() - second.mean()) < 0.1)

    sentences = said((0, 2), (2, 4), (4, 6))
    made = joined(sentences, sound, RATE, one_voice=near, **LIMITS)
    assert [(one.start_s, one.end_s) for one in made] == [(0, 4), (4, 6)]


def test_a_long_scene_is_heard_turn_by_turn(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "s.flac", np.full(40 * RATE, 0.5, np.float32), RATE)
    turns = [Turn(0.5, 5.0, "A"), Turn(5.5, 9.0, "A"), Turn(8.5, 14.0, "B"), Turn(16.0, 38.0, "A")]
    heard: list[float] = []

    def transcribe(pieces: list[np.ndarray]) -> list[list[Segment]]:
        heard.extend(piece.size / RATE for piece in pieces)
        return [said((0.1, 2.0)) for _ in pieces]

    found = find_utterances(
        tmp_path / "s.flac",
        (0.0, 40.0),
        scenes=[(0.0, 40.0)],
        transcribe=transcribe,
        diarize=lambda samples: turns,
        hear_turns=None,
        max_piece_s=25.0,
        max_pause_s=0.8,
        min_utterance_s=0.3,
        one_voice=same_level,
    )
    assert heard == pytest.approx([8.5, 5.5, 22.0], abs=0.01)
    assert [one["start_s"] for one in found] == pytest.approx([0.6, 8.6, 16.1])
    assert all(one["overlap_s"] is None for one in found)


def test_overlap_is_of_the_utterance(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "s.flac", np.full(8 * RATE, 0.5, np.float32), RATE)
    found = find_utterances(
        tmp_path / "s.flac",
        (0.0, 8.0),
        scenes=[(0.0, 8.0)],
        transcribe=lambda pieces: [said((0.5, 3.0), (4.0, 6.0)) for _ in pieces],
        diarize=lambda samples: [],
        hear_turns=lambda samples: TurnTaking(((2.5, 3.5), (7.0, 7.5)), ()),
        max_piece_s=25.0,
        max_pause_s=0.8,
        min_utterance_s=0.3,
    )
    assert [one["overlap_s"] for one in found] == [0.5, 0.0]


def test_one_voice_is_one_utterance() -> None:
    sound = voices((0, 2, 0.5), (2.3, 4, 0.5), (4.1, 5, -0.5))
    made = together(said((0, 2), (2.3, 4), (4.1, 5)), sound)
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
    assert together([first, second], np.ones(30 * RATE, np.float32)) == [first, second]


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
    made = together(sentences, voices(*levels))
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
        transcribe=lambda pieces: [said((0.1, 1.9), (2.0, 3.9)) for _ in pieces],
        diarize=lambda samples: [],
        hear_turns=None,
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


def spoken(*words: tuple[str, float, float]) -> Segment:
    made = tuple(Word(text, start, end, 1.0) for text, start, end in words)
    return Segment(made[0].start_s, made[-1].end_s, "", made, "en")


def test_a_sentence_is_parted_where_one_gives_way() -> None:
    sentence = spoken(("Yes", 0.2, 0.6), ("and", 1.1, 1.5), ("no", 1.6, 1.9))
    assert [one.text for one in parted(sentence, [1.0])] == ["Yes", "and no"]
    assert [one.text for one in parted(sentence, [0.1, 5.0])] == ["Yes and no"]
