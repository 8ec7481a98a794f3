"""Utterances of a dialogue: scenes, then speech recognition, long scenes through diarization.

As in the paper's section 3.1: a scene shorter than `max_piece_s` is transcribed as it is; a longer
one is first cut into speaker turns. No utterance crosses a cut, or goes on over a change of speaker
that is heard. Sentences that one voice says without a long pause are one utterance, where voices
are compared.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msc_kedro.listening.sentences import parted, split_segments
from msc_kedro.listening.speakers import cosine_distances
from msc_kedro.listening.turn_taking import TurnTaking, shared_s, turn_taking_in
from msc_kedro.listening.words import Segment
from msc_kedro.media.sound import read_span

if TYPE_CHECKING:
    import numpy as np

    from msc_kedro.listening.diarization import Turn
    from msc_kedro.listening.speakers import SameSpeaker

Span = tuple[float, float]
_MIN_PIECE_S = 0.3  # shorter than any word
_JOIN_S = 1.0  # turns of one speaker with less silence between them are transcribed together
_AT_ONCE_S = 300.0  # sound that is handed over at a time: memory does not grow with a dialogue


@dataclass(frozen=True)
class Piece:
    """What is transcribed at a time.

    Args:
        start_s: on the source's clock.
        samples: float32 [n].
        rate: in Hz.
    """

    start_s: float
    samples: np.ndarray
    rate: int

    @property
    def length_s(self) -> float:
        """In seconds."""
        return self.samples.size / self.rate


def find_utterances(
    sound: Path,
    dialogue: Span,
    *,
    scenes: Sequence[Span],
    transcribe: Callable[[Sequence[np.ndarray]], Sequence[Sequence[Segment]]],
    diarize: Callable[[np.ndarray], Sequence[Turn]],
    hear_turns: Callable[[np.ndarray], TurnTaking] | None,
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
        transcribe: several stretches, float32 [n] at 16 kHz each, to segments with words.
        diarize: float32 [n] at 16 kHz to speaker turns; asked for pieces over `max_piece_s` only.
        hear_turns: float32 [n] at 16 kHz to overlaps and changes of speaker; None leaves overlaps
            unknown.
        max_piece_s: longer scenes are cut into speaker turns.
        max_pause_s: a longer pause between words ends an utterance.
        min_utterance_s: shorter ones are lengthened to this, within their piece.
        one_voice: whether two stretches of sound are of one voice; None leaves each sentence an
            utterance of its own, as the paper does.

    Returns:
        Dicts of start_s, end_s, text, language, words, overlap_s; times on the source's clock.
    """
    taking = None if hear_turns is None else turn_taking_in(sound, dialogue, hear_turns)
    changes_s = () if taking is None else taking.changes_s
    found: list[dict[str, Any]] = []
    pieces = _pieces(sound, dialogue, scenes, diarize=diarize, max_piece_s=max_piece_s)
    for group in _groups(pieces):
        for piece, segments in zip(
            group, transcribe([piece.samples for piece in group]), strict=True
        ):
            own_changes_s = [change - piece.start_s for change in changes_s]
            sentences = [
                part
                for sentence in split_segments(segments, max_pause_s=max_pause_s)
                for part in parted(sentence, own_changes_s)
            ]
            if one_voice is not None:
                sentences = joined(
                    sentences,
                    piece.samples,
                    piece.rate,
                    one_voice=one_voice,
                    changes_s=own_changes_s,
                    max_pause_s=max_pause_s,
                    max_duration_s=max_piece_s,
                )
            for segment in sentences:
                row = _row(segment, piece.start_s, piece.length_s, min_utterance_s)
                overlap_s = None
                if taking is not None:
                    span = row["start_s"], row["end_s"]
                    overlap_s = round(shared_s(span, taking.overlaps), 3)
                found.append({**row, "overlap_s": overlap_s})
    return sorted(found, key=lambda utterance: (utterance["start_s"], utterance["end_s"]))


