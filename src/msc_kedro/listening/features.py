"""Sound features of utterances: read ahead, encoded across utterances."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from msc_kedro.execution.ragged import Ragged, narrowed
from msc_kedro.listening.sound import SAMPLE_RATE
from msc_kedro.media.sound import read_span

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


_CALL_S = 600.0  # sound and, as float32, its vectors that are held at a time


class AudioEncoder(Protocol):
    """Sound to `vectors_per_s` vectors of `width`. Neighbours in a call change no result."""

    width: int
    vectors_per_s: float

    def __call__(self, sounds: Sequence[np.ndarray], /) -> Sequence[NDArray[np.float32]]:
        """Mono float32 [n] in [-1, 1] at 16 kHz each to float32 [t, width] each."""
        ...


@dataclass(frozen=True)
class Heard:
    """An utterance: a span of a 16 kHz file, in seconds."""

    utterance_id: str
    sound: Path
    start_s: float
    end_s: float


def read_sounds(utterances: Sequence[Heard]) -> list[np.ndarray]:
    """Float32 [n] of each; all channels mixed to one."""
    return [read_span(one.sound, one.start_s, one.end_s)[0] for one in utterances]


def encode_sounds(
    utterances: Sequence[Heard], read: Iterable[Sequence[np.ndarray]], *, encode: AudioEncoder
) -> dict[str, Ragged]:
    """Features of utterances, many in one call, so that the encoder can group them by length.

    Args:
        utterances: in the order of what was read.
        read: their sounds, in any portions.
        encode: sounds to vectors.

    Returns:
        By utterance id float16 [t, width] and the times of the vectors since its beginning.
    """
    import numpy as np

    def vectors() -> Iterator[np.ndarray]:
        for together in _calls(read):
            yield from map(narrowed, encode(together))

    return {
        one.utterance_id: Ragged(
            values, ((np.arange(len(values)) + 0.5) / encode.vectors_per_s).astype(np.float32)
        )
        for one, values in zip(utterances, vectors(), strict=True)
    }


def _calls(read: Iterable[Sequence[np.ndarray]]) -> Iterator[list[np.ndarray]]:
    """Portions put together until they are as long as a call may be."""
    together: list[np.ndarray] = []
    for portion in read:
        together += portion
        if sum(map(len, together)) >= _CALL_S * SAMPLE_RATE:
            yield together
            together = []
    if together:
        yield together
