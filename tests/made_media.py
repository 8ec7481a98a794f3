"""Small media files with known contents, written with PyAV."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np

RED, GREEN, BLUE, WHITE, BLACK = (
    (220, 30, 30),
    (30, 200, 40),
    (30, 40, 220),
    (240, 240, 240),
    (10, 10, 10),
)
COLOURS = (RED, GREEN, BLUE, WHITE, BLACK)
Colour = tuple[int, int, int]

RATE = 16_000
# Time base of the pictures, fine enough for variable rates; some codecs allow only coarse ones.
_TICKS = {"libx264": 120_000, "mpeg4": 60_000}


@dataclass(frozen=True)
class Sound:
    """Samples [channels, n] in [-1, 1], beginning at `start_s` on the file's clock."""

    samples: np.ndarray
    rate: int = RATE
    layout: str = "mono"
    start_s: float = 0.0
    codec: str = "aac"


def tone(seconds: float, *, hz: float = 440.0, rate: int = RATE, level: float = 0.5) -> np.ndarray:
    """A sine, float32 [n]."""
    time = np.arange(round(seconds * rate)) / rate
    return (level * np.sin(2 * np.pi * hz * time)).astype(np.float32)


def steady(colours: Sequence[Colour], *, each_s: float, fps: float | Fraction = 25) -> list:
    """Pictures (time, colour) at a steady rate, each colour for `each_s` seconds."""
    count = round(float(len(colours) * each_s * fps))
    times = [float(index / Fraction(fps)) for index in range(count)]
    return [(time, colours[int((time + 1e-6) / each_s)]) for time in times]


def write_media(
    path: Path,
    *,
    pictures: Sequence[tuple[float, Colour]] = (),
    sound: Sound | None = None,
    size: tuple[int, int] = (64, 48),
    codec: str = "mpeg4",
    fps: float | Fraction = 25,
    options: dict[str, str] | None = None,
) -> Path:
    """Write a file whose kind follows from its suffix.

    Args:
        pictures: (time in seconds, colour of the whole picture), in order.
        sound: one track, or none.
        size: width and height.
        codec: of the pictures.
        fps: the rate that the header names; the times decide when a picture is shown.
        options: of the container.
    """
    import av

    with av.open(str(path), "w", options=options or {}) as container:
        video = audio = None
        if pictures:
            video = container.add_stream(codec, rate=Fraction(fps))
            video.width, video.height = size
            video.pix_fmt = "yuv420p"
            video.codec_context.time_base = 1 / Fraction(_TICKS.get(codec, fps))
            video.codec_context.gop_size = 12
        if sound is not None:
            audio = container.add_stream(sound.codec, rate=sound.rate, layout=sound.layout)
        packets = []
        if video is not None:
            base = video.codec_context.time_base
            for time_s, colour in pictures:
                image = np.empty((size[1], size[0], 3), np.uint8)
                image[:] = colour
                frame = av.VideoFrame.from_ndarray(image, format="rgb24")
                frame.pts, frame.time_base = round(time_s / base), base
                packets += video.encode(frame)
            packets += video.encode(None)
        if audio is not None and sound is not None:
            packets += _sound_packets(audio, sound)
        for packet in packets:
            container.mux(packet)
    return path


def _sound_packets(stream: object, sound: Sound) -> list:
    import av

    samples = np.atleast_2d(sound.samples).astype(np.float32)
    context = stream.codec_context  # type: ignore[attr-defined]
    resampler = av.AudioResampler(format=context.format, layout=sound.layout, rate=sound.rate)
    step = context.frame_size or 1024
    packets = []
    for start in range(0, samples.shape[1], step):
        part = np.ascontiguousarray(samples[:, start : start + step])
        frame = av.AudioFrame.from_ndarray(part, format="fltp", layout=sound.layout)
        frame.sample_rate, frame.time_base = sound.rate, Fraction(1, sound.rate)
        frame.pts = round(sound.start_s * sound.rate) + start
        for ready in resampler.resample(frame):
            packets += stream.encode(ready)  # type: ignore[attr-defined]
    return packets + stream.encode(None)  # type: ignore[attr-defined]


def chords(seconds: float, *, rate: int = RATE) -> np.ndarray:
    """Music without a voice, float32 [n]: three notes with overtones, another chord each second."""
    progression = [(220, 277, 330), (294, 370, 440), (330, 415, 494), (196, 247, 294)]
    time = np.arange(round(seconds * rate)) / rate
    sound = np.zeros_like(time)
    for second in range(int(np.ceil(seconds))):
        own = (time >= second) & (time < second + 1)
        since = time[own] - second
        for hz in progression[second % len(progression)]:
            for overtone in (1, 2, 3):
                wave = np.sin(2 * np.pi * hz * overtone * since)
                sound[own] += 0.1 / overtone * np.exp(-2 * since) * wave
    return sound.astype(np.float32)


def surround(centre: np.ndarray) -> np.ndarray:
    """5.1 sound, float32 [6, n], that is in the middle of the front alone, as speech in films."""
    channels = np.zeros((6, len(centre)), np.float32)
    channels[2] = centre
    return channels


def cut_off(path: Path, target: Path, *, share: float) -> Path:
    """The first part of a file, as an interrupted copy leaves it."""
    content = path.read_bytes()
    target.write_bytes(content[: round(len(content) * share)])
    return target


def write_blind(path: Path, target: Path) -> Path:
    """A copy of a file, its pictures replaced by noise that nothing decodes; the sound is whole."""
    import av

    random = np.random.default_rng(0)
    with av.open(str(path)) as source, av.open(str(target), "w") as copy:
        streams = {s.index: copy.add_stream_from_template(s) for s in source.streams}
        for packet in source.demux():
            if packet.dts is None:
                continue
            stream = streams[packet.stream.index]
            if packet.stream.type == "video":
                noise = av.Packet(random.bytes(packet.size))
                noise.pts, noise.dts, noise.duration = packet.pts, packet.dts, packet.duration
                noise.time_base = packet.time_base
                packet = noise
            packet.stream = stream
            copy.mux(packet)
    return target


def nearest_colour(picture: np.ndarray) -> Colour:
    """Which of `COLOURS` a uint8 [height, width, 3] picture shows."""
    middle = picture[picture.shape[0] // 2, picture.shape[1] // 2].astype(int)
    return min(COLOURS, key=lambda colour: int(((middle - np.asarray(colour)) ** 2).sum()))


def write_song_with_cover(path: Path, samples: np.ndarray, *, rate: int = 44_100) -> Path:
    """An MP3 file with a picture attached, as shops sell them."""
    import av

    with av.open(str(path), "w") as container:
        audio = container.add_stream("libmp3lame", rate=rate, layout="mono")
        cover = container.add_stream("mjpeg", rate=1)
        cover.width = cover.height = 32
        cover.pix_fmt = "yuvj420p"
        cover.disposition = av.stream.Disposition.attached_pic
        frame = av.VideoFrame.from_ndarray(np.full((32, 32, 3), 128, np.uint8), format="rgb24")
        frame.pts = 0
        packets = cover.encode(frame) + cover.encode(None)
        for packet in packets + _sound_packets(audio, Sound(samples, rate)):
            container.mux(packet)
    return path