def joined(
    sentences: Sequence[Segment],
    sound: np.ndarray,
    rate: int,
    *,
    one_voice: Callable[[np.ndarray, np.ndarray], bool],
    changes_s: Sequence[float] = (),
    max_pause_s: float,
    max_duration_s: float,
) -> list[Segment]:
    """Sentences that follow each other in one language and voice, as one.

    Each must be of one voice with all that was joined before it, and with the last sentence of
    that: two who sound alike and follow each other are then seldom one. What keeps apart as well: a
    change of speaker in between, a pause as long as `max_pause_s`, and what would last longer than
    `max_duration_s`.

    Args:
        sentences: in order, on the clock of the sound.
        sound: float32 [n].
        rate: of the sound in Hz.
        one_voice: whether two stretches of it are of one voice.
        changes_s: when one speaker clearly gives way to another.
    """

    def heard(segment: Segment) -> np.ndarray:
        return sound[round(segment.start_s * rate) : round(segment.end_s * rate)]

    def together(before: Segment, latest: Segment, after: Segment) -> bool:
        if (
            before.language != after.language
            or after.start_s - before.end_s >= max_pause_s
            or after.end_s - before.start_s > max_duration_s
        ):
            return False
        words = before.words[-1], after.words[0]
        middles_s = [(word.start_s + word.end_s) / 2 for word in words]
        if any(middles_s[0] <= change < middles_s[1] for change in changes_s):
            return False
        earlier = (before,) if latest is before else (before, latest)
        return all(one_voice(heard(part), heard(after)) for part in earlier)

    made: list[Segment] = []
    for place, sentence in enumerate(sentences):
        if made and together(made[-1], sentences[place - 1], sentence):
            last = made[-1]
            made[-1] = Segment(
                start_s=last.start_s,
                end_s=sentence.end_s,
                text=f"{last.text.rstrip()} {sentence.text.lstrip()}",
                words=(*last.words, *sentence.words),
                language=last.language,
            )
        else:
            made.append(sentence)
    return made


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
    sound: Path,
    dialogue: Span,
    scenes: Sequence[Span],
    *,
    diarize: Callable[[np.ndarray], Sequence[Turn]],
    max_piece_s: float,
) -> Iterator[Piece]:
    """Scenes within a dialogue, of long ones the turns."""
    for scene in scenes:
        start_s, end_s = max(scene[0], dialogue[0]), min(scene[1], dialogue[1])
        if end_s - start_s < _MIN_PIECE_S:
            continue
        samples, rate = read_span(sound, start_s, end_s)
        length_s = samples.size / rate
        if length_s <= max_piece_s:
            yield Piece(start_s, samples, rate)
            continue
        for begin_s, until_s in _turns(diarize(samples), max_piece_s):
            heard = samples[round(max(0.0, begin_s) * rate) : round(min(until_s, length_s) * rate)]
            if heard.size >= _MIN_PIECE_S * rate:
                yield Piece(start_s + max(0.0, begin_s), heard, rate)


def _turns(turns: Sequence[Turn], max_piece_s: float) -> list[Span]:
    """Turns, those of one speaker that follow each other closely as one."""
    pieces: list[tuple[float, float, str]] = []
    for turn in turns:
        if pieces:
            start, end, speaker = pieces[-1]
            fits = turn.end_s - start <= max_piece_s
            if turn.speaker == speaker and turn.start_s - end <= _JOIN_S and fits:
                pieces[-1] = (start, max(end, turn.end_s), speaker)
                continue
        pieces.append((turn.start_s, turn.end_s, str(turn.speaker)))
    return [(start, end) for start, end, _ in pieces]


def _groups(pieces: Iterator[Piece]) -> Iterator[list[Piece]]:
    """Pieces that are handed over together."""
    group: list[Piece] = []
    for piece in pieces:
        group.append(piece)
        if sum(one.length_s for one in group) >= _AT_ONCE_S:
            yield group
            group = []
    if group:
        yield group


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
