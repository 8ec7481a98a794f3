"""What the voices of this package share. The records themselves are in `msc_kedro.voice.manner`."""

from __future__ import annotations

from typing import Protocol

from msc_kedro.voice.manner import Gender, Habits, Identity, Manner, Speech, Synthesizer

__all__ = ["Gender", "Habits", "Identity", "Manner", "PlainVoice", "Speech", "Synthesizer"]


class PlainVoice(Synthesizer, Protocol):
    """A synthesizer that also gives its speech before pitch and liveliness are changed."""

    def plain(self, text: str, *, rate: float, seed: int = 0) -> Speech:
        """Speak `text` at `rate` times the usual pace, otherwise untouched."""
        ...
