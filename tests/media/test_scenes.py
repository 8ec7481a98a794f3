"""Cuts where they were made."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest
from made_media import BLACK, RED, WHITE, Sound, steady, tone, write_blind, write_media

from msc_kedro.media.probe import UnreadableMediaError
from msc_kedro.media.scenes import find_cuts


@pytest.mark.parametrize("fps", [25, 30, Fraction(24_000, 1001)])
def test_cuts_within_a_frame(tmp_path: Path, fps: float) -> None:
    pictures = steady([RED, WHITE, BLACK, WHITE], each_s=1.5, fps=fps)
    path = write_media(tmp_path / "a.mp4", pictures=pictures, fps=fps, codec="libx264")
    assert find_cuts(path) == pytest.approx([1.5, 3.0, 4.5], abs=1 / float(fps))


def test_variable_rate(tmp_path: Path) -> None:
    shown = [0, 0.04, 0.08, 0.5, 1.9, 2.0, 2.04, 2.1, 3.0, 3.9, 4.0, 4.04, 5.5]
    pictures = [(time, RED if time < 2 else WHITE if time < 4 else BLACK) for time in shown]
    path = write_media(tmp_path / "a.mp4", pictures=pictures, codec="libx264")
    assert find_cuts(path) == pytest.approx([2.0, 4.0], abs=0.001)


def test_a_header_that_names_a_thousand_pictures_per_second(tmp_path: Path) -> None:
    """As browsers record; the shortest scene is in seconds, not in pictures."""
    pictures = steady([RED, WHITE, BLACK], each_s=1.5)
    path = write_media(tmp_path / "a.webm", pictures=pictures, fps=1000, codec="libvpx")
    assert find_cuts(path) == pytest.approx([1.5, 3.0], abs=0.041)


def test_pictures_that_start_after_the_sound(tmp_path: Path) -> None:
    path = write_media(
        tmp_path / "a.mkv",
        pictures=[(time + 3, colour) for time, colour in steady([RED, WHITE], each_s=2)],
        sound=Sound(tone(7)),
    )
    assert find_cuts(path) == pytest.approx([5.0], abs=0.04)


def test_one_scene_and_short_flashes(tmp_path: Path) -> None:
    plain = write_media(tmp_path / "a.mp4", pictures=steady([RED], each_s=2))
    assert find_cuts(plain) == []
    flash = [(time, WHITE if 1.0 <= time < 1.2 else RED) for time, _ in steady([RED], each_s=3)]
    path = write_media(tmp_path / "b.mp4", pictures=flash)
    assert len(find_cuts(path, min_scene_s=0.6)) <= 1
    assert len(find_cuts(path, min_scene_s=0.05)) == 2


def test_a_higher_threshold_finds_fewer(tmp_path: Path) -> None:
    pictures = steady([(100, 100, 100), (140, 140, 140)], each_s=1)
    path = write_media(tmp_path / "a.mp4", pictures=pictures)
    assert find_cuts(path, threshold=5.0) == pytest.approx([1.0], abs=0.04)
    assert find_cuts(path, threshold=60.0) == []


def test_nothing_to_see(tmp_path: Path) -> None:
    path = write_media(tmp_path / "a.m4a", sound=Sound(tone(1)))
    with pytest.raises(UnreadableMediaError, match="no pictures"):
        find_cuts(path)
    path.write_text("not a film")
    with pytest.raises(UnreadableMediaError, match="cannot be opened as media"):
        find_cuts(path)
    with pytest.raises(UnreadableMediaError):
        find_cuts(tmp_path / "none.mp4")


@pytest.mark.parametrize("codec", ["mpeg4", "libx264"])
@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_pictures_that_nothing_decodes(tmp_path: Path, codec: str, suffix: str) -> None:
    pictures = steady([RED, WHITE], each_s=1)
    film = write_media(tmp_path / f"a{suffix}", pictures=pictures, codec=codec)
    with pytest.raises(UnreadableMediaError, match="none of its pictures can be decoded"):
        find_cuts(write_blind(film, tmp_path / f"b{suffix}"))


def test_a_damaged_file_does_not_fill_the_terminal(
    damaged: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert find_cuts(damaged)[:1] == pytest.approx([2.0], abs=0.04)
    assert "damaged" not in capfd.readouterr().err  # "[mpeg4 @ ...] header damaged"
