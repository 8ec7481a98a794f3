"""Sound on the file's own clock."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from made_media import BLACK, RED, WHITE, Sound, steady, tone, write_media
from scipy.signal import correlate

from msc_kedro.media.probe import UnreadableMediaError
from msc_kedro.media.sound import flac_bytes, read_mono, read_span, sound_length_s

RATE = 16_000


def level(samples: np.ndarray) -> float:
    """Height of a sine of this loudness, away from its ends."""
    middle = samples[len(samples) // 4 : -len(samples) // 4]
    return float(np.sqrt(2 * (middle**2).mean()))


@pytest.mark.parametrize("rate", [8_000, 16_000])
def test_rate_and_range(film: Path, rate: int) -> None:
    samples = read_mono(film, sample_rate=rate)
    assert samples.dtype == np.float32 and samples.ndim == 1
    assert len(samples) == pytest.approx(6 * rate, abs=0.05 * rate)
    assert np.abs(samples).max() <= 1.0
    assert level(samples) == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize(
    ("layout", "channel", "share"),
    [
        ("stereo", 0, 0.5),
        ("stereo", 1, 0.5),
        ("5.1", 0, 0.207),  # left
        ("5.1", 2, 0.293),  # centre, where people speak
        ("5.1", 3, 0.0),  # low frequency effects are left out
        ("5.1", 4, 0.146),  # behind
    ],
)
def test_every_channel_is_heard(tmp_path: Path, layout: str, channel: int, share: float) -> None:
    samples = np.zeros((6 if layout == "5.1" else 2, 48_000), np.float32)
    samples[channel] = tone(1, rate=48_000)
    path = write_media(tmp_path / "a.mp4", sound=Sound(samples, 48_000, layout))
    assert level(read_mono(path)) == pytest.approx(0.5 * share, abs=0.01)


def test_loud_channels_do_not_overflow(tmp_path: Path) -> None:
    """Speech in the middle is the same on both channels: it must not come out clipped."""
    for layout, channels in (("stereo", 2), ("5.1", 6)):
        samples = np.stack([tone(1, rate=48_000, level=0.95)] * channels)
        path = tmp_path / f"{channels}.wav"
        write_media(path, sound=Sound(samples, 48_000, layout, codec="pcm_f32le"))
        found = read_mono(path)
        assert 0.7 < np.abs(found[1000:-1000]).max() < 0.96


@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
def test_a_track_that_starts_late_keeps_the_clock(tmp_path: Path, suffix: str) -> None:
    path = write_media(
        tmp_path / f"a.{suffix}",
        pictures=steady([RED, BLACK], each_s=2),
        sound=Sound(tone(3), start_s=1.0),
    )
    samples = read_mono(path)
    assert np.flatnonzero(np.abs(samples) > 0.2)[0] / RATE == pytest.approx(1.0, abs=0.005)
    assert len(samples) / RATE == pytest.approx(4.0, abs=0.07)


@pytest.mark.parametrize(
    ("suffix", "video", "sound"),
    [("ts", "mpeg2video", "mp2"), ("mpg", "mpeg2video", "mp2"), ("webm", "libvpx", "libopus")],
)
def test_the_clock_begins_with_the_first_stream(
    tmp_path: Path, suffix: str, video: str, sound: str
) -> None:
    """A recorded broadcast counts its time from a day ago; that is no silence."""
    begun_s = 80_000.0 if suffix == "ts" else 1000.0
    path = write_media(
        tmp_path / f"a.{suffix}",
        pictures=[(time + begun_s, colour) for time, colour in steady([WHITE, BLACK], each_s=2)],
        codec=video,
        size=(64, 48) if suffix == "webm" else (320, 240),
        sound=Sound(tone(3, rate=48_000), 48_000, start_s=begun_s + 1, codec=sound),
    )
    samples = read_mono(path)
    assert np.flatnonzero(np.abs(samples) > 0.2)[0] / RATE == pytest.approx(1.0, abs=0.01)
    assert len(samples) / RATE == pytest.approx(4.0, abs=0.1)


def test_what_comes_after_damage_keeps_its_place(film: Path, damaged: Path) -> None:
    whole, mended = read_mono(film), read_mono(damaged)
    assert len(mended) == pytest.approx(len(whole), abs=0.1 * RATE)


def test_a_click_stays_where_it_was(tmp_path: Path) -> None:
    clicks = 0.001 * np.random.default_rng(1).standard_normal(44_100 * 5).astype(np.float32)
    clicks[44_100 * 3 : 44_100 * 3 + 400] += 0.8
    path = write_media(tmp_path / "a.mp4", sound=Sound(clicks, 44_100))
    samples = read_mono(path)
    shape = np.zeros_like(samples)
    shape[RATE * 3 : RATE * 3 + 145] = 1.0
    lag = np.argmax(correlate(samples, shape, mode="full")) - (len(samples) - 1)
    assert abs(lag) / RATE < 0.002


def test_no_sound_and_no_media(tmp_path: Path) -> None:
    path = write_media(tmp_path / "a.mp4", pictures=steady([RED], each_s=1))
    with pytest.raises(UnreadableMediaError, match="no sound"):
        read_mono(path)
    path.write_text("not a film")
    with pytest.raises(UnreadableMediaError, match="cannot be opened as media"):
        read_mono(path)


def test_flac_keeps_samples_and_bytes(tmp_path: Path) -> None:
    samples = tone(0.5, level=0.9)
    content = flac_bytes(samples)
    assert content == flac_bytes(samples.copy())
    path = tmp_path / "a.flac"
    path.write_bytes(content)
    assert sound_length_s(path) == len(samples) / 16_000
    back, rate = read_span(path, 0.0, 0.5)
    assert rate == RATE and len(back) == len(samples)
    assert np.abs(back - samples).max() <= 1 / 32_768


@pytest.mark.parametrize(
    ("start_s", "end_s", "first", "last"),
    [
        (0.25, 0.5, 4_000, 8_000),
        (0.9, 5.0, 14_400, 16_000),  # shorter at the end of the file
        (-1.0, 0.1, 0, 1_600),
        (3.0, 4.0, 16_000, 16_000),  # nothing past the end
        (0.5, 0.4, 8_000, 8_000),
    ],
)
def test_span_bounds(tmp_path: Path, start_s: float, end_s: float, first: int, last: int) -> None:
    ramp = np.linspace(-0.5, 0.5, RATE).astype(np.float32)
    path = tmp_path / "a.flac"
    path.write_bytes(flac_bytes(ramp))
    samples, _ = read_span(path, start_s, end_s)
    assert samples.dtype == np.float32
    assert samples.shape == ramp[first:last].shape
    assert np.allclose(samples, ramp[first:last], atol=1 / 32_768)


def test_span_of_a_stereo_file_is_mono(tmp_path: Path) -> None:
    import soundfile

    path = tmp_path / "a.wav"
    soundfile.write(path, np.stack([np.full(100, 0.5), np.full(100, -0.1)], axis=1), RATE)
    samples, _ = read_span(path, 0, 1)
    assert samples.shape == (100,) and np.allclose(samples, 0.2, atol=1e-4)
