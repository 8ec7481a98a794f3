"""Features of pictures and sound: the time they take against the plain way, and if they agree.

Part of voice_and_features.py (--features). The plain way is that of the original: each utterance by
itself, every picture of it decoded, one forward pass per utterance. Its encoder is given pictures
that are as small as ours, and only those that are kept, so that both do the same work; a second
line has it encode every picture, as the original does. Both ways run in one process, one after the
other, and count with the same network.

CLIP ViT-B/32 and WavLM-Large have their published shapes and random weights here, which cost what
the trained ones do; MobileNetV2 and Whisper are those of the embedded recipe.
"""

from __future__ import annotations

import os
import platform
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import numpy as np

from msc_kedro.execution.parallel import in_parallel
from msc_kedro.media.pictures import frame_times
from msc_kedro.media.probe import clock_start_s, video_stream
from msc_kedro.media.sound import LISTENING_RATE, flac_bytes, read_mono, read_span
from msc_kedro.seeing.features import Seen, encode_pieces, pieces, read_piece

PROJECT = Path(__file__).resolve().parents[1]
CORPUS_H = 21.5  # of the paper's dataset
FRAMES_PER_S = 3.0
BRANCHES = ("mobilenet", "clip", "whisper", "wavlm")


@dataclass(frozen=True)
class Row:
    """One branch: seconds of both ways over so much media, and how far their numbers lie apart."""

    branch: str
    media_s: float
    plain_s: float
    ours_s: float
    apart: float
    all_s: float | None = None  # the plain way with every picture encoded

    def cells(self) -> list[str]:
        corpus_min = self.ours_s / self.media_s * CORPUS_H * 60
        every = "" if self.all_s is None else f"{self.all_s / self.ours_s:.1f}"
        return [
            self.branch,
            f"{self.media_s:.0f} s",
            f"{self.plain_s:.1f} s",
            f"{self.ours_s:.1f} s",
            f"{self.plain_s / self.ours_s:.1f}",
            every,
            f"{self.apart:.1e}",
            f"{corpus_min:.0f} min",
        ]


HEAD = [
    "branch",
    "media",
    "plain way",
    "this",
    "times as fast",
    "… than all pictures encoded",
    "largest difference",
    f"{CORPUS_H} h would take",
]


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds and result, with the GPU's work done."""
    import torch

    begun = time.perf_counter()
    result = work()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - begun, result


def apart(ours: dict[str, np.ndarray], plain: dict[str, np.ndarray]) -> float:
    """The largest difference, in standard deviations of the plain way's numbers."""
    assert ours.keys() == plain.keys()
    spread = np.concatenate(list(plain.values())).std()
    return max(float(np.abs(ours[name] - plain[name]).max()) for name in plain) / float(spread)


def spans(videos: Sequence[Path], seconds: float, most_s: float) -> list[Seen]:
    """Utterances of some seconds each, end to end, until there is so much of them."""
    made: list[Seen] = []
    for video in videos:
        with av.open(str(video)) as container:
            length_s = (container.duration or 0) / av.time_base
        for number in range(int(length_s / seconds)):
            if len(made) * seconds < most_s:
                start_s = number * seconds
                made.append(Seen(f"{video.stem} {number}", video, start_s, start_s + seconds))
    return made


def every_picture(one: Seen, encode: Any) -> Iterator[tuple[float, np.ndarray]]:
    """All pictures of an utterance as the plain way decodes them, as small as the encoder wants."""
    from msc_kedro.media.pictures import _Scaler

    small = _Scaler(encode.short_side, encode.crop, encode.bicubic)
    with av.open(str(one.video)) as container:
        stream = video_stream(container)
        clock_s = clock_start_s(container)
        container.seek(int((clock_s + one.start_s) / stream.time_base), stream=stream)
        for frame in container.decode(stream):
            time_s = frame.time - clock_s
            if time_s >= one.end_s:
                return
            yield time_s, small(frame)


def pictures_plainly(said: Sequence[Seen], encode: Any, *, every: bool) -> dict[str, np.ndarray]:
    """Features of each utterance by itself."""
    found = {}
    for one in said:
        shown = list(every_picture(one, encode))
        stamps = np.array([time for time, _ in shown])
        times = frame_times(one.start_s, one.end_s, fps=FRAMES_PER_S)
        places = np.maximum(np.searchsorted(stamps, times, side="right") - 1, 0)
        if every:
            found[one.utterance_id] = encode([picture for _, picture in shown])[places]
        else:
            found[one.utterance_id] = encode([shown[place][1] for place in places])
    return found


def pictures(said: Sequence[Seen], encode: Any, workers: int) -> dict[str, np.ndarray]:
    """Features as featurize makes them."""
    read = in_parallel(
        lambda piece: (piece, read_piece(piece, encode=encode)),
        pieces(said, frames_per_s=FRAMES_PER_S),
        workers=workers,
        title="pictures",
    )
    starts_s = {one.utterance_id: one.start_s for one in said}
    rows = encode_pieces(read, starts_s, encode=encode, keep=np.asarray)  # as they were made
    return {name: row.values for name, row in rows.items()}


