"""Speech to text with word times, by faster-whisper."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from msc_kedro.errors import MscKedroError
from msc_kedro.listening.activity import speech_spans
from msc_kedro.listening.sound import SAMPLE_RATE, as_mono

if TYPE_CHECKING:
    from faster_whisper import WhisperModel
    from faster_whisper.transcribe import Segment as WhisperSegment
    from faster_whisper.transcribe import Word as WhisperWord
    from numpy.typing import ArrayLike

BEAM_SIZE = 5
# A segment is taken for invented when the model itself doubts it. Whisper's own rule asks for
# both of the first two; the third is its mark of text that repeats itself.
_NO_SPEECH, _LOG_PROBABILITY, _COMPRESSION = 0.6, -1.0, 2.4
_SHORTEST_S = 0.1
_SHORTEST_WORD_S, _LETTER_S = 0.04, 0.06
_SENTENCE_END = (".", "?", "!", "…", "。", "？", "！")
_CLOSERS = "\"'”’)]»"
_TITLES = frozenset({"mr.", "mrs.", "ms.", "dr.", "st.", "prof.", "vs.", "jr.", "sr."})


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


def open_whisper(
    folder: Path, *, threads: int, compute_type: str, device: str, workers: int = 1
) -> WhisperModel:
    """A CTranslate2 Whisper model from a folder, for `workers` calls at a time.

    Raises:
        MscKedroError: where the folder holds no such model.
    """
    from faster_whisper import WhisperModel

    for name in ("model.bin", "tokenizer.json"):
        if not (Path(folder) / name).is_file():
            raise MscKedroError(
                f"No speech recognition model: expected {Path(folder) / name}. "
                "Run `kedro models fetch`."
            )
    return WhisperModel(
        str(folder),
        device=device,
        cpu_threads=threads,
        num_workers=workers,
        compute_type=compute_type,
        local_files_only=True,
    )


class WhisperTranscriber:
    """faster-whisper with settings that give the same text every time.

    Args:
        folder: a CTranslate2 Whisper model.
        threads: of the processor, for one call; more than one is slower on short pieces.
        workers: calls that may go on at a time, from as many threads; 0 for one per core.
        compute_type: CTranslate2's, "int8" on a processor, "float16" on a GPU.
        device: "cpu" or "cuda".
        language: ISO code; None lets a multilingual model find out.
        beam_size: hypotheses kept while decoding.
    """

    def __init__(
        self,
        folder: Path,
        *,
        threads: int = 1,
        workers: int = 0,
        compute_type: str = "int8",
        device: str = "cpu",
        language: str | None = None,
        beam_size: int = BEAM_SIZE,
    ) -> None:
        self._model = open_whisper(
            folder,
            threads=threads,
            workers=workers or os.cpu_count() or 1,
            compute_type=compute_type,
            device=device,
        )
        self._language = language
        self._beam_size = beam_size

    def __call__(self, samples: ArrayLike) -> tuple[Segment, ...]:
        """What is said, when, word by word; nothing for silence, noise or music.

        Only temperature 0 is used: a fallback to sampling would give other text each time.

        Args:
            samples: mono [n] in [-1, 1] at 16 kHz.
        """
        sound = as_mono(samples)
        if sound.size < _SHORTEST_S * SAMPLE_RATE or not sound.any():
            return ()
        found, info = self._model.transcribe(
            sound,
            language=self._language,
            beam_size=self._beam_size,
            temperature=0.0,
            condition_on_previous_text=False,
            word_timestamps=True,
            vad_filter=True,
            vad_parameters={"min_silence_duration_ms": 500, "speech_pad_ms": 200},
            no_speech_threshold=_NO_SPEECH,
            log_prob_threshold=_LOG_PROBABILITY,
            compression_ratio_threshold=_COMPRESSION,
            hallucination_silence_threshold=2.0,
        )
        length_s = sound.size / SAMPLE_RATE
        spans = speech_spans(sound)
        segments = []
        for one in found:
            words = () if _invented(one) else _whole_words(one.words or [])
            words = _lasting(_fitted(words, spans), length_s)
            if words:
                text = _text(words, info.language)
                segments.append(
                    Segment(words[0].start_s, words[-1].end_s, text, words, info.language)
                )
        return tuple(segments)

    def transcribe_plain(self, samples: ArrayLike) -> str:
        """The text alone, as one line; for reading synthesized speech back."""
        return " ".join(segment.text for segment in self(samples))


def _invented(segment: WhisperSegment) -> bool:
    """Whether the model made the text up over something that is no speech."""
    unsure = segment.avg_logprob < _LOG_PROBABILITY
    return (
        (segment.no_speech_prob > _NO_SPEECH and unsure)
        or segment.compression_ratio > _COMPRESSION
        or not any(character.isalnum() for character in segment.text)
    )


def _whole_words(pieces: Sequence[WhisperWord]) -> tuple[Word, ...]:
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


def _fitted(words: Sequence[Word], spans: Sequence[tuple[float, float]]) -> tuple[Word, ...]:
    """Words without the silence that the aligner gave them at either end.

    Before a pause the aligner lets a word last, after one it lets the next begin, up to 0.2 s
    into the silence; voice activity knows better.
    """
    fitted: list[Word] = []
    for word in words:
        heard = [span for span in spans if span[0] < word.end_s and span[1] > word.start_s]
        if heard:
            start_s, end_s = max(word.start_s, heard[0][0]), min(word.end_s, heard[-1][1])
            word = replace(word, start_s=start_s, end_s=end_s)
        fitted.append(word)
    return tuple(fitted)


def _lasting(words: Sequence[Word], length_s: float) -> tuple[Word, ...]:
    """Words that take time: now and then the aligner gives one no duration at all.

    Such a word is stretched back from its end into the free time before it; where there is none
    it ends a little later. Nothing ends after the sound does.
    """
    lasting: list[Word] = []
    for word in words:
        start_s, end_s = min(word.start_s, length_s - _SHORTEST_WORD_S), min(word.end_s, length_s)
        if end_s - start_s < _SHORTEST_WORD_S:
            free_from_s = lasting[-1].end_s if lasting else 0.0
            start_s = min(start_s, max(free_from_s, end_s - _LETTER_S * len(word.text)))
            end_s = max(end_s, start_s + _SHORTEST_WORD_S)
        lasting.append(replace(word, start_s=start_s, end_s=end_s))
    return tuple(lasting)


# Written without spaces between words.
_UNSPACED = frozenset({"zh", "ja", "th", "lo", "my", "yue"})


def _text(words: Iterable[Word], language: str) -> str:
    return ("" if language in _UNSPACED else " ").join(word.text for word in words)


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
        Segment(words[0].start_s, words[-1].end_s, _text(words, language), tuple(words), language)
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
