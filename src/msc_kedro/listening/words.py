"""Recognised words: what they are, and how they are made whole and fitted to what is heard."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from faster_whisper.transcribe import Word as WhisperWord

_SHORTEST_WORD_S, _LETTER_S = 0.04, 0.06
_UNSPACED = frozenset({"zh", "ja", "th", "lo", "my", "yue"})  # no spaces between words


@dataclass(frozen=True)
class Word:
    """One word as written, punctuation with it; seconds from the start of the sound."""

    text: str
    start_s: float
    end_s: float
    probability: float


@dataclass(frozen=True)
class Segment:
    """A stretch of speech and its words; seconds from the start of the sound."""

    start_s: float
    end_s: float
    text: str
    words: tuple[Word, ...]
    language: str


def whole_words(pieces: Sequence[WhisperWord]) -> tuple[Word, ...]:
    """Words with the pieces that belong to them: "twenty", "-five" become one."""
    words: list[Word] = []
    spaced = any(piece.word.startswith(" ") for piece in pieces)
    for piece in pieces:
        text = piece.word.strip()
        if not text:
            continue
        start_s, end_s = float(piece.start), float(piece.end)
        if words and spaced and not piece.word.startswith(" "):
            last = words.pop()
            probability = min(last.probability, float(piece.probability))
            words.append(Word(last.text + text, last.start_s, max(last.end_s, end_s), probability))
        else:
            words.append(Word(text, start_s, end_s, float(piece.probability)))
    return tuple(words)


def fitted(words: Sequence[Word], spans: Sequence[tuple[float, float]]) -> tuple[Word, ...]:
    """Words without the silence that the aligner gave them at either end.

    Before a pause the aligner lets a word last, after one it lets the next begin, up to 0.2 s
    into the silence; voice activity knows better.
    """
    made: list[Word] = []
    for word in words:
        heard = [span for span in spans if span[0] < word.end_s and span[1] > word.start_s]
        if heard:
            start_s, end_s = max(word.start_s, heard[0][0]), min(word.end_s, heard[-1][1])
            word = replace(word, start_s=start_s, end_s=end_s)
        made.append(word)
    return tuple(made)


def lasting(words: Sequence[Word], length_s: float) -> tuple[Word, ...]:
    """Words that take time: now and then the aligner gives one no duration at all.

    Such a word is stretched back from its end into the free time before it; where there is none
    it ends a little later. Nothing ends after the sound does.
    """
    made: list[Word] = []
    for word in words:
        start_s, end_s = min(word.start_s, length_s - _SHORTEST_WORD_S), min(word.end_s, length_s)
        if end_s - start_s < _SHORTEST_WORD_S:
            free_from_s = made[-1].end_s if made else 0.0
            start_s = min(start_s, max(free_from_s, end_s - _LETTER_S * len(word.text)))
            end_s = max(end_s, start_s + _SHORTEST_WORD_S)
        made.append(replace(word, start_s=start_s, end_s=end_s))
    return tuple(made)


def text_of(words: Iterable[Word], language: str) -> str:
    """The words as text of their language."""
    return ("" if language in _UNSPACED else " ").join(word.text for word in words)
