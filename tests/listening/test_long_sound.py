"""Speech of a long recording, in stretches as in one piece."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_media import tone

from msc_kedro.listening.long_sound import Span, speech_in
from msc_kedro.media.sound import sound_length_s, write_flac

RATE = 16_000
FRAME = 160  # samples: 10 ms


def loud(samples: np.ndarray) -> list[Span]:
    """Where it is not silent, to 10 ms."""
    frames = samples[: len(samples) // FRAME * FRAME].reshape(-1, FRAME)
    speaks = np.abs(frames).max(axis=1, initial=0.0) > 0.1
    edges = np.flatnonzero(np.diff(np.concatenate([[0], speaks.astype(int), [0]])))
    return [(a / 100, b / 100) for a, b in edges.reshape(-1, 2).tolist()]


def recording(path: Path, lengths_s: list[float]) -> tuple[Path, float]:
    """Silence and a tone in turn."""
    pieces = [
        tone(length, level=0.5 * (place % 2)) + 0.2 * (place % 2)
        for place, length in enumerate(lengths_s)
    ]
    write_flac(path, pieces)
    return path, sum(lengths_s)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.integers(5, 60).map(lambda tenths: tenths / 10), min_size=1, max_size=12),
    st.sampled_from([2.0, 3.0, 7.0]),
)
def test_stretches_change_nothing(
    tmp_path_factory: pytest.TempPathFactory, lengths_s: list[float], stretch_s: float
) -> None:
    path, duration_s = recording(tmp_path_factory.mktemp("a") / "a.flac", lengths_s)
    heard: list[int] = []

    def detect(samples: np.ndarray) -> list[Span]:
        heard.append(len(samples))
        return loud(samples)

    whole = speech_in(path, duration_s, loud, stretch_s=1e6)
    parts = speech_in(path, duration_s, detect, stretch_s=stretch_s)
    assert np.allclose(parts, whole, atol=0.011) and len(parts) == len(whole)
    assert max(heard) <= stretch_s * RATE
    assert sum(heard) < 4 * duration_s * RATE + stretch_s * RATE


def test_long_silence_is_heard_once(tmp_path: Path) -> None:
    path, duration_s = recording(tmp_path / "a.flac", [60.0])
    heard: list[int] = []
    assert speech_in(path, duration_s, lambda s: heard.append(len(s)) or [], stretch_s=10) == []
    assert sum(heard) < 1.2 * duration_s * RATE


def test_only_what_is_asked_for(tmp_path: Path) -> None:
    path, _ = recording(tmp_path / "a.flac", [1.0, 5.0])
    assert speech_in(path, 3.0, loud) == [(1.0, 3.0)]
    assert speech_in(path, 0.0, loud) == []


@pytest.mark.real
def test_the_detector_itself(tmp_path: Path, clip) -> None:
    """What it remembers from far back is lost at a stretch's beginning: that moves few spans."""
    from msc_kedro.listening.activity import SpeechDetector

    names = ("dev00", "dev01", "trn01", "trn02", "trn03")
    path = tmp_path / "a.flac"
    write_flac(path, [clip(f"audio/ami/{name}.wav") for name in names])
    detect, length_s = SpeechDetector(), sound_length_s(path)
    whole = speech_in(path, length_s, detect, stretch_s=1e6)
    parts = speech_in(path, length_s, detect, stretch_s=20)
    times = np.arange(0, length_s, 0.01)
    speaks = [np.zeros(len(times), bool) for _ in range(2)]
    for found, spoken in zip((whole, parts), speaks, strict=True):
        for start, end in found:
            spoken |= (times >= start) & (times < end)
    assert 0.3 < speaks[0].mean() < 0.7
    assert np.mean(speaks[0] == speaks[1]) > 0.96
