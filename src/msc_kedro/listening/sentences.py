"""Recognised words laid out in sentences: where an utterance may begin and end."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

from msc_kedro.listening.words import Segment, Word, text_of

_SENTENCE_END = (".", "?", "!", "…", "。", "？", "！")
_CLOSERS = "\"'”’)]»"
_TITLES = frozenset({"mr.", "mrs.", "ms.", "dr.", "st.", "prof.", "vs.", "jr.", "sr."})


def split_segments(
    segments: Iterable[Segment],
    *,
    max_pause_s: float = 0.5,
    max_duration_s: float = 25.0,
) -> tuple[Segment, ...]:
    """Utterances out of recognised segments.

    All words are laid out in order and cut anew: after the end of a sentence, at pauses, and,
    where a piece would still last too long, at the widest gap between its words.

    Args:
        segments: as recognised, in order of time.
        max_pause_s: silence between two words from which on they are two utterances.
        max_duration_s: longest utterance.

    Returns:
        One segment an utterance, each with at least one word, in order of time; no word is lost.

    Raises:
        ValueError: for a duration that is not positive.
    """
    if max_pause_s <= 0 or max_duration_s <= 0:
        raise ValueError("max_pause_s and max_duration_s must be positive.")
    pieces: list[tuple[str, list[Word]]] = []
    for segment in segments:
        for word in segment.words:
            if pieces and pieces[-1][0] == segment.language:
                last = pieces[-1][1][-1]
                if word.start_s - last.end_s < max_pause_s and not _ends_sentence(last.text):
                    pieces[-1][1].append(word)
                    continue
            pieces.append((segment.language, [word]))
    return tuple(
        Segment(words[0].start_s, words[-1].end_s, text_of(words, language), tuple(words), language)
        for language, piece in pieces
        for words in _not_longer(piece, max_duration_s)
    )


def _ends_sentence(text: str) -> bool:
    bare = text.rstrip(_CLOSERS)
    if bare.lower() in _TITLES or bare.endswith("..."):
        return False
    # "U.S." and "J." are abbreviations, not ends.
    if len(bare) >= 2 and bare[-1] == "." and (len(bare) == 2 or bare[-3] == "."):
        return not bare[-2].isalpha() or bare == "I."
    return bare.endswith(_SENTENCE_END)


def _not_longer(words: list[Word], longest_s: float) -> list[list[Word]]:
    if len(words) < 2 or words[-1].end_s - words[0].start_s <= longest_s:
        return [words]
    gaps = [after.start_s - before.end_s for before, after in pairwise(words)]
    # The widest gap; among equal ones that nearest to the middle, so that the halves are even.
    middle = (len(words) - 1) / 2
    cut = max(range(len(gaps)), key=lambda at: (gaps[at], -abs(at + 1 - middle))) + 1
    return _not_longer(words[:cut], longest_s) + _not_longer(words[cut:], longest_s)


def parted(segment: Segment, changes_s: Sequence[float]) -> tuple[Segment, ...]:
    """A sentence, cut between words where one speaker gives way to another.

    Args:
        segment: with its words.
        changes_s: times at which somebody else begins, on the clock of the words. One that falls
            into a word, or before the first or after the last, lies between the two words whose
            middles are on either side of it.
    """
    runs: list[list[Word]] = [[segment.words[0]]]
    for before, after in pairwise(segment.words):
        middles_s = [(word.start_s + word.end_s) / 2 for word in (before, after)]
        if any(middles_s[0] <= change < middles_s[1] for change in changes_s):
            runs.append([after])
        else:
            runs[-1].append(after)
    return tuple(_segment(run, segment.language) for run in runs)


def _segment(words: Sequence[Word], language: str) -> Segment:
    return Segment(
        words[0].start_s, words[-1].end_s, text_of(words, language), tuple(words), language
    )
