"""Where people speak at the same time, and where one gives way to another.

By a network that hears who speaks in a window: segmentation-3.0 (Plaquet & Bredin, Interspeech
2023) gives each frame of 10 s a probability for every set of at most two of three speakers. Who
they are differs from window to window. How many speak does not, so windows are averaged for that;
and for a change the window is asked that has it nearest to its middle. Nobody is known again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from msc_kedro.listening.sound import SAMPLE_RATE, as_mono
from msc_kedro.media.sound import read_span

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray
    from pyannote.audio import Model

Span = tuple[float, float]  # start and end in seconds

STEP = 0.5  # of a window: each moment is heard twice
_AT_ONCE = 8  # windows
_HEARD = 0.5  # probability from which two speak
# One clearly gives way to another: the one is heard so long, then, after no more than a gap, the
# other. So careful that it parts no sentence of one speaker: docs/dataset-quality.md.
_CLEAR, _LEAST_S, _GAP_S = 0.7, 0.25, 0.5
_STRETCH_S, _MARGIN_S = 120.0, 5.0


@dataclass(frozen=True)
class TurnTaking:
    """Spans in which two or more people speak, and times at which one gives way; in order."""

    overlaps: tuple[Span, ...]
    changes_s: tuple[float, ...]


def turn_taking(network: Model, samples: ArrayLike, *, step: float = STEP) -> TurnTaking:
    """Overlaps and changes of speaker, exact to a frame of the network (17 ms).

    Args:
        network: whose classes are sets of speakers (a powerset), over windows of one length.
        samples: mono [n] in [-1, 1] at 16 kHz.
        step: hop of the windows, as a share of their length.
    """

    sound = as_mono(samples)
    if not sound.any():
        return TurnTaking((), ())
    field = network.receptive_field
    length_s = sound.size / SAMPLE_RATE
    # A frame stands for the time nearer to its middle than to any other frame's.
    first_s = field.start + field.duration / 2 - field.step / 2
    probabilities, hop = _windows(network, sound, step)
    sets = _speakers_of_classes(network)
    several = _averaged(probabilities[..., sets.sum(1) >= 2].sum(-1), hop)
    overlaps = [
        (max(0.0, first_s + begin * field.step), min(length_s, first_s + end * field.step))
        for begin, end in _runs(several >= _HEARD)
    ]
    active = probabilities @ sets  # [windows, frames, speakers]
    changes: list[float] = []
    count = active.shape[1]
    edges = (count - hop) // 2, (count + hop) // 2  # what lies nearest to a window's middle
    for place, window in enumerate(active):
        low = 0 if place == 0 else edges[0]
        high = count if place == len(active) - 1 else edges[1]
        changes += [
            first_s + (place * hop + at) * field.step
            for at in _handovers(window, field.step)
            if low <= at < high
        ]
    return TurnTaking(
        tuple((begin, end) for begin, end in overlaps if end > begin),
        tuple(change for change in changes if 0 < change < length_s),
    )


def _windows(
    network: Model, sound: NDArray[np.float32], step: float
) -> tuple[NDArray[np.float64], int]:
    """Probabilities [windows, frames, classes], and by how many frames the windows hop."""
    import numpy as np
    import torch

    size = round(next(iter(network.specifications)).duration * SAMPLE_RATE)
    frame = round(network.receptive_field.step * SAMPLE_RATE)
    hop = max(1, round(step * size / frame))  # whole frames: those of windows fall together
    starts = range(0, max(sound.size - size + hop * frame, 1), hop * frame)
    windows = np.zeros((len(starts), 1, size), np.float32)
    for place, start in enumerate(starts):
        piece = sound[start : start + size]
        windows[place, 0, : piece.size] = piece
    heard = []
    with torch.inference_mode():
        for begin in range(0, len(windows), _AT_ONCE):
            batch = torch.from_numpy(windows[begin : begin + _AT_ONCE]).to(network.device)
            heard.append(network(batch).exp().cpu().numpy())
    return np.concatenate(heard).astype(np.float64), hop


def _averaged(values: NDArray[np.float64], hop: int) -> NDArray[np.float64]:
    """Values of windows [windows, frames] on one clock [frames]; those near an end count less."""
    import numpy as np

    count = values.shape[1]
    weight = np.minimum(np.arange(count) + 1, count - np.arange(count)).astype(np.float64)
    total, weights = (np.zeros((len(values) - 1) * hop + count) for _ in range(2))
    for place, window in enumerate(values):
        at = slice(place * hop, place * hop + count)
        total[at] += weight * window
        weights[at] += weight
    return total / np.maximum(weights, 1.0)


def _speakers_of_classes(network: Model) -> NDArray[np.float64]:
    """Which speakers speak in each class: 0 or 1, [classes, speakers]."""
    import numpy as np
    from pyannote.audio.utils.powerset import Powerset

    told = next(iter(network.specifications))
    sets = Powerset(len(told.classes), told.powerset_max_classes).mapping
    return np.asarray(sets.numpy(), dtype=np.float64)


def _runs(on: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Begin and end of each stretch of True."""
    import numpy as np

    padded = np.concatenate([[False], on, [False]])
    edges: list[list[int]] = np.flatnonzero(padded[1:] != padded[:-1]).reshape(-1, 2).tolist()
    return [(begin, end) for begin, end in edges]


