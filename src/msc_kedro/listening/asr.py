"""Speech to text with word times, by faster-whisper."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from msc_kedro.errors import MscKedroError
from msc_kedro.listening.activity import speech_spans
from msc_kedro.listening.sound import SAMPLE_RATE, as_mono
from msc_kedro.listening.words import Segment, fitted, lasting, text_of, whole_words

if TYPE_CHECKING:
    import numpy as np
    from faster_whisper import WhisperModel
    from faster_whisper.transcribe import Segment as WhisperSegment
    from numpy.typing import ArrayLike, NDArray

BEAM_SIZE = 5
BATCH_SIZE = 16  # pieces at a time on a GPU
# A segment is taken for invented when the model itself doubts it. Whisper's own rule asks for
# both of the first two; the third is its mark of text that repeats itself.
_NO_SPEECH, _LOG_PROBABILITY, _COMPRESSION = 0.6, -1.0, 2.4
_SHORTEST_S = 0.1
_VAD_PAUSE_S, _VAD_MARGIN_S = 2.0, 0.4  # with pauses in it Whisper parts sentences better
_WINDOW_S = 30.0  # what Whisper hears at a time
# Of a short piece the language is often guessed wrong: below this the expected one is taken.
_SURE_OF_LANGUAGE = 0.7


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
        compute_type: CTranslate2's, "int8" on a processor, "float16" on a GPU; "auto" for the
            fastest that the device has.
        device: "cpu", "cuda", or "auto".
        language: ISO code of what is spoken; None lets a multilingual model find out.
        beam_size: hypotheses kept while decoding.
        batch_size: pieces that are decoded at a time in `several`; None for 16 on a GPU and one
            on a processor, where a batch gains little.
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
        batch_size: int | None = None,
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
        on_gpu = self._model.model.device == "cuda"
        self.batch_size = batch_size or (BATCH_SIZE if on_gpu else 1)

    def __call__(self, samples: ArrayLike, *, expected: str | None = None) -> tuple[Segment, ...]:
        """What is said, when, word by word; nothing for silence, noise or music.

        Only temperature 0 is used: a fallback to sampling would give other text each time.

        Args:
            samples: mono [n] in [-1, 1] at 16 kHz.
            expected: ISO code of the language that is most likely spoken. A multilingual model
                takes another one only where it is sure of it.
        """
        sound = as_mono(samples)
        if sound.size < _SHORTEST_S * SAMPLE_RATE or not sound.any():
            return ()
        found, info = self._model.transcribe(
            sound,
            language=self._spoken_in(sound, expected),
            beam_size=self._beam_size,
            temperature=0.0,
            condition_on_previous_text=False,
            word_timestamps=True,
            vad_filter=True,
            vad_parameters={
                "min_silence_duration_ms": round(_VAD_PAUSE_S * 1000),
                "speech_pad_ms": round(_VAD_MARGIN_S * 1000),
            },
            no_speech_threshold=_NO_SPEECH,
            log_prob_threshold=_LOG_PROBABILITY,
            compression_ratio_threshold=_COMPRESSION,
            hallucination_silence_threshold=2.0,
        )
        return _segments(found, speech_spans(sound), sound.size / SAMPLE_RATE, info.language)

    def several(
        self, pieces: Sequence[ArrayLike], *, expected: str | None = None
    ) -> list[tuple[Segment, ...]]:
        """What is said in each of several pieces, as `__call__`; on a GPU in batches.

        A batch of pieces is decoded by faster-whisper's batched pipeline, which hears each piece
        from its first to its last speech in one window of 30 s. A longer one goes by itself.

        Args:
            pieces: float32 [n] each, at 16 kHz.
            expected: see `__call__`.
        """
        if self.batch_size == 1:
            return [self(piece, expected=expected) for piece in pieces]
        sounds = [as_mono(piece) for piece in pieces]
        spans = [speech_spans(sound) for sound in sounds]
        heard: list[tuple[Segment, ...]] = [()] * len(sounds)
        batches: dict[str, list[int]] = {}
        for place, (sound, spoken) in enumerate(zip(sounds, spans, strict=True)):
            if not spoken:
                continue
            if spoken[-1][1] - spoken[0][0] > _WINDOW_S - 2 * _VAD_MARGIN_S:
                heard[place] = self(sound, expected=expected)
                continue
            language = self._spoken_in(sound, expected)
            batches.setdefault(language or "", []).append(place)
        for language, places in batches.items():
            chosen = [(sounds[place], spans[place]) for place in places]
            for place, segments in zip(places, self._batch(chosen, language or None), strict=True):
                heard[place] = segments
        return heard

    def _batch(
        self,
        pieces: Sequence[tuple[NDArray[np.float32], list[tuple[float, float]]]],
        language: str | None,
    ) -> list[tuple[Segment, ...]]:
        """Pieces of one language, each with its spans of speech: laid end to end, a clip each."""
        import numpy as np
        from faster_whisper import BatchedInferencePipeline

        clips, origins_s, clock_s = [], [], 0.0
        for sound, spans in pieces:
            length_s = sound.size / SAMPLE_RATE
            start_s = max(0.0, spans[0][0] - _VAD_MARGIN_S)
            end_s = min(length_s, spans[-1][1] + _VAD_MARGIN_S)
            clips.append({"start": clock_s + start_s, "end": clock_s + end_s})
            origins_s.append(clock_s)
            clock_s += length_s
        # It keeps state between its batches, so each call has its own.
        found, info = BatchedInferencePipeline(self._model).transcribe(
            np.concatenate([sound for sound, _ in pieces]),
            language=language,
            beam_size=self._beam_size,
            temperature=0.0,
            word_timestamps=True,
            clip_timestamps=clips,
            batch_size=self.batch_size,
        )
        heard: list[list[WhisperSegment]] = [[] for _ in pieces]
        for one in found:  # each within its clip, which it begins in
            middle_s = (one.start + one.end) / 2
            place = max(i for i, clip in enumerate(clips) if clip["start"] <= middle_s or i == 0)
            heard[place].append(_moved(one, -origins_s[place]))
        return [
            _segments(segments, spans, sound.size / SAMPLE_RATE, info.language)
            for segments, (sound, spans) in zip(heard, pieces, strict=True)
        ]

    def _spoken_in(self, sound: NDArray[np.float32], expected: str | None) -> str | None:
        """The language to transcribe in; None leaves it to the model."""
        if self._language is not None or not self._model.model.is_multilingual:
            return self._language
        if expected is None:
            return None
        found, probability, _ = self._model.detect_language(sound, vad_filter=True)
        return found if probability >= _SURE_OF_LANGUAGE else expected

    def transcribe_plain(self, samples: ArrayLike) -> str:
        """The text alone, as one line; for reading synthesized speech back."""
        return " ".join(segment.text for segment in self(samples))


def _segments(
    found: Iterable[WhisperSegment],
    spans: Sequence[tuple[float, float]],
    length_s: float,
    language: str,
) -> tuple[Segment, ...]:
    """Segments of a piece with the words that were really said in it."""
    segments = []
    for one in found:
        words = () if _invented(one) else whole_words(one.words or [])
        words = lasting(fitted(words, spans), length_s)
        if words:
            text = text_of(words, language)
            segments.append(Segment(words[0].start_s, words[-1].end_s, text, words, language))
    return tuple(segments)


def _moved(segment: WhisperSegment, by_s: float) -> WhisperSegment:
    """The same on another clock."""
    words = [
        replace(word, start=word.start + by_s, end=word.end + by_s) for word in segment.words or []
    ]
    return replace(segment, start=segment.start + by_s, end=segment.end + by_s, words=words)


def _invented(segment: WhisperSegment) -> bool:
    """Whether the model made the text up over something that is no speech."""
    unsure = segment.avg_logprob < _LOG_PROBABILITY
    return (
        (segment.no_speech_prob > _NO_SPEECH and unsure)
        or segment.compression_ratio > _COMPRESSION
        or not any(character.isalnum() for character in segment.text)
    )
