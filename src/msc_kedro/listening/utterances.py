"""Utterances of a dialogue: scenes, then speech recognition, long scenes through diarization.

As in the paper's section 3.1: a scene shorter than `max_piece_s` is transcribed as it is; a longer
one is first cut into speaker turns. No utterance crosses a cut. Sentences that one voice says
without a long pause are one utterance, where voices are compared.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msc_kedro.listening.asr import Segment, split_segments
from msc_kedro.listening.speakers import cosine_distances
from msc_kedro.media.sound import read_span

if TYPE_CHECKING:
    import numpy as np

    from msc_kedro.listening.diarization import Turn
    from msc_kedro.listening.speakers import SameSpeaker

Span = tuple[float, float]
_MIN_PIECE_S = 0.3  # shorter than any word
_JOIN_S = 1.0  # turns of one speaker with less silence between them are transcribed together


def find_utterances(
    sound: Path,
    dialogue: Span,
    *,
    scenes: Sequence[Span],
    transcribe: Callable[[np.ndarray], Sequence[Segment]],
    diarize: Callable[[np.ndarray], Sequence[Turn]],
    max_piece_s: float,
    max_pause_s: float,
    min_utterance_s: float,
    one_voice: Callable[[np.ndarray, np.ndarray], bool] | None = None,
) -> list[dict[str, Any]]:
    """The utterances of one dialogue, in order.

    Args:
        sound: 16 kHz mono file of the whole source.
        dialogue: start and end in seconds on the source's clock.
        scenes: scenes of the source.
        transcribe: float32 [n] at 16 kHz to segments with words.
        diarize: float32 [n] at 16 kHz to speaker turns; asked for pieces over `max_piece_s` only.
        max_piece_s: longer scenes are cut into speaker turns.
        max_pause_s: a longer pause between words ends an utterance.
        min_utterance_s: shorter ones are lengthened to this, within their piece.
        one_voice: whether two stretches of sound are of one voice; None leaves each sentence an
            utterance of its own, as the paper does.

    Returns:
        Dicts of start_s, end_s, text, language, words; times on the source's clock.
    """
    found: list[dict[str, Any]] = []
    for scene in scenes:
        start_s, end_s = max(scene[0], dialogue[0]), min(scene[1], dialogue[1])
        if end_s - start_s < _MIN_PIECE_S:
            continue
        samples, rate = read_span(sound, start_s, end_s)
        for first_s, last_s in _pieces(samples, rate, diarize=diarize, max_piece_s=max_piece_s):
            piece = samples[round(first_s * rate) : round(last_s * rate)]
            if piece.size < _MIN_PIECE_S * rate:
                continue
            sentences = split_segments(transcribe(piece), max_pause_s=max_pause_s)
            if one_voice is not None:
                sentences = joined(
                    sentences,
                    piece,
                    rate,
                    one_voice=one_voice,
                    max_pause_s=max_pause_s,
                    max_duration_s=max_piece_s,
                )
            for segment in sentences:
                found.append(_row(segment, start_s + first_s, last_s - first_s, min_utterance_s))
    return sorted(found, key=lambda utterance: (utterance["start_s"], utterance["end_s"]))


def joined(
    sentences: Sequence[Segment],
    sound: np.ndarray,
    rate: int,
    *,
    one_voice: Callable[[np.ndarray, np.ndarray], bool],
    max_pause_s: float,
    max_duration_s: float,
) -> tuple[Segment, ...]:
    """Sentences that follow each other in one language and voice, as one.

    Each is compared with all that was joined before it. A pause as long as `max_pause_s` keeps
    apart, and so does what would last longer than `max_duration_s`.

    Args:
        sentences: in order, on the clock of the sound.
        sound: float32 [n].
        rate: of the sound in Hz.
        one_voice: whether two stretches of it are of one voice.
    """

    def heard(segment: Segment) -> np.ndarray:
        return sound[round(segment.start_s * rate) : round(segment.end_s * rate)]

    made: list[Segment] = []
    for sentence in sentences:
        last = made[-1] if made else None
        if (
            last is not None
            and last.language == sentence.language
            and sentence.start_s - last.end_s < max_pause_s
            and sentence.end_s - last.start_s <= max_duration_s
            and one_voice(heard(last), heard(sentence))
        ):
            made[-1] = Segment(
                start_s=last.start_s,
                end_s=sentence.end_s,
                text=f"{last.text.rstrip()} {sentence.text.lstrip()}",
                words=(*last.words, *sentence.words),
                language=last.language,
            )
        else:
            made.append(sentence)
    return tuple(made)


@dataclass(frozen=True)
class OneVoice:
    """Whether two stretches of sound are of one voice, by the distance of their embeddings.

    What is too short to be heard is of no voice: it stays for itself.
    """

    encode: Callable[[np.ndarray], np.ndarray | None]
    same: SameSpeaker
    sample_rate: int

    def __call__(self, first: np.ndarray, second: np.ndarray) -> bool:
        """float32 [n] each, at `sample_rate`."""
        vectors = [self.encode(sound) for sound in (first, second)]
        if vectors[0] is None or vectors[1] is None:
            return False
        distance = cosine_distances(vectors)[0, 1]  # type: ignore[arg-type]
        lengths_s = (sound.size / self.sample_rate for sound in (first, second))
        return bool(distance < self.same.limit(*lengths_s))


def _pieces(
    samples: np.ndarray,
    rate: int,
    *,
    diarize: Callable[[np.ndarray], Sequence[Turn]],
    max_piece_s: float,
) -> list[Span]:
    """What is transcribed at a time: the whole scene, or a long scene's turns."""
    length_s = samples.size / rate
    if length_s <= max_piece_s:
        return [(0.0, length_s)]
    pieces: list[tuple[float, float, str]] = []
    for turn in diarize(samples):
        if pieces:
            start, end, speaker = pieces[-1]
            fits = turn.end_s - start <= max_piece_s
            if turn.speaker == speaker and turn.start_s - end <= _JOIN_S and fits:
                pieces[-1] = (start, max(end, turn.end_s), speaker)
                continue
        pieces.append((turn.start_s, turn.end_s, str(turn.speaker)))
    return [(max(0.0, start), min(end, length_s)) for start, end, _ in pieces]


def _row(segment: Segment, offset_s: float, piece_s: float, min_s: float) -> dict[str, Any]:
    start_s = min(max(0.0, segment.start_s), max(0.0, piece_s - min_s))
    end_s = min(max(segment.end_s, start_s + min_s), max(piece_s, start_s + 0.01))
    words = [
        {
            "word": word.text,
            "start_s": round(offset_s + word.start_s, 3),
            "end_s": round(offset_s + word.end_s, 3),
            "probability": round(word.probability, 4),
        }
        for word in segment.words
    ]
    return {
        "start_s": round(offset_s + start_s, 3),
        "end_s": round(offset_s + end_s, 3),
        "text": segment.text.strip(),
        "language": segment.language,
        "words": words,
    }
