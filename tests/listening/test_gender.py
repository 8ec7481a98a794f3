"""Male and female voices."""

import numpy as np
import pytest

from msc_kedro.errors import MscKedroError
from msc_kedro.listening.gender import GenderClassifier, mel_bands


def test_mel_bands_peak_where_the_tone_is():
    times = np.arange(16_000) / 16_000
    peaks = []
    for hz in (200, 1000, 3000, 6000):
        bands, energy = mel_bands(np.sin(2 * np.pi * hz * times).astype(np.float32))
        assert bands.shape == (98, 24) and energy.shape == (98,)
        peaks.append(int(bands.mean(axis=0).argmax()))
    assert peaks == sorted(set(peaks))


def test_missing_weights_say_what_to_do(tmp_path):
    with pytest.raises(MscKedroError, match="kedro models fetch"):
        GenderClassifier(tmp_path)


@pytest.fixture(scope="module")
def classify(model_folder):
    return GenderClassifier(model_folder("gender"))


@pytest.mark.real
@pytest.mark.parametrize(
    ("name", "span", "label"),
    [
        ("video/obama.mp4", (0.8, None), "male"),
        ("video/sad_aoc.mp4", (0, None), "female"),
        ("video/sad_katie.mp4", (0, None), "female"),
        ("audio/jfk.flac", (0, None), "male"),
        ("audio/katiesteve.wav", (3.9, 11.5), "female"),
        ("audio/katiesteve.wav", (12.4, 23.9), "male"),
        ("audio/ami/trn03.wav", (2, None), "male"),
    ],
)
def test_known_speakers(classify, clip, name, span, label):
    guess = classify(clip(name, *span))
    assert guess.label == label
    assert 0.5 <= guess.probability <= 1


@pytest.mark.real
def test_short_sound_and_silence(classify, clip):
    assert classify(clip("video/obama.mp4", 2.4, 2.9)).label == "male"  # shorter than a patch
    assert classify(np.zeros(32_000, np.float32)) is None
    assert classify(np.ones(100, np.float32)) is None
