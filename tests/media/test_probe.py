"""What is said of a file before it is decoded."""

from __future__ import annotations

import struct
from fractions import Fraction
from pathlib import Path

import pytest
from made_media import (
    BLACK,
    RED,
    WHITE,
    Sound,
    cut_off,
    steady,
    tone,
    write_media,
    write_song_with_cover,
)

from msc_kedro.media.probe import UnreadableMediaError, content_id, probe, readable_s


def test_sound_and_pictures(film: Path) -> None:
    info = probe(film)
    assert (info.has_video, info.has_audio) == (True, True)
    assert (info.width, info.height, info.fps) == (64, 48, 25.0)
    assert (info.sample_rate, info.channels) == (44_100, 2)
    assert info.duration_s == pytest.approx(6.0, abs=0.05)


def test_sound_alone(tmp_path: Path) -> None:
    info = probe(write_media(tmp_path / "a.m4a", sound=Sound(tone(1.5))))
    assert (info.has_video, info.width, info.height, info.fps) == (False, 0, 0, None)
    assert info.has_audio and info.sample_rate == 16_000
    assert info.duration_s == pytest.approx(1.5, abs=0.1)


def test_pictures_alone(tmp_path: Path) -> None:
    fps = Fraction(24_000, 1001)
    pictures = steady([RED, BLACK], each_s=1, fps=fps)
    info = probe(write_media(tmp_path / "a.mp4", pictures=pictures, fps=fps))
    assert (info.has_audio, info.sample_rate, info.channels) == (False, 0, 0)
    assert info.fps == pytest.approx(23.976, abs=0.001)


def test_cover_art_is_no_video(tmp_path: Path) -> None:
    info = probe(write_song_with_cover(tmp_path / "song.mp3", tone(2, rate=44_100)))
    assert not info.has_video and info.has_audio
    assert info.duration_s == pytest.approx(2.0, abs=0.1)


@pytest.mark.parametrize("content", [b"Dear diary,\n" * 40, b""])
def test_what_is_no_media_is_said_to_be_none(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "text.mp4"
    path.write_bytes(content)
    with pytest.raises(UnreadableMediaError, match="cannot be opened as media"):
        probe(path)


def test_a_file_cut_off_before_its_index(tmp_path: Path) -> None:
    whole = write_media(tmp_path / "a.mp4", pictures=steady([RED], each_s=2)).read_bytes()
    path = tmp_path / "cut.mp4"
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UnreadableMediaError):
        probe(path)


def test_where_a_file_that_was_cut_off_ends(film: Path, tmp_path: Path) -> None:
    assert readable_s(film) == pytest.approx(6.0, abs=0.1)
    for path in (film, write_media(tmp_path / "a.mkv", sound=Sound(tone(6)))):
        cut = cut_off(path, tmp_path / f"cut{path.suffix}", share=0.5)
        assert probe(cut).duration_s == pytest.approx(6.0, abs=0.1)  # as its header says
        assert 1.5 < readable_s(cut) < 4.5
    with pytest.raises(UnreadableMediaError):
        readable_s(tmp_path / "none.mp4")


def test_reasons_name_no_path(tmp_path: Path) -> None:
    """They go into tables, which are the same on every machine."""
    for look in (probe, readable_s, content_id):
        with pytest.raises(UnreadableMediaError, match="No such file") as caught:
            look(tmp_path / "none.mp4")
        assert "none.mp4" not in str(caught.value)


def test_streams_that_nothing_can_decode_do_not_count(tmp_path: Path) -> None:
    film = write_media(
        tmp_path / "a.mkv", pictures=steady([RED], each_s=1), sound=Sound(tone(1))
    ).read_bytes()
    path = tmp_path / "b.mkv"
    path.write_bytes(film.replace(b"V_MPEG4/ISO/ASP", b"V_XXXXX/ISO/ASP"))
    assert not probe(path).has_video and probe(path).has_audio
    path.write_bytes(path.read_bytes().replace(b"A_AAC", b"A_XXX"))
    with pytest.raises(UnreadableMediaError, match="neither sound nor pictures"):
        probe(path)


def test_tags_in_an_old_encoding_do_no_harm(tmp_path: Path) -> None:
    import soundfile

    path = tmp_path / "a.wav"
    soundfile.write(path, tone(1), 16_000)
    tags = b"LIST" + struct.pack("<I", 16) + b"INFOINAM" + struct.pack("<I", 4) + b"caf\xe9"
    content = path.read_bytes() + tags
    path.write_bytes(content[:4] + struct.pack("<I", len(content) - 8) + content[8:])
    assert probe(path).duration_s == pytest.approx(1.0)


@pytest.mark.parametrize("options", [{}, {"live": "1"}])  # live: as browsers record, no length
def test_length_of_a_recording_whose_clock_starts_late(
    tmp_path: Path, options: dict[str, str]
) -> None:
    pictures = [(time + 1000, colour) for time, colour in steady([WHITE, BLACK], each_s=1)]
    path = write_media(
        tmp_path / "a.webm",
        pictures=pictures,
        codec="libvpx",
        sound=Sound(tone(2, rate=48_000), 48_000, start_s=1000.0, codec="libopus"),
        options=options,
    )
    assert probe(path).duration_s == pytest.approx(2.0, abs=0.1)


def test_id_is_of_the_bytes(tmp_path: Path) -> None:
    for name, content in (("a", b"one"), ("b", b"one"), ("c", b"two")):
        (tmp_path / name).write_bytes(content)
    first, same, other = (content_id(tmp_path / name) for name in "abc")
    assert first == same == "7692c3ad3540" and other != first
    assert content_id(tmp_path / "a", digits=20).startswith(first)
