"""How fast someone talks: phonemes per second of speech."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Protocol

from msc_kedro.listening.activity import speech_spans

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from numpy.typing import ArrayLike


class Timed(Protocol):
    """Anything with a start and an end in seconds, as `asr.Word`."""

    @property
    def start_s(self) -> float: ...
    @property
    def end_s(self) -> float: ...


# hibari writes diphthongs and affricates as one sign; IPA writes them as two.
_TWO = frozenset("AIOQWYʤʧ")
_NO_PHONEME = frozenset("ˈˌːʰ.,;:!?—…\"()“”‘’'-")


@cache
def _phonemizer() -> Callable[[str], str]:
    from hibari.g2p import G2P

    return G2P()


def count_phonemes(text: str) -> int:
    """Length of the English text in IPA, as data-speech counts it.

    data-speech takes the length of the IPA string that its g2p gives; its levels of pace are made
    for that count. So diphthongs and affricates count two (they are two IPA letters) and
    the gap between two words counts one, as the space does there. Stress and punctuation do not
    count.
    """
    spoken = _phonemizer()(text)
    words = ["".join(sign for sign in word if sign not in _NO_PHONEME) for word in spoken.split()]
    words = [word for word in words if word]
    letters = sum(2 if sign in _TWO else 1 for word in words for sign in word)
    return letters + max(0, len(words) - 1)


def speech_duration(words: Iterable[Timed], *, longest_gap_s: float = 0.15) -> float:
    """Seconds spoken, by the times of the words: gaps over `longest_gap_s` do not count."""
    total, last_end = 0.0, None
    for start_s, end_s in sorted((word.start_s, word.end_s) for word in words):
        if last_end is None or start_s - last_end > longest_gap_s:
            total += max(0.0, end_s - start_s)
        else:
            total += max(0.0, end_s - last_end)
        last_end = end_s if last_end is None else max(end_s, last_end)
    return total


def heard_duration(samples: ArrayLike) -> float:
    """Seconds spoken, by silero's voice activity (inside faster-whisper); pauses left out.

    Args:
        samples: mono [n] in [-1, 1] at 16 kHz.
    """
    return sum(end_s - start_s for start_s, end_s in speech_spans(samples))


def speaking_rate(text: str, duration_s: float) -> float | None:
    """Phonemes per second of speech; None without phonemes or under 0.1 s of speech.

    Args:
        text: English, as written.
        duration_s: seconds of speech, pauses left out.
    """
    phonemes = count_phonemes(text)
    if phonemes == 0 or duration_s < 0.1:
        return None
    return phonemes / duration_s
