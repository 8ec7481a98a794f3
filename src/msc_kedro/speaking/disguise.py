"""Further speakers out of one voice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from msc_kedro.speaking.synthesizer import (
    Gender,
    Habits,
    Identity,
    Manner,
    PlainVoice,
    Reach,
    Speech,
    speak,
)

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Disguise:
    """A speaker made of another voice: another usual pitch and another vocal tract.

    Args:
        voice: the voice it is made of; its networks are shared, not loaded again.
        name: of the new speaker.
        identity: what sets it apart, in every manner.
    """

    voice: PlainVoice
    name: str
    identity: Identity

    @property
    def base(self) -> str:
        """Name of the voice it is made of."""
        return self.voice.name

    @property
    def gender(self) -> Gender:
        """That of the voice it is made of."""
        return self.voice.gender

    @property
    def habits(self) -> Habits:
        """Those of the voice it is made of, in the new speaker's usual manner."""
        usual, own = self.voice.habits, self.identity
        shift = 2 ** (own.semitones / 12)
        return Habits(
            pitch_hz=usual.pitch_hz * shift,
            pitch_std_hz=usual.pitch_std_hz * shift * own.range,
            phonemes_per_s=usual.phonemes_per_s * own.rate,
        )

    @property
    def reach(self) -> Reach:
        """As far as the voice it is made of goes, seen from the new speaker's usual manner."""
        usual, own = self.voice.reach, self.identity
        low, high = usual.semitones
        slow, fast = usual.rate
        flat, lively = usual.range
        return Reach(
            semitones=(low - own.semitones, high - own.semitones),
            rate=(slow / own.rate, fast / own.rate),
            range=(flat / own.range, lively / own.range),
        )

    def __call__(self, text: str, *, manner: Manner, seed: int = 0) -> Speech:
        """Speak `text` in a manner (see `Synthesizer`)."""
        return speak(self.voice, text, manner=manner, identity=self.identity, seed=seed)


def cast_voices(
    people: Mapping[str, tuple[Gender, Identity]], *, female: PlainVoice, male: PlainVoice
) -> dict[str, Disguise]:
    """A speaker for each person, made of the voice of their gender.

    Args:
        people: gender and identity by name.
        female: the voice of women.
        male: the voice of men.

    Returns:
        The speakers by the same names; their own names say which voice they are made of.
    """
    bases: dict[Gender, PlainVoice] = {"female": female, "male": male}
    return {
        name: Disguise(bases[gender], f"{bases[gender].name}-{name.lower()}", identity)
        for name, (gender, identity) in people.items()
    }
