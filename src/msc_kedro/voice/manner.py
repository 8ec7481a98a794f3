"""How speech is asked for: the manner, the identity, and what a synthesizer is.

Kept below `speaking`, so that a corpus can be spoken by any voice that is handed to it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from msc_kedro.voice.bins import Gender

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Gender", "Habits", "Identity", "Manner", "Reach", "Speech", "Synthesizer"]


@dataclass(frozen=True)
class Speech:
    """Spoken sound: mono float32 samples `[n]` in [-1, 1] and their rate in Hz."""

    samples: NDArray[np.float32]
    sample_rate: int

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return len(self.samples) / self.sample_rate


@dataclass(frozen=True)
class Manner:
    """How a voice speaks, relative to how it speaks when left alone.

    `semitones` shifts the median pitch, `rate` above 1 speaks faster, and `range` scales the
    excursions of log pitch about the median: 0.4 is monotone, 1.6 lively.
    """

    semitones: float = 0.0
    rate: float = 1.0
    range: float = 1.0

    def __post_init__(self) -> None:
        """Refuse what no voice can do.

        Raises:
            ValueError: for a rate that is not positive or a negative range.
        """
        if not self.rate > 0 or not self.range >= 0:
            raise ValueError(f"a rate above 0 and a range of at least 0 are needed, found {self}")


@dataclass(frozen=True)
class Identity:
    """What sets a derived speaker apart from the voice it is made of, whatever the manner.

    `semitones`, `rate` and `range` are those of its usual manner. `formant` scales the frequency
    axis of the spectral envelope: above 1 sounds like a shorter vocal tract, below 1 like a longer
    one.
    """

    semitones: float = 0.0
    formant: float = 1.0
    rate: float = 1.0
    range: float = 1.0

    def __post_init__(self) -> None:
        """Refuse what no voice can do.

        Raises:
            ValueError: for a formant factor outside 0.7..1.4, where speech breaks, a rate that is
                not positive or a negative range.
        """
        if not 0.7 <= self.formant <= 1.4 or not self.rate > 0 or not self.range >= 0:
            raise ValueError(
                "a formant factor between 0.7 and 1.4, a rate above 0 and a range of at least 0 "
                f"are needed, found {self}"
            )


@dataclass(frozen=True)
class Habits:
    """How a voice speaks when left alone: what a manner is relative to.

    `pitch_hz` is the mean of the voiced fundamental, `pitch_std_hz` its standard deviation within
    an utterance, `phonemes_per_s` the phonemes of the text over the seconds of speech.
    """

    pitch_hz: float
    pitch_std_hz: float
    phonemes_per_s: float


@dataclass(frozen=True)
class Reach:
    """The (lowest, highest) manner that a voice does well: its words are still recognised."""

    semitones: tuple[float, float]
    rate: tuple[float, float]
    range: tuple[float, float]


class Synthesizer(Protocol):
    """A voice that speaks a text in a manner. The same arguments give the same samples."""

    @property
    def name(self) -> str:
        """The speaker's name, unique among the voices of a run."""
        ...

    @property
    def gender(self) -> Gender:
        """What a listener takes the speaker for."""
        ...

    @property
    def habits(self) -> Habits:
        """How the voice speaks when left alone."""
        ...

    @property
    def reach(self) -> Reach:
        """How far a manner may go with this voice."""
        ...

    def __call__(self, text: str, *, manner: Manner, seed: int = 0) -> Speech:
        """Speak `text`; an empty or unpronounceable text is an MscKedroError."""
        ...
