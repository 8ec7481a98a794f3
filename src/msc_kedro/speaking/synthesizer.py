"""What the voices of this package share. The records themselves are in `msc_kedro.voice.manner`."""

from __future__ import annotations

from typing import Protocol

from msc_kedro.speaking.world import reshape
from msc_kedro.voice.manner import Gender, Habits, Identity, Manner, Reach, Speech, Synthesizer

__all__ = [
    "Gender",
    "Habits",
    "Identity",
    "Manner",
    "PlainVoice",
    "Reach",
    "Speech",
    "Synthesizer",
    "speak",
]


class PlainVoice(Synthesizer, Protocol):
    """A synthesizer that also gives its speech before anything is changed about it."""

    @property
    def native_rate(self) -> tuple[float, float]:
        """The rates, from slowest to fastest, that `plain` follows evenly."""
        ...

    def plain(self, text: str, *, rate: float, seed: int = 0) -> Speech:
        """Speak `text` at `rate` times the usual pace, otherwise untouched.

        Raises:
            MscKedroError: for a text without anything to pronounce.
        """
        ...


def speak(voice: PlainVoice, text: str, *, manner: Manner, identity: Identity, seed: int) -> Speech:
    """Speak natively as far as the voice goes, and let the vocoder do the rest."""
    slowest, fastest = voice.native_rate
    rate = manner.rate * identity.rate
    native = min(max(rate, slowest), fastest)
    speech = voice.plain(text, rate=native, seed=seed)
    return reshape(speech, manner=manner, identity=identity, tempo=rate / native)
