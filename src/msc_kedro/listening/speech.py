"""Where somebody speaks: Silero VAD, as it comes inside faster-whisper."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

_RATE = 16_000


class SpeechDetector:
    """Sound to spans of speech.

    Args:
        min_silence_s: a shorter pause does not end a span.
        pad_s: added before and after each span.
    """

    def __init__(self, *, min_silence_s: float = 0.5, pad_s: float = 0.1) -> None:
        self._min_silence_s, self._pad_s = min_silence_s, pad_s

    def __call__(self, samples: np.ndarray) -> list[tuple[float, float]]:
        """Spans of speech in seconds, in order.

        Args:
            samples: float32 [n] mono at 16 kHz.
        """
        from faster_whisper.vad import VadOptions, get_speech_timestamps

        options = VadOptions(
            min_silence_duration_ms=round(self._min_silence_s * 1000),
            speech_pad_ms=round(self._pad_s * 1000),
        )
        found = get_speech_timestamps(samples, options, sampling_rate=_RATE)
        return [(span["start"] / _RATE, span["end"] / _RATE) for span in found]
