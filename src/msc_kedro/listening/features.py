"""Sound features of utterances, written as a shard."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from msc_kedro.execution.ragged import Ragged, write_shard
from msc_kedro.media.sound import read_span

if TYPE_CHECKING:
    from msc_kedro.listening.whisper_features import WhisperFeatures


def write_sound_shard(
    file: Path,
    utterances: Sequence[tuple[str, Path, float, float]],
    *,
    encode: WhisperFeatures,
) -> None:
    """Encode the sound of utterances and write it as one shard.

    Args:
        file: where to write.
        utterances: (id, 16 kHz mono file, start_s, end_s).
        encode: list of float32 [n] at 16 kHz to list of float32 [t, d].
    """
    import numpy as np

    sounds = [read_span(path, start, end)[0] for _, path, start, end in utterances]
    vectors = encode(sounds)
    rows = {
        identity: Ragged(
            values, ((np.arange(len(values)) + 0.5) / encode.vectors_per_s).astype(np.float32)
        )
        for (identity, *_), values in zip(utterances, vectors, strict=True)
    }
    write_shard(file, rows)
