"""Pictures by time."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_media import (
    BLACK,
    BLUE,
    COLOURS,
    GREEN,
    RED,
    WHITE,
    Colour,
    Sound,
    nearest_colour,
    steady,
    tone,
    write_media,
)

from msc_kedro.media.pictures import frame_times, read_frames
from msc_kedro.media.probe import UnreadableMediaError


def colours_at(path: Path, times_s: list[float]) -> list[Colour]:
    found = dict(read_frames(path, times_s, short_side=24))
    assert sorted(found) == list(range(len(times_s)))
    return [nearest_colour(found[index]) for index in range(len(times_s))]


@given(
    start_s=st.floats(0, 10_000),
    length_s=st.floats(0.02, 120),
    fps=st.floats(0.1, 30),
)
def test_times_of_a_span(start_s: float, length_s: float, fps: float) -> None:
    end_s = start_s + length_s
    times = frame_times(start_s, end_s, fps=fps)
    assert len(times) >= 1
    assert abs(len(times) - length_s * fps) <= 1
    assert times == sorted(times)
    assert start_s < times[0] and times[-1] < end_s
    steps = np.diff([2 * start_s - times[0], *times])
    assert np.allclose(steps, length_s / len(times), atol=1e-6)


@pytest.mark.parametrize("codec", ["libx264", "mpeg4"])
@pytest.mark.parametrize("fps", [25, Fraction(24_000, 1001)])
def test_the_picture_on_screen(tmp_path: Path, codec: str, fps: float) -> None:
    path = write_media(
        tmp_path / "a.mp4",
        pictures=steady(COLOURS, each_s=1, fps=fps),
        fps=fps,
        codec=codec,
    )
    edge = 1.5 / float(fps)  # where the next colour may not be on screen yet
    times = [index + place for index in range(5) for place in (edge, 0.5, 0.99)]
    assert colours_at(path, times) == [colour for colour in COLOURS for _ in range(3)]


def test_variable_rate_times_in_any_order_and_past_the_end(tmp_path: Path) -> None:
    shown = [0, 0.04, 0.08, 0.5, 1.9, 2.0, 2.04, 2.1, 3.0, 3.9, 4.0, 4.04, 5.5]
    pictures = [(time, RED if time < 2 else BLUE if time < 4 else GREEN) for time in shown]
    path = write_media(tmp_path / "a.mp4", pictures=pictures, codec="libx264")
    times = [4.5, 0.1, 99.0, 1.95, 2.01, 3.99, 2.9, 0.0]
    assert colours_at(path, times) == [GREEN, RED, GREEN, RED, BLUE, BLUE, BLUE, RED]


def test_same_time_twice_and_no_time(film: Path) -> None:
    assert colours_at(film, [3.0, 3.0, 1.0]) == [WHITE, WHITE, RED]
    assert list(read_frames(film, [], short_side=24)) == []


def test_a_late_start_is_reached_by_a_seek(tmp_path: Path) -> None:
    colours = [RED, WHITE, BLACK, BLUE] * 4
    path = write_media(tmp_path / "a.mp4", pictures=steady(colours, each_s=1), codec="libx264")
    times = [12.5, 13.5, 14.5, 15.9]
    assert colours_at(path, times) == colours[12:]


def test_times_are_on_the_same_clock_as_the_sound(tmp_path: Path) -> None:
    path = write_media(
        tmp_path / "a.ts",
        pictures=[(time + 500, colour) for time, colour in steady([WHITE, BLACK], each_s=12)],
        codec="mpeg2video",
        size=(320, 240),
        sound=Sound(tone(4, rate=48_000), 48_000, start_s=500.0, codec="mp2"),
    )
    assert colours_at(path, [0.5, 11.9, 12.1]) == [WHITE, WHITE, BLACK]
    assert colours_at(path, [11.5, 12.5]) == [WHITE, BLACK]  # reached by a seek


@pytest.mark.parametrize(("size", "expected"), [((64, 48), (24, 32)), ((48, 96), (48, 24))])
def test_short_side(tmp_path: Path, size: tuple[int, int], expected: tuple[int, int]) -> None:
    path = write_media(tmp_path / "a.mp4", pictures=steady([RED], each_s=0.4), size=size)
    ((_, picture),) = read_frames(path, [0.1], short_side=24)
    assert picture.shape == (*expected, 3) and picture.dtype == np.uint8


def test_damage_in_the_middle_costs_only_the_middle(damaged: Path) -> None:
    assert colours_at(damaged, [0.5, 5.9]) == [RED, BLACK]


def test_no_pictures(tmp_path: Path) -> None:
    path = write_media(tmp_path / "a.m4a", sound=Sound(tone(1)))
    with pytest.raises(UnreadableMediaError, match="no pictures"):
        list(read_frames(path, [0.5], short_side=24))
    path.write_text("not a film")
    with pytest.raises(UnreadableMediaError, match="cannot be decoded"):
        list(read_frames(path, [0.5], short_side=24))


@pytest.mark.parametrize("side", [8, 24, 96])
def test_part_of_a_picture(tmp_path: Path, side: int) -> None:
    """Scaled up or down; what lies outside is black."""
    import av

    path = tmp_path / "a.mp4"
    image = np.full((96, 128, 3), WHITE, np.uint8)
    image[32:56, 64:88] = RED
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.width, stream.height, stream.pix_fmt = 128, 96, "yuv420p"
        for _ in range(5):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode(None))
    boxes = [(64.0, 32.0, 24.0, 24.0), (52.0, 20.0, 48.0, 48.0), (-24.0, 0.0, 48.0, 48.0)]
    found = dict(
        read_frames(path, [0.1] * 3, short_side=side, crop=side, boxes=boxes)  # all at once
    )
    exact, around, outside = (found[index].astype(int) for index in range(3))
    assert exact.shape == around.shape == outside.shape == (side, side, 3)
    middle = side // 4
    assert np.abs(exact[middle:-middle, middle:-middle] - RED).max() < 40
    quarter = slice(round(side * 0.375), round(side * 0.625))
    assert np.abs(around[quarter, quarter].mean(axis=(0, 1)) - RED).max() < 40
    assert np.abs(around[0, 0] - WHITE).max() < 40
    assert np.abs(outside[middle, : side // 2 - 1]).max() < 40  # left of the picture
    assert np.abs(outside[middle, side // 2 + 1 :] - WHITE).max() < 40
