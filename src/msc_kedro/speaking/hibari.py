"""The embedded female voice: hibari-tts (Apache-2.0), American English, 24 kHz."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msc_kedro.errors import MscKedroError
from msc_kedro.speaking.synthesizer import Gender, Habits, Identity, Manner, Speech
from msc_kedro.speaking.world import reshape

if TYPE_CHECKING:
    from pathlib import Path

MODEL_FILE = "hibari.onnx"
HABITS = Habits(pitch_hz=190.0, pitch_std_hz=40.0, phonemes_per_s=13.0)


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
        samples = self._hibari(text, speed=rate, seed=seed)
        if len(samples) == 0:
            raise MscKedroError(f"There is nothing to say in {text!r}: give it words.")
        return Speech(samples=samples, sample_rate=self._hibari.sample_rate)

    def __call__(self, text: str, *, manner: Manner, seed: int = 0) -> Speech:
        """Speak `text` in a manner (see `Synthesizer`)."""
        speech = self.plain(text, rate=manner.rate, seed=seed)
        return reshape(speech, manner=manner, identity=Identity())
