"""Further speakers out of one voice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from msc_kedro.speaking.synthesizer import Gender, Habits, Identity, Manner, PlainVoice, Speech
from msc_kedro.speaking.world import reshape

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Disguise:
    """A speaker made of another voice: another usual pitch and another vocal tract.

    Args:
        voice: the voice it is made of; its networks are shared, not loaded again.
        name: of the new speaker.
        identity: what sets it apart, in every manner.
        rate: usual pace of the new speaker, as a factor of the voice's.
    """

    voice: PlainVoice
    name: str
    identity: Identity
    rate: float = 1.0

    @property
    def gender(self) -> Gender:
        """That of the voice it is made of."""
        return self.voice.gender

    @property
    def habits(self) -> Habits:
        """Those of the voice it is made of, at its own pitch and pace."""
        shift = 2 ** (self.identity.semitones / 12)
        usual = self.voice.habits
        return Habits(
            pitch_hz=usual.pitch_hz * shift,
            pitch_std_hz=usual.pitch_std_hz * shift,
            phonemes_per_s=usual.phonemes_per_s * self.rate,
        )

    def __call__(self, text: str, *, manner: Manner, seed: int = 0) -> Speech:
        """Speak `text` in a manner (see `Synthesizer`)."""
        speech = self.voice.plain(text, rate=manner.rate * self.rate, seed=seed)
        return reshape(speech, manner=manner, identity=self.identity)


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
