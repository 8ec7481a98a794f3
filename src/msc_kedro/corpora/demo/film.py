"""The pictures of a dialogue and the file that holds pictures and sound."""

from __future__ import annotations

import functools
import io
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from msc_kedro.corpora.demo.backdrops import HEIGHT, PLACES, WIDTH, draw_backdrop
from msc_kedro.corpora.demo.faces import MOUTHS, draw_head

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from msc_kedro.corpora.demo.moods import Expression
    from msc_kedro.corpora.demo.shots import Shot
    from msc_kedro.corpora.demo.sound import Track, Voices


@dataclass(frozen=True)
class Face:
    """A person's opening of the mouth (0..MOUTHS - 1) and expression in each picture."""

    mouths: tuple[int, ...]
    expressions: tuple[Expression, ...]


def act(
    voices: Voices,
    turns: Sequence[tuple[int, Expression]],
    *,
    pictures: int,
    fps: Fraction,
) -> Face:
    """What a face does all through a dialogue, whether it is seen or not.

    The mouth follows the loudness of the turns while a picture is shown; the loudest twentieth of
    a turn opens it wide. Half way from one turn to the next the expression changes to the next's.

    Args:
        voices: what is said.
        turns: which turns are this person's, in order, with their expressions.
        pictures: their number.
        fps: pictures per second.
    """
    import numpy as np

    edges = np.array([int(p * voices.sample_rate / fps) for p in range(pictures + 1)])
    mouths = np.zeros(pictures, np.int64)
    expressions: list[Expression] = []
    for place, (turn, expression) in enumerate(turns):
        start, end = voices.spans[turn]
        first, last = np.searchsorted(edges, [start, end - 1], side="right") - 1
        last = min(last, pictures - 1)
        starts = np.maximum(edges[first : last + 1], start) - start
        power = np.add.reduceat(voices.turns[turn].astype(np.float64) ** 2, starts)
        loud = np.sqrt(power / np.diff(starts, append=end - start))
        share = np.clip(loud / np.quantile(loud, 0.95), 0, 1) ** 0.8
        mouths[first : last + 1] = np.rint(share * (MOUTHS - 1))
        if place + 1 < len(turns):
            half = (end + voices.spans[turns[place + 1][0]][0]) / 2
            until = int(half * fps / voices.sample_rate)
        else:
            until = pictures
        expressions += [expression] * (until - len(expressions))
    return Face(tuple(mouths.tolist()), tuple(expressions))


def pictures(shots: Iterable[Shot], faces: Mapping[str, Face]) -> Iterator[NDArray[np.uint8]]:
    """The pictures in order, RGB uint8 `[240, 320, 3]`; drawn as they are asked for."""
    import numpy as np

    for shot in shots:
        where = PLACES[shot.place] if shot.place else shot.heads[0].look.backdrop
        backdrop = draw_backdrop(where)
        draw = functools.cache(draw_head)  # what one shot needs, no more
        for place in range(shot.last - shot.first):
            picture = backdrop.copy()
            for head in shot.heads:
                face = faces[head.person]
                sprite = draw(
                    head.look,
                    face.expressions[shot.first + place],
                    mouth=face.mouths[shot.first + place],
                    lids=head.lids[place],
                )
                across, down = head.sway[place]
                corner = (sprite.left + across, sprite.top + down)
                picture.paste(sprite.image, corner, sprite.image)
            yield np.asarray(picture)


def encode(frames: Iterable[NDArray[np.uint8]], track: Track, *, fps: Fraction) -> bytes:
    """An MP4 file of the pictures (H.264) and the sound (AAC), as bytes.

    One encoder thread and no clock in the file, so that the same input gives the same bytes.
    """
    import av
    import numpy as np

    target = io.BytesIO()
    flags = {"fflags": "+bitexact"}
    with av.open(target, mode="w", format="mp4", container_options=flags) as file:
        video = file.add_stream(
            "libx264", rate=fps, options={"preset": "veryfast", "crf": "21", "bf": "0"}
        )
        video.width, video.height, video.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        video.codec_context.thread_count = 1
        video.codec_context.time_base = 1 / fps
        audio = file.add_stream("aac", rate=track.sample_rate, layout="mono", bit_rate=96_000)
        audio.codec_context.thread_count = 1
        done, step = 0, audio.codec_context.frame_size or 1024

        def sound_until(sample: int) -> None:
            nonlocal done
            while done < min(sample, len(track.samples)):
                piece = np.ascontiguousarray(track.samples[done : done + step])[None, :]
                frame = av.AudioFrame.from_ndarray(piece, format="fltp", layout="mono")
                frame.sample_rate, frame.pts = track.sample_rate, done
                frame.time_base = Fraction(1, track.sample_rate)
                file.mux(audio.encode(frame))
                done += piece.shape[1]

        for place, picture in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = place, 1 / fps
            file.mux(video.encode(frame))
            sound_until(int((place + 1) / fps * track.sample_rate))
        sound_until(len(track.samples))
        file.mux(video.encode(None))
        file.mux(audio.encode(None))
    return target.getvalue()
