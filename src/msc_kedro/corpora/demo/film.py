"""The pictures of a dialogue and the file that holds pictures and sound."""

from __future__ import annotations

import functools
import io
import itertools
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from msc_kedro.corpora.demo.faces import LIDS, LOOKS, MOUTHS, draw_head
from msc_kedro.corpora.demo.rooms import HEIGHT, WIDTH, draw_room
from msc_kedro.corpora.demo.sound import loudness

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from msc_kedro.corpora.demo.moods import Expression
    from msc_kedro.corpora.demo.sound import Track

BLINK_EVERY_S = (1.8, 4.5)
BLINK_S = 0.2
SWAY_PIXELS = (4.0, 1.5)  # sideways and down
SWAY_S = 3.1  # one sway to and fro


@dataclass(frozen=True)
class Shot:
    """A person on screen from one picture to before another; speaks within the sample span."""

    speaker: str
    expression: Expression
    first: int
    last: int
    speech: tuple[int, int]


def shots_of(
    track: Track,
    cast: Sequence[tuple[str, Expression]],
    *,
    fps: Fraction,
    random: np.random.Generator,
) -> list[Shot]:
    """One shot per turn; each cut falls on a picture in the middle third of the gap."""
    frames = int(track.duration_s * fps)
    cuts = [0]
    for (_, end), (start, _) in itertools.pairwise(track.spans):
        place = end + (start - end) * float(random.uniform(1 / 3, 2 / 3))
        cuts.append(round(place / track.sample_rate * fps))
    cuts.append(frames)
    return [
        Shot(speaker, expression, first, last, speech)
        for (speaker, expression), first, last, speech in zip(
            cast, cuts, cuts[1:], track.spans, strict=False
        )
    ]


def pictures(
    shots: Iterable[Shot], track: Track, *, fps: Fraction, random: np.random.Generator
) -> Iterator[NDArray[np.uint8]]:
    """The pictures in order, RGB uint8 `[240, 320, 3]`; drawn as they are asked for."""
    import numpy as np

    for shot in shots:
        look = LOOKS[shot.speaker]
        room = draw_room(look.scene, *look.room)
        head = functools.cache(
            functools.partial(draw_head, look, shot.expression)  # what one shot needs, no more
        )
        mouths = openings(shot, track, fps=fps)
        lids = blinks(shot.last - shot.first, fps=fps, random=random)
        phase = float(random.uniform(0, 2 * np.pi))
        for place, (mouth, lid) in enumerate(zip(mouths, lids, strict=True)):
            angle = phase + 2 * np.pi * float(place / fps) / SWAY_S
            sideways = round(SWAY_PIXELS[0] * np.sin(angle))
            down = round(SWAY_PIXELS[1] * (1 + np.sin(1.7 * angle)))
            picture = room.copy()
            sprite = head(mouth=int(mouth), lids=int(lid))
            picture.paste(sprite, (sideways, down), sprite)
            yield np.asarray(picture)


def openings(shot: Shot, track: Track, *, fps: Fraction) -> NDArray[np.int64]:
    """Opening of the mouth in each picture of a shot, `[frames]` in 0..MOUTHS - 1.

    It follows the loudness of the speech while the picture is shown; the loudest twentieth of the
    turn opens it wide.
    """
    import numpy as np

    start, end = shot.speech
    voice = np.zeros_like(track.samples)
    voice[start:end] = track.samples[start:end]
    edges = [int(place / fps * track.sample_rate) for place in range(shot.first, shot.last + 1)]
    loud = np.array(
        [
            loudness(voice[left:right], max(1, right - left)).max(initial=0.0)
            for left, right in itertools.pairwise(edges)
        ]
    )
    speaking = loud[loud > 0]
    if len(speaking) == 0:
        return np.zeros(len(loud), np.int64)
    share = np.clip(loud / np.quantile(speaking, 0.95), 0, 1) ** 0.8
    return np.rint(share * (MOUTHS - 1)).astype(np.int64)


def blinks(frames: int, *, fps: Fraction, random: np.random.Generator) -> NDArray[np.int64]:
    """State of the lids in each picture of a shot, `[frames]`: 0 open, 1 half, 2 shut."""
    import numpy as np

    lids = np.zeros(frames, np.int64)
    time_s = float(random.uniform(0.5, BLINK_EVERY_S[1] / 2))
    while time_s * fps < frames:
        first = round(time_s * fps)
        length = max(3, round(BLINK_S * fps))
        for step in range(min(length, frames - first)):
            at_edge = step in (0, length - 1)
            lids[first + step] = 1 if at_edge else LIDS - 1
        time_s += float(random.uniform(*BLINK_EVERY_S))
    return lids


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
