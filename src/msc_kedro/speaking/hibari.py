"""The embedded female voice: hibari-tts (Apache-2.0), American English, 24 kHz."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msc_kedro.errors import MscKedroError
from msc_kedro.speaking.synthesizer import Gender, Habits, Identity, Manner, Reach, Speech, speak

if TYPE_CHECKING:
    from pathlib import Path

MODEL_FILE = "hibari.onnx"
# Means over 16 everyday sentences, with the measures of `listening` (swift-f0, voice activity).
HABITS = Habits(pitch_hz=203.7, pitch_std_hz=34.8, phonemes_per_s=17.9)
# Near its upper corner Whisper tiny.en misread 4 % of the words of those sentences.
REACH = Reach(semitones=(-8.0, 7.0), rate=(0.4, 1.5), range=(0.3, 2.5))
# The network counts a sound in frames of 12.5 ms. Asked to speak faster it changes little up to 1.3
# and then all at once, when most sounds go from three frames to two.
NATIVE_RATE = (0.4, 1.0)


class HibariVoice:
    """A female American voice. Loads in under a second; speaks about 100 times real time.

    Args:
        folder: holds `hibari.onnx`.

    Raises:
        MscKedroError: when the folder lacks the model.
    """

    name = "hibari"
    gender: Gender = "female"
    habits = HABITS
    reach = REACH
    native_rate = NATIVE_RATE

    def __init__(self, folder: Path) -> None:
        """Load the network; the dictionaries of the text front end load with the first text."""
        from hibari import Hibari

        model = folder / MODEL_FILE
        if not model.is_file():
            raise MscKedroError(
                f"The female voice lacks its model: {model} was not found. "
                "Fetch it with `kedro models fetch`."
            )
        self._hibari = Hibari(model=str(model))

    def plain(self, text: str, *, rate: float, seed: int = 0) -> Speech:
        """Speak `text` at `rate` times the usual pace; `seed` draws the breath noise."""
        if not any(sound.isalpha() for part in self._hibari.phonemize(text) for sound in part):
            raise MscKedroError(f"There is nothing to say in {text!r}: give it words.")
        samples = self._hibari(text, speed=rate, seed=seed)
        return Speech(samples=samples, sample_rate=self._hibari.sample_rate)

    def __call__(self, text: str, *, manner: Manner, seed: int = 0) -> Speech:
        """Speak `text` in a manner (see `Synthesizer`)."""
        return speak(self, text, manner=manner, identity=Identity(), seed=seed)