def _handovers(active: NDArray[np.float64], frame_s: float) -> list[int]:
    """Frames at which one speaker clearly gives way to another, of a window [frames, speakers]."""
    alone: list[tuple[int, int, int]] = []
    for speaker in range(active.shape[1]):
        others = active.copy()
        others[:, speaker] = 0
        only = (active[:, speaker] >= _CLEAR) & (others.max(axis=1) <= 1 - _CLEAR)
        alone += [
            (begin, end, speaker)
            for begin, end in _runs(only)
            if (end - begin) * frame_s >= _LEAST_S
        ]
    return [
        (one[1] + other[0]) // 2
        for one, other in pairwise(sorted(alone))
        if one[2] != other[2] and (other[0] - one[1]) * frame_s <= _GAP_S
    ]


def turn_taking_in(
    sound: Path,
    span: Span,
    hear: Callable[[np.ndarray], TurnTaking],
    *,
    stretch_s: float = _STRETCH_S,
) -> TurnTaking:
    """Overlaps and changes in a part of a recording, on its own clock.

    Heard in stretches with some seconds around each, so that memory does not grow with the length.

    Args:
        sound: FLAC or WAV file, 16 kHz.
        span: which part of it.
        hear: float32 [n] to what happens in it.
        stretch_s: how much is heard at a time.
    """
    overlaps: list[Span] = []
    changes: list[float] = []
    start_s = span[0]
    while start_s < span[1]:
        end_s = min(start_s + stretch_s, span[1])
        before_s, after_s = max(span[0], start_s - _MARGIN_S), min(span[1], end_s + _MARGIN_S)
        found = hear(read_span(sound, before_s, after_s)[0])
        overlaps += [
            (max(before_s + begin, start_s), min(before_s + end, end_s))
            for begin, end in found.overlaps
        ]
        changes += [
            before_s + change for change in found.changes_s if start_s <= before_s + change < end_s
        ]
        start_s = end_s
    return TurnTaking(joined_spans(one for one in overlaps if one[1] > one[0]), tuple(changes))


def joined_spans(spans: Iterable[Span]) -> tuple[Span, ...]:
    """Spans in order, those that touch or overlap as one."""
    made: list[Span] = []
    for begin, end in sorted(spans):
        if made and begin <= made[-1][1] + 1e-9:
            made[-1] = (made[-1][0], max(made[-1][1], end))
        else:
            made.append((begin, end))
    return tuple(made)


def shared_s(span: Span, spans: Sequence[Span]) -> float:
    """How many seconds of a span lie in others, which do not overlap each other."""
    return sum(max(0.0, min(span[1], end) - max(span[0], begin)) for begin, end in spans)
