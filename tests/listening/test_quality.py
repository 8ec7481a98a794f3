"""DNSMOS: which stretches are judged, what cannot be, and its published figures."""

import numpy as np
import pytest

from msc_kedro.errors import MscKedroError
from msc_kedro.listening.quality import DNSMOS, WINDOW, windows

RATE = 16_000


def counting(samples: int) -> np.ndarray:
    return np.arange(samples, dtype=np.float32)


@pytest.mark.parametrize(
    ("samples", "count"),
    [(WINDOW, 1), (int(10.9 * RATE), 1), (11 * RATE, 2), (16 * RATE, 7), (25 * RATE, 16)],
)
def test_a_window_every_second(samples, count):
    found = windows(counting(samples))
    assert found.shape == (count, WINDOW)
    assert list(found[:, 0]) == [place * RATE for place in range(count)]
    assert all(one[-1] == one[0] + WINDOW - 1 for one in found)


@pytest.mark.parametrize(("samples", "count"), [(8 * RATE, 7), (5 * RATE, 1), (RATE, 7)])
def test_short_sound_is_doubled(samples, count):
    """1 s is there sixteen times, in as many windows as sound of 16 s."""
    found = windows(counting(samples))
    assert found.shape == (count, WINDOW)
    for place, one in enumerate(found):
        np.testing.assert_array_equal(one, (np.arange(WINDOW) + place * RATE) % samples)


def test_missing_weights_say_what_to_do(tmp_path):
    with pytest.raises(MscKedroError, match="kedro models fetch speech_quality"):
        DNSMOS(tmp_path)


@pytest.fixture(scope="module")
def judge(model_folder):
    return DNSMOS(model_folder("speech_quality"))


@pytest.mark.real
def test_what_cannot_be_judged_says_why(judge):
    assert judge(np.zeros(RATE, np.float32)) == (None, None, None, "silence")
    assert judge(np.ones(RATE // 4, np.float32)) == (None, None, None, "under 0.5 s of sound")
    assert judge(np.zeros(0, np.float32)).reason == "under 0.5 s of sound"


@pytest.mark.real
def test_a_clean_voice_is_above_a_noisy_one(judge, model_folder):
    import soxr

    from msc_kedro.speaking.hibari import HibariVoice

    said = HibariVoice(model_folder("voice_female")).plain(
        "I did not think that you would come back before the end of the week.", rate=1.0
    )
    clean = soxr.resample(said.samples, said.sample_rate, RATE).astype(np.float32)
    noise = np.random.default_rng(0).standard_normal(len(clean)).astype(np.float32)
    noise *= np.sqrt(np.mean(clean**2))
    told = [judge(np.clip(clean + level * noise, -1, 1)) for level in (0.0, 0.1, 1.0)]
    overall, background = ([getattr(one, name) for one in told] for name in told[0]._fields[::2])
    assert overall[0] > 3 > overall[1] > overall[2] > 1
    assert background[0] > 4 > background[1] > background[2] > 1


@pytest.mark.real
@pytest.mark.parametrize(  # as speechmos 0.0.1.1 says of the same samples
    ("name", "span", "overall", "speech", "background"),
    [
        ("audio/jfk.flac", (0, None), 2.743098, 3.477677, 3.025981),
        ("audio/jfk.flac", (0, 1.3), 2.400093, 2.929584, 3.212478),
        ("audio/katiesteve.wav", (12.4, 23.9), 3.435133, 3.660305, 4.198689),
        ("audio/ami/dev00.wav", (0, 9.01), 3.044900, 3.382016, 4.088416),
    ],
)
def test_figures_are_the_published_ones(judge, clip, name, span, overall, speech, background):
    told = judge(np.clip(clip(name, *span), -1, 1))  # it refuses what lies beyond
    assert told[:3] == pytest.approx((overall, speech, background), abs=1e-4)
