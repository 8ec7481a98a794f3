"""Speech in a recording of any length, heard in stretches that fit into memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from msc_kedro.media.sound import read_span

if TYPE_CHECKING:
    import numpy as np

Span = tuple[float, float]  # start and end in seconds

_STRETCH_S = 120.0  # 8 MB of samples, and three times that in the detector
_QUIET_S = 0.4  # how long a pause must be for a stretch to end in it
_BEFORE_S = 1.0  # of a longer pause heard again before what comes after it


def speech_in(
    sound: Path,
    duration_s: float,
    detect: Callable[[np.ndarray], Sequence[Span]],
    *,
    stretch_s: float = _STRETCH_S,
) -> list[Span]:
    """Spans in which somebody speaks, in order.

    A stretch ends in its last pause, and what comes after that is heard again with the next one.
    Where it has none, speech that goes on over its end is one span.

    Args:
        sound: FLAC or WAV file, 16 kHz.
        duration_s: how much of it to hear, from the beginning.
        detect: float32 [n] to spans of speech within it, in order.
        stretch_s: how much is heard at a time.
    """
    found: list[Span] = []
    start_s, in_speech = 0.0, False  # and whether somebody speaks there
    while start_s < duration_s:
        end_s = min(start_s + stretch_s, duration_s)
        samples, _ = read_span(sound, start_s, end_s)
        spans = [(start_s + begin, start_s + end) for begin, end in detect(samples)]
        if in_speech and spans and spans[0][0] - start_s < _QUIET_S:
            spans[0] = (found.pop()[0], spans[0][1])
        cut_s = None if end_s == duration_s else _last_pause(spans, start_s, end_s)
        in_speech = cut_s is None and bool(spans)
        start_s = end_s if cut_s is None else cut_s
        found += [span for span in spans if span[0] < start_s]
    return found


def _last_pause(spans: Sequence[Span], start_s: float, end_s: float) -> float | None:
    """A place in the last pause of a stretch, or None where it has none after its first speech."""
    ends = [end for _, end in spans] or [start_s]
    begins = [*(begin for begin, _ in spans[1:]), end_s]
    for before, after in zip(reversed(ends), reversed(begins), strict=True):
        if after - before >= _QUIET_S:
            return max((before + after) / 2, after - _BEFORE_S)
    return None
