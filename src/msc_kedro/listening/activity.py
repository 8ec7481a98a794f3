"""Where there is speech: silero's voice activity, as faster-whisper carries it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msc_kedro.listening.sound import SAMPLE_RATE, as_mono

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


def speech_spans(
    samples: ArrayLike,
    *,
    threshold: float = 0.3,
    min_pause_s: float = 0.15,
    margin_s: float = 0.03,
) -> list[tuple[float, float]]:
    """Spans of speech (start, end) in seconds, in order.

    The threshold is below silero's own 0.5: what comes here is known to hold speech mostly, and
    lively or quiet stretches of it fall through at 0.5.

    Args:
        samples: mono [n] in [-1, 1] at 16 kHz.
        threshold: probability from which a frame is speech.
        min_pause_s: shorter pauses do not part spans.
        margin_s: added on both sides.
    """
    from faster_whisper.vad import VadOptions, get_speech_timestamps

    sound = as_mono(samples)
    if sound.size == 0 or not sound.any():
        return []
    options = VadOptions(
        threshold=threshold,
        min_silence_duration_ms=round(min_pause_s * 1000),
        speech_pad_ms=round(margin_s * 1000),
        min_speech_duration_ms=60,
    )
    return [
        (max(0, span["start"]) / SAMPLE_RATE, min(sound.size, span["end"]) / SAMPLE_RATE)
        for span in get_speech_timestamps(sound, options)
    ]


class SpeechDetector:
    """`speech_spans` as a model of the catalog, for sound that may hold no speech at all.

    Args:
        threshold: probability from which a frame is speech; silero's own.
        min_pause_s: shorter pauses do not part spans.
        margin_s: added on both sides.
    """

    def __init__(
        self, *, threshold: float = 0.5, min_pause_s: float = 0.5, margin_s: float = 0.1
    ) -> None:
        self._options = {
            "threshold": threshold,
            "min_pause_s": min_pause_s,
            "margin_s": margin_s,
        }

    def __call__(self, samples: ArrayLike) -> list[tuple[float, float]]:
        """Spans of speech (start, end) in seconds, in order; samples are mono [n] at 16 kHz."""
        return speech_spans(samples, **self._options)
