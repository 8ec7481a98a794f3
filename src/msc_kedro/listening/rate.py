"""How fast someone talks: phonemes per second of speech."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Protocol

from msc_kedro.listening.sound import SAMPLE_RATE, as_mono

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from numpy.typing import ArrayLike

PHONEMES_OF = "en"  # the language that text is turned into phonemes of
LONGEST_GAP_S = 0.15  # between words; what is longer is a pause
_FRAME = 512  # samples, of silero


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


def speech_duration(words: Iterable[Timed], *, longest_gap_s: float = LONGEST_GAP_S) -> float:
    """Seconds spoken, by the times of the words: gaps over `longest_gap_s` do not count."""
    total, last_end = 0.0, None
    for start_s, end_s in sorted((word.start_s, word.end_s) for word in words):
        if last_end is None or start_s - last_end > longest_gap_s:
            total += max(0.0, end_s - start_s)
        else:
            total += max(0.0, end_s - last_end)
        last_end = end_s if last_end is None else max(end_s, last_end)
    return total


def heard_duration(samples: ArrayLike, *, threshold: float = 0.4, as_loud_db: float = 6.0) -> float:
    """Seconds spoken, pauses of more than 0.15 s left out.

    A frame of 32 ms is speech where silero's voice activity (inside faster-whisper) says so, or
    where it is nearly as loud as speech mostly is: what comes here is known to hold speech, and the
    network misses whispers and its first frames. Unlike `activity.speech_spans`, whose spans are
    to lose no word, this has no margins and no second, lower limit at which speech ends; those
    take a tenth of a second off every pause. Both limits are those that were best on dry speech put
    into drawn rooms and noise (docs/voice-and-features.md).

    Args:
        samples: mono [n] in [-1, 1] at 16 kHz.
        threshold: probability from which a frame is speech.
        as_loud_db: below the median of those frames another one may lie and be speech, too.
    """
    import numpy as np
    from faster_whisper.vad import get_vad_model

    sound = as_mono(samples)
    if sound.size == 0 or not sound.any():
        return 0.0
    sound = np.pad(sound, (0, -sound.size % _FRAME))
    speech = np.ravel(get_vad_model()(sound)) >= threshold
    if not speech.any():
        return 0.0
    power = np.mean(sound.reshape(-1, _FRAME) ** 2, axis=1)
    speech |= power >= np.median(power[speech]) * 10 ** (-as_loud_db / 10)
    places = np.flatnonzero(speech)
    gaps = np.diff(places) - 1
    frame_s = _FRAME / SAMPLE_RATE
    return float(len(places) + gaps[gaps * frame_s <= LONGEST_GAP_S].sum()) * frame_s


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
