"""Picture features of utterances, one pass over each video."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from itertools import groupby, islice
from pathlib import Path
from typing import TYPE_CHECKING

from msc_kedro.execution.ragged import Ragged, write_shard
from msc_kedro.media.pictures import frame_times, read_frames
from msc_kedro.media.probe import UnreadableMediaError
from msc_kedro.seeing.mobilenet import MobileNetV2

if TYPE_CHECKING:
    import numpy as np

log = logging.getLogger(__name__)

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

    Utterances of a video whose pictures cannot be decoded are left out: they have sound alone.
    """
    import numpy as np

    rows: dict[str, Ragged] = {}
    for video, group in groupby(utterances, key=lambda utterance: utterance[1]):
        spans = [(identity, start, end) for identity, _, start, end in group]
        times = [frame_times(start, end, fps=frames_per_s) for _, start, end in spans]
        try:
            vectors = _encoded(video, [time for span in times for time in span], encode)
        except UnreadableMediaError as error:
            log.warning("%s: %s; what is said in it has sound alone", video.name, error)
            continue
        first = 0
        for (identity, start, _), span in zip(spans, times, strict=True):
            last = first + len(span)
            rows[identity] = Ragged(vectors[first:last], np.asarray(span, np.float32) - start)
            first = last
    write_shard(file, rows)


def _encoded(video: Path, times_s: Sequence[float], encode: MobileNetV2) -> np.ndarray:
    """The pictures at some times of a video as float32 [f, d], few of them held at a time."""
    import numpy as np

    vectors: np.ndarray = np.zeros((len(times_s), encode.width), np.float32)
    frames = read_frames(video, times_s, short_side=encode.short_side)
    while batch := list(islice(frames, _BATCH)):
        vectors[[index for index, _ in batch]] = encode([picture for _, picture in batch])
    return vectors
