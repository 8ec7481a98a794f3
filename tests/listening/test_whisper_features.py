"""Speech features from Whisper's encoder."""

import numpy as np
import pytest

from msc_kedro.listening.whisper_features import WhisperFeatures


@pytest.fixture(scope="module")
def encode(model_folder):
    return WhisperFeatures(model_folder("asr"), threads=1, batch_size=2)


@pytest.mark.real
def test_fifty_vectors_a_second_trimmed_to_the_sound(encode, clip):
    sounds = [clip("audio/jfk.flac"), clip("video/obama.mp4", 1, 2.01), np.zeros(0, np.float32)]
    features = encode(sounds)
    assert encode.width == 384 and encode.vectors_per_s == 50
    assert [f.shape for f in features] == [
        (-(-len(sound) // 320), 384) for sound in sounds
    ]  # fmt: skip
    assert all(f.dtype == np.float32 and np.isfinite(f).all() for f in features)


@pytest.mark.real
def test_a_batch_gives_what_single_sounds_give(encode, clip):
    sounds = [clip("audio/jfk.flac", 0, 3), clip("video/obama.mp4", 1, 5)]
    together, alone = encode(sounds), [encode([sound])[0] for sound in sounds]
    for a, b in zip(together, alone, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-4)


@pytest.mark.real
def test_beyond_thirty_seconds_in_windows(encode, clip):
    sound = clip("audio/commercial_mono.wav")
    whole = encode([sound])[0]
    assert len(whole) == -(-len(sound) // 320)
    np.testing.assert_allclose(whole[1500:], encode([sound[480_000:]])[0], atol=1e-4)
