"""Which pictures are decoded: no more than needed, and the same come out as of all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from msc_kedro.media.packets import Stretch, stretches
from msc_kedro.media.pictures import frame_times, read_frames

# Key pictures every second and pictures that none is made from, where the codec has them; open
# groups begin with pictures that need the group before.
CODECS: dict[str, tuple[str, dict[str, str]]] = {
    "h264": ("libx264", {"x264-params": "keyint=25:min-keyint=25:scenecut=0:bframes=3"}),
    "h264, open groups": ("libx264", {"x264-params": "open-gop=1:keyint=25:bframes=5"}),
    "hevc": ("libx265", {"x265-params": "log-level=none:keyint=25:open-gop=1"}),
    "mpeg4": ("mpeg4", {"bf": "2", "g": "25"}),
    "mpeg2": ("mpeg2video", {"bf": "2", "g": "25"}),
    "vp9": ("libvpx-vp9", {"deadline": "realtime", "cpu-used": "8", "g": "25"}),
    "av1": ("libsvtav1", {"preset": "12", "g": "25", "svtav1-params": "lp=1"}),
}
SECONDS = 6


@contextmanager
def its_own_priority() -> Iterator[None]:
    """Give the thread its priority back: run as root, SVT-AV1's encoder makes who calls it a
    real-time thread, which goes before all else on the machine, and so do its children."""
    if not hasattr(os, "sched_getscheduler"):
        yield
        return
    policy, given = os.sched_getscheduler(0), os.sched_getparam(0)
    try:
        yield
    finally:
        os.sched_setscheduler(0, policy, given)


def write_moving(path: Path, codec: str, options: dict[str, str]) -> Path:
    """Noise that moves, 25 a second, so that no two pictures are alike."""
    import av

    still = np.random.default_rng(0).integers(0, 255, (12, 16, 3), np.uint8)
    still = still.repeat(8, 0).repeat(8, 1)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25, options=options)
        stream.width, stream.height, stream.pix_fmt = 128, 96, "yuv420p"
        for index in range(25 * SECONDS):
            image = np.roll(still, 3 * index, axis=1)
            image[:16, :16] = 40 + index
            for packet in stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")):
                container.mux(packet)
        for packet in stream.encode(None):
            container.mux(packet)
    return path


@pytest.fixture(scope="module", params=list(CODECS))
def film(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    import av

    codec, options = CODECS[request.param]
    try:
        av.codec.Codec(codec, "w")
    except av.codec.codec.UnknownCodecError:
        pytest.skip(f"this FFmpeg does not write {codec}")
    suffix = ".webm" if codec == "libvpx-vp9" else ".mp4"
    with its_own_priority():
        return write_moving(tmp_path_factory.mktemp("film") / f"film{suffix}", codec, options)


def of_all(path: Path, times_s: list[float]) -> list[np.ndarray]:
    """The pictures at some times, with every picture decoded."""
    import av

    with av.open(str(path)) as container:
        start_s = (container.start_time or 0) / av.time_base
        shown = [(f.time - start_s, f) for f in container.decode(video=0)]
        stamps = np.array([time for time, _ in shown])
        places = np.searchsorted(stamps, times_s, side="right") - 1
        frames = [shown[max(0, place)][1] for place in places]
        return [f.to_ndarray(format="rgb24", width=64, height=48) for f in frames]


@pytest.mark.parametrize("threads", [1, 2])
def test_the_same_pictures_as_of_all(film: Path, threads: int) -> None:
    scattered = np.random.default_rng(1).uniform(0, SECONDS, 20).tolist()
    for times in (
        frame_times(0, SECONDS, fps=3),
        [4.5, 0.52, 0.98, 4.52],  # groups between them are left out
        [1.0, 2.0, 3.0, 4.96, 4.99999],  # on key pictures, and just before one
        [5.9, 99.0],
        scattered,
    ):
        found = dict(read_frames(film, times, short_side=48, threads=threads))
        for index, expected in enumerate(of_all(film, times)):
            assert np.array_equal(found[index], expected), times[index]


@pytest.mark.parametrize("codec", ["h264", "mpeg4", "mpeg2"])
def test_pictures_that_are_not_needed_are_not_decoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, codec: str
) -> None:
    from msc_kedro.media import pictures

    film = write_moving(tmp_path / "film.mp4", *CODECS[codec])
    decoded = []
    usual = pictures._frames

    def counted(*given: Any) -> Any:
        for found in usual(*given):
            decoded.append(found[0])
            yield found

    monkeypatch.setattr(pictures, "_frames", counted)
    assert len(list(read_frames(film, frame_times(0, SECONDS, fps=3), short_side=24))) == 18
    assert len(decoded) < 0.75 * 25 * SECONDS  # without those that none is made from
    decoded.clear()
    assert len(list(read_frames(film, [0.5, 4.5], short_side=24))) == 2
    assert len(decoded) < 2.5 * 25  # of six seconds, the two that are asked for


def packet(shown: int | None, *, key: bool = False) -> Any:
    return SimpleNamespace(pts=shown, time_base=Fraction(1, 10), is_keyframe=key, size=1)


def shown(stretch: Stretch) -> list[int]:
    return [p.pts for p, wanted in zip(stretch.packets, stretch.wanted, strict=True) if wanted]


def test_what_is_wanted_of_each_stretch() -> None:
    groups = [[0, 3, 1, 2, 4], [10, 13, 11, 12], [20, 18, 19, 21], [30, 31], [40]]
    packets = [packet(n, key=n == group[0]) for group in groups for n in group]
    found = list(stretches(packets, [0.05, 0.25, 1.85, 3.05], clock_s=0.0))
    assert [s.skipped for s in found] == [False, False, False, False]
    # 1.85 is after all of the second group, so it may be of a picture before the third's key
    assert [shown(s) for s in found] == [[0, 2], [13], [18, 19], [30]]
    later = list(stretches(packets, [2.05], clock_s=0.0))
    assert [s.skipped for s in later] == [True, True, False]
    assert shown(later[-1]) == [20]


def test_without_time_stamps_or_key_pictures_all_is_wanted() -> None:
    for packets in (
        [packet(None, key=n % 4 == 0) for n in range(9)],
        [packet(n) for n in range(9)],
        [packet(n, key=n == 0) for n in range(600)],
    ):
        (first, *_) = stretches(packets, [0.0, 0.3], clock_s=0.0)
        assert all(first.wanted) and not first.skipped


@given(
    lengths=st.lists(st.integers(1, 8), min_size=1, max_size=6),
    times=st.lists(st.floats(0, 6), min_size=1, max_size=8),
    rate=st.integers(1, 12),
)
def test_nothing_on_screen_is_left_out(lengths: list[int], times: list[float], rate: int) -> None:
    """In order of display; every picture on screen at a time is wanted, whatever the groups."""
    starts = np.cumsum([0, *lengths[:-1]]).tolist()
    packets = [
        SimpleNamespace(pts=n, time_base=Fraction(1, rate), is_keyframe=n in starts, size=1)
        for n in range(sum(lengths))
    ]
    wanted = {n for s in stretches(packets, sorted(times), clock_s=0.0) for n in shown(s)}
    stamps = [n / rate for n in range(sum(lengths))]
    expected = {max(0, int(np.searchsorted(stamps, time, side="right")) - 1) for time in times}
    assert expected <= wanted
    assert len(wanted) <= 2 * len(expected) + 2
