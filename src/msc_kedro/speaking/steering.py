"""From the levels of a description to a voice and what is done to it.

A level names an interval in physical units (`msc_kedro.voice.bins`). The target is its middle; the
manner is the target relative to what the voice does when left alone, held within what it does well.
So two levels beyond a voice's reach may sound alike, and the measured level tells.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from msc_kedro.errors import MscKedroError
from msc_kedro.voice.bins import published
from msc_kedro.voice.manner import Manner

if TYPE_CHECKING:
    from collections.abc import Mapping

    from msc_kedro.voice.bins import Scales
    from msc_kedro.voice.grammar import VoiceLevels
    from msc_kedro.voice.manner import Gender, Synthesizer


def voice_for(
    levels: VoiceLevels, voices: Mapping[Gender, Synthesizer], *, otherwise: Gender = "female"
) -> Synthesizer:
    """The voice of the gender that is asked for.

    Args:
        levels: what the description says.
        voices: a voice per gender.
        otherwise: the gender where the description says none.

    Raises:
        MscKedroError: when there is no voice of that gender.
    """
    gender: Any = levels.gender or otherwise
    if gender not in voices:
        raise MscKedroError(
            f"A {gender} voice is asked for; the voices given are {', '.join(voices) or 'none'}."
        )
    return voices[gender]


def manner_for(levels: VoiceLevels, voice: Synthesizer, scales: Scales | None = None) -> Manner:
    """What to do to `voice` for it to sound as the levels say; what is None stays as usual.

    Pitch levels are read with the edges of the voice's own gender.

    Args:
        levels: what the description says.
        voice: who is to speak.
        scales: the levels' words and edges; by default data-speech's.
    """
    interval = (scales or published()).interval
    habits, reach = voice.habits, voice.reach
    semitones, rate, spread = 0.0, 1.0, 1.0
    if levels.pitch is not None:
        target_hz = _middle(interval("pitch", levels.pitch, gender=voice.gender))
        semitones = _held(12 * math.log2(target_hz / habits.pitch_hz), reach.semitones)
    if levels.pace is not None:
        target = _middle(interval("pace", levels.pace))
        rate = _held(target / habits.phonemes_per_s, reach.rate)
    if levels.monotony is not None:
        # In Hz, the usual liveliness of a voice grows and falls with its pitch.
        usual_hz = habits.pitch_std_hz * 2 ** (semitones / 12)
        spread = _held(_middle(interval("monotony", levels.monotony)) / usual_hz, reach.range)
    return Manner(semitones=round(semitones, 3), rate=round(rate, 3), range=round(spread, 3))


def _middle(edges: tuple[float, float]) -> float:
    return (edges[0] + edges[1]) / 2


def _held(value: float, bounds: tuple[float, float]) -> float:
    return min(max(value, bounds[0]), bounds[1])
