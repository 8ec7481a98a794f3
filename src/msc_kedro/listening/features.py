"""Sound features of utterances: read ahead, encoded across utterances."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from msc_kedro.execution.ragged import Ragged
from msc_kedro.media.sound import read_span

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


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
    """Features of utterances, all in one call, so that the encoder can group them by length.

    Args:
        utterances: in the order of what was read.
        read: their sounds, in any portions.
        encode: sounds to vectors.

    Returns:
        By utterance id float32 [t, width] and the times of the vectors since its beginning.
    """
    import numpy as np

    vectors = encode([sound for portion in read for sound in portion])
    return {
        one.utterance_id: Ragged(
            values, ((np.arange(len(values)) + 0.5) / encode.vectors_per_s).astype(np.float32)
        )
        for one, values in zip(utterances, vectors, strict=True)
    }
