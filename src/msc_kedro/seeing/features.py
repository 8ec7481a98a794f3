"""Picture features of utterances, one pass over each video."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

from msc_kedro.execution.ragged import Ragged, write_shard
from msc_kedro.media.pictures import frame_times, read_frames
from msc_kedro.seeing.mobilenet import MobileNetV2

_BATCH = 64  # pictures held at a time


def write_picture_shard(
    file: Path,
    utterances: Sequence[tuple[str, Path, float, float]],
    *,
    encode: MobileNetV2,
    frames_per_s: float,
) -> None:
    """Encode the frames of utterances and write them as one shard.

    Args:
        file: where to write.
        utterances: (id, video, start_s, end_s), those of one video next to each other.
        encode: pictures to float32 [f, d].
        frames_per_s: how many pictures of each second.

    Raises:
        UnreadableMediaError: a video cannot be decoded.
    """
    import numpy as np

    rows: dict[str, Ragged] = {}
    for video, group in groupby(utterances, key=lambda utterance: utterance[1]):
        spans = [(identity, start, end) for identity, _, start, end in group]
        times = [frame_times(start, end, fps=frames_per_s) for _, start, end in spans]
        flat = [time for span in times for time in span]
        vectors = np.zeros((len(flat), encode.width), np.float32)
        batch: list[tuple[int, np.ndarray]] = []

        def flush(batch: list = batch, vectors: np.ndarray = vectors) -> None:
            vectors[[index for index, _ in batch]] = encode([picture for _, picture in batch])
            batch.clear()

        for item in read_frames(video, flat, short_side=encode.short_side):
            batch.append(item)
            if len(batch) == _BATCH:
                flush()
        if batch:
            flush()
        first = 0
        for (identity, start, _), span in zip(spans, times, strict=True):
            last = first + len(span)
            rows[identity] = Ragged(vectors[first:last], np.asarray(span, np.float32) - start)
            first = last
    write_shard(file, rows)