def seen(name: str, encode: Any, said: Sequence[Seen], workers: int, *, every: bool) -> Row:
    """The row of an image encoder."""
    encode([np.zeros((encode.crop, encode.crop, 3), np.uint8)] * 2)  # warm
    ours_s, ours = timed(lambda: pictures(said, encode, workers))
    plain_s, plain = timed(lambda: pictures_plainly(said, encode, every=False))
    all_s = timed(lambda: pictures_plainly(said, encode, every=True))[0] if every else None
    media_s = sum(one.end_s - one.start_s for one in said)
    return Row(name, media_s, plain_s, ours_s, apart(ours, plain), all_s)


def heard(name: str, encode: Any, said: Sequence[Seen], folder: Path) -> Row:
    """The row of an audio encoder: sounds one by one, and all in one call."""
    files = {one.video: folder / f"{one.video.stem}.flac" for one in said}
    for video, file in files.items():
        if not file.is_file():
            file.write_bytes(flac_bytes(read_mono(video)))
    # Lengths as utterances have them: short ones and long ones beside each other.
    ends = [one.start_s + (0.4, 1.0, 0.7, 0.25)[n % 4] * 4 for n, one in enumerate(said)]
    known = [(one, end) for one, end in zip(said, ends, strict=True)]

    def sound(one: Seen, end_s: float) -> np.ndarray:
        return read_span(files[one.video], one.start_s, end_s)[0]

    encode([np.zeros(LISTENING_RATE, np.float32)])  # warm
    ours_s, ours = timed(lambda: encode([sound(one, end) for one, end in known]))
    plain_s, plain = timed(lambda: [encode([sound(one, end)])[0] for one, end in known])
    names = [one.utterance_id for one in said]
    media_s = sum(end - one.start_s for one, end in known)
    distance = apart(dict(zip(names, ours, strict=True)), dict(zip(names, plain, strict=True)))
    return Row(name, media_s, plain_s, ours_s, distance)


def clip_b32(folder: Path) -> Path:
    """CLIP ViT-B/32's picture branch, as published but for its weights."""
    import torch
    from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

    torch.manual_seed(0)
    vision = CLIPVisionConfig(image_size=224, patch_size=32, projection_dim=512)
    CLIPVisionModelWithProjection(vision).save_pretrained(folder / "clip")
    return folder / "clip"


def wavlm_large(folder: Path) -> Path:
    """WavLM-Large, as published but for its weights."""
    import torch
    from transformers import WavLMConfig, WavLMModel

    torch.manual_seed(0)
    config = WavLMConfig(
        hidden_size=1024,
        num_hidden_layers=24,
        num_attention_heads=16,
        intermediate_size=4096,
        feat_extract_norm="layer",
        do_stable_layer_norm=True,
    )
    WavLMModel(config).save_pretrained(folder / "wavlm")
    return folder / "wavlm"


def embedded(slot: str) -> Path:
    """The folder of a model of the embedded recipe."""
    import yaml

    from msc_kedro.models import ensure, read_specs

    text = (PROJECT / "conf" / "base" / "models.yml").read_text(encoding="utf-8")
    return ensure(read_specs(yaml.safe_load(text))[slot])


def measured(
    videos: Path,
    *,
    device: str,
    seconds: float,
    large_share: int,
    workers: int,
    branches: Sequence[str],
) -> str:
    """The rows that were asked for, in Markdown.

    Args:
        videos: a folder of them.
        device: "cpu" or "cuda".
        seconds: of media.
        large_share: WavLM-Large gets one utterance in so many.
        workers: that decode.
        branches: of `BRANCHES`.
    """
    from msc_kedro.listening.wavlm import WavLMFeatures
    from msc_kedro.listening.whisper_features import WhisperFeatures
    from msc_kedro.seeing.clip import ClipPictures
    from msc_kedro.seeing.mobilenet import MobileNetV2

    files = sorted(p for p in videos.iterdir() if p.suffix in (".mp4", ".mkv", ".webm"))
    said = spans(files, 4.0, seconds)
    little = said[: max(4, len(said) // large_share)]
    on: dict[str, Any] = {"device": device}
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for branch in branches:
            if branch == "mobilenet":
                encode = MobileNetV2(embedded("image_encoder"), **on)
                rows.append(seen("pictures, MobileNetV2", encode, said, workers, every=True))
            elif branch == "clip":
                encode = ClipPictures(clip_b32(Path(folder)), **on)
                rows.append(seen("pictures, CLIP ViT-B/32", encode, said, workers, every=True))
            elif branch == "whisper":
                hear = WhisperFeatures(embedded("asr"), **on)
                rows.append(heard("sound, Whisper tiny.en", hear, said, Path(folder)))
            else:
                speech = WavLMFeatures(wavlm_large(Path(folder)), normalise=True, **on)
                rows.append(heard("sound, WavLM-Large", speech, little, Path(folder)))
            print("|", " | ".join(rows[-1].cells()), "|", flush=True)
    return f"{table(rows)}\n\n{machine(device)}."


def table(rows: Sequence[Row]) -> str:
    """A Markdown table."""
    lines = [HEAD, ["---"] * len(HEAD), *(row.cells() for row in rows)]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def machine(device: str) -> str:
    """What was measured on."""
    import torch

    name = torch.cuda.get_device_name() if device == "cuda" else platform.machine()
    return (
        f"{name}, {os.cpu_count()} cores, torch {torch.__version__} with "
        f"{torch.get_num_threads()} threads, {time.strftime('%Y-%m-%d')}"
    )
