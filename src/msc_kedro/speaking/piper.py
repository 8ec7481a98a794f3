"""The embedded male voice: Piper's en_US joe (MIT, its recordings CC0), 22.05 kHz.

The network is run as it is, with onnxruntime; the text front end is hibari's (see `phonemes`).
VITS: Kim, Kong, Son: Conditional variational autoencoder with adversarial learning for end-to-end
text-to-speech, ICML 2021.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from msc_kedro.errors import MscKedroError
from msc_kedro.speaking.phonemes import piper_ids, piper_phonemes
from msc_kedro.speaking.synthesizer import Gender, Habits, Identity, Manner, Reach, Speech, speak

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

MODEL_FILE = "en_US-joe-medium.onnx"
# Means over 16 everyday sentences, with the measures of `listening` (swift-f0, voice activity).
HABITS = Habits(pitch_hz=90.4, pitch_std_hz=15.3, phonemes_per_s=17.4)
# At its upper corner Whisper tiny.en misread 10 % of the words of those sentences.
REACH = Reach(semitones=(-5.0, 11.5), rate=(0.4, 1.5), range=(0.3, 3.0))
NATIVE_RATE = (0.4, 1.6)
# The network draws its noise inside the graph, out of reach of a seed per call: two calls would
# differ. Without noise the same text gives the same samples.
NOISE_SCALE = 0.0
DURATION_NOISE = 0.0
PAUSE_S = 0.2  # between sentences
# The network rounds each sound up to whole frames, so a part of the length does not follow the
# length scale. Measured on 16 sentences at rates 0.6 to 1.7 (linear fit of length against scale).
SCALED_PART = 0.79
SHORTEST_STRETCH = 0.3


class PiperVoice:
    """A male American voice. Loads in about a second; speaks about 20 times real time.

    Args:
        folder: holds `en_US-joe-medium.onnx` and `en_US-joe-medium.onnx.json`.

    Raises:
        MscKedroError: when the folder lacks the model or its settings.
    """

    name = "joe"
    gender: Gender = "male"
    habits = HABITS
    reach = REACH
    native_rate = NATIVE_RATE

    def __init__(self, folder: Path) -> None:
        """Load the network; the dictionaries of the text front end load with the first text."""
        import onnxruntime
        from hibari.g2p import G2P
        from hibari.tts import Hibari

        model, settings = folder / MODEL_FILE, folder / f"{MODEL_FILE}.json"
        for path in (model, settings):
            if not path.is_file():
                raise MscKedroError(
                    f"The male voice lacks a file: {path} was not found. "
                    "Fetch it with `kedro models fetch`."
                )
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(
            str(model), options, providers=["CPUExecutionProvider"]
        )
        facts = json.loads(settings.read_text(encoding="utf-8"))
        self._id_map: dict[str, list[int]] = facts["phoneme_id_map"]
        self._sample_rate: int = facts["audio"]["sample_rate"]
        self._length_scale: float = facts["inference"]["length_scale"]
        self._sentences = Hibari.split_sentences
        self._phonemize = G2P()

    def plain(self, text: str, *, rate: float, seed: int = 0) -> Speech:
        """Speak `text` at `rate` times the usual pace. No noise is drawn, so `seed` is not used."""
        import numpy as np

        spoken: list[NDArray[np.float32]] = []
        for sentence in self._sentences(text):
            phonemes = piper_phonemes(self._phonemize(sentence))
            if not any(sound.isalpha() for sound in phonemes):
                continue
            if spoken:
                spoken.append(np.zeros(round(PAUSE_S / rate * self._sample_rate), np.float32))
            spoken.append(self._say(phonemes, rate))
        if not spoken:
            raise MscKedroError(f"There is nothing to say in {text!r}: give it words.")
        samples = np.clip(np.concatenate(spoken), -1, 1)
        return Speech(samples=samples, sample_rate=self._sample_rate)

    def __call__(self, text: str, *, manner: Manner, seed: int = 0) -> Speech:
        """Speak `text` in a manner (see `Synthesizer`)."""
        return speak(self, text, manner=manner, identity=Identity(), seed=seed)

    def _say(self, phonemes: str, rate: float) -> NDArray[np.float32]:
        import numpy as np

        ids = np.array([piper_ids(phonemes, self._id_map)], np.int64)
        stretch = (1 / rate - (1 - SCALED_PART)) / SCALED_PART
        scale = self._length_scale * max(stretch, SHORTEST_STRETCH)
        scales = np.array([NOISE_SCALE, scale, DURATION_NOISE], np.float32)
        lengths = np.array([ids.shape[1]], np.int64)
        feed = {"input": ids, "input_lengths": lengths, "scales": scales}
        return self._session.run(None, feed)[0].reshape(-1)
