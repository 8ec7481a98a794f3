from __future__ import annotations

import io

import numpy as np
import pytest
import soundfile

from msc_kedro.errors import MscKedroError
from msc_kedro.report.audio import encode_audio


def tone(sample_rate: int, length_s: float = 2.0) -> np.ndarray:
    time = np.arange(round(sample_rate * length_s)) / sample_rate
    return (0.3 * np.sin(2 * np.pi * 220 * time)).astype(np.float32)


@pytest.mark.parametrize("sample_rate", [16_000, 22_050, 24_000])
def test_encoded_sound_decodes_to_the_same(sample_rate: int) -> None:
    samples = tone(sample_rate)
    audio = encode_audio(samples, sample_rate)
    heard, rate = soundfile.read(io.BytesIO(audio.data), dtype="float32")
    assert (audio.mime, rate, heard.size) == ("audio/mpeg", sample_rate, samples.size)
    assert np.corrcoef(heard, samples)[0, 1] > 0.99
    assert len(audio.data) < 2 * 12_000


def test_the_same_sound_gives_the_same_bytes() -> None:
    assert encode_audio(tone(24_000), 24_000) == encode_audio(tone(24_000), 24_000)


def test_loud_sound_is_clipped_and_stays_finite() -> None:
    heard, _ = soundfile.read(io.BytesIO(encode_audio(9 * tone(16_000), 16_000).data))
    assert np.isfinite(heard).all()


@pytest.mark.parametrize(
    ("samples", "sample_rate", "found"),
    [
        (np.zeros(0, np.float32), 16_000, "shape"),
        (np.zeros((2, 9), np.float32), 16_000, "shape"),
        (np.zeros(9, np.float32), 17_000, "17000 Hz"),
    ],
)
def test_what_cannot_be_encoded_is_said(samples: np.ndarray, sample_rate: int, found: str) -> None:
    with pytest.raises(MscKedroError, match=found):
        encode_audio(samples, sample_rate)
