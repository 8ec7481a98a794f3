"""Where people speak at once, and where one gives way to another."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_media import tone

from msc_kedro.listening.turn_taking import (
    TurnTaking,
    joined_spans,
    shared_s,
    turn_taking,
    turn_taking_in,
)
from msc_kedro.media.sound import write_flac

RATE, FRAME = 16_000, 160  # samples; a frame of the network below is 10 ms
SPANS = st.lists(st.tuples(st.floats(0, 9), st.floats(0.01, 3)).map(lambda t: (t[0], t[0] + t[1])))


class Network:
    """Stands for segmentation-3.0: the level of the sound says which set of speakers speaks."""

    device = "cpu"
    receptive_field = SimpleNamespace(start=0.0, duration=FRAME / RATE, step=FRAME / RATE)
    specifications = (
        SimpleNamespace(duration=10.0, classes=["a", "b", "c"], powerset_max_classes=2),
    )

    def __call__(self, windows):
        import torch

        frames = windows[:, 0].reshape(len(windows), -1, FRAME).mean(-1)
        classes = (frames * 10).round().long().clamp(0, 6)
        return (torch.nn.functional.one_hot(classes, 7).float() * 0.94 + 0.01).log()


def said(*parts: tuple[float, int]) -> np.ndarray:
    """Seconds and class: 0 silence, 1-3 one speaker, 4-6 two of them."""
    return np.concatenate(
        [np.full(round(seconds * RATE), set_ / 10, np.float32) for seconds, set_ in parts]
    )


def test_overlaps_and_changes_are_where_they_are() -> None:
    pytest.importorskip("pyannote.audio")
    # a; a and b; b; silence; c, who comes after too long a pause to have been given way to
    found = turn_taking(Network(), said((7, 1), (0.4, 4), (6, 2), (2, 0), (3, 3)))
    (overlap,) = found.overlaps
    assert overlap == pytest.approx((7.0, 7.4), abs=0.02)
    assert found.changes_s == pytest.approx([7.2], abs=0.02)


def test_a_lone_voice_and_silence_have_neither() -> None:
    pytest.importorskip("pyannote.audio")
    for sound in (said((25, 1)), said((3, 1), (2, 0), (9, 1)), np.zeros(RATE, np.float32)):
        assert turn_taking(Network(), sound) == TurnTaking((), ())


@given(SPANS, st.tuples(st.floats(0, 5), st.floats(5.1, 12)))
def test_joined_spans_do_not_overlap_and_lose_nothing(spans, span) -> None:
    joined = joined_spans(spans)
    assert all(a[1] < b[0] for a, b in pairwise(joined))
    assert all(any(a <= s and e <= b for a, b in joined) for s, e in spans)
    assert 0 <= shared_s(span, joined) <= span[1] - span[0] + 1e-9


def test_stretches_change_nothing(tmp_path: Path) -> None:
    """What is heard twice around the end of a stretch is counted once."""
    path = tmp_path / "a.flac"
    write_flac(path, [tone(40, level=0.5)])

    def hear(samples: np.ndarray) -> TurnTaking:
        heard.append(len(samples))
        return TurnTaking(((0.0, len(samples) / RATE),), ())

    heard: list[int] = []
    found = turn_taking_in(path, (2.0, 39.0), hear, stretch_s=10.0)
    assert found.overlaps == ((2.0, 39.0),)
    assert len(heard) == 4 and max(heard) <= 20 * RATE


@pytest.fixture(scope="module")
def network(model_folder):
    from msc_kedro.listening.pyannote_models import open_segmentation

    return open_segmentation(model_folder("segmentation"))


@pytest.mark.real
def test_two_real_voices_laid_over_each_other(network, clip) -> None:
    """One alone, both, the other alone."""
    first, second = clip("video/sad_aoc.mp4", 0, 6), clip("video/sad_katie.mp4", 0, 6)
    first, second = (one / np.abs(one).max() * 0.5 for one in (first, second))
    mixed = np.zeros(9 * RATE, np.float32)
    mixed[: len(first)] += first
    mixed[3 * RATE : 3 * RATE + len(second)] += second[: 6 * RATE]
    found = turn_taking(network, mixed).overlaps
    within = shared_s((3.0, 6.0), found)
    assert within > 1.5  # both pause now and then
    assert sum(end - start for start, end in found) - within < 0.3
    for alone in (first, second):
        assert sum(end - start for start, end in turn_taking(network, alone).overlaps) == 0


@pytest.mark.real
@pytest.mark.parametrize("name", ["audio/jfk.flac", "video/obama.mp4"])
def test_a_lone_real_voice_has_no_overlap(network, clip, name: str) -> None:
    assert turn_taking(network, clip(name)).overlaps == ()
