import numpy as np
import pytest

from msc_kedro.listening.features import Heard, encode_sounds
from msc_kedro.listening.mel import MelSpectrogram, mel_bands


def tone(hz, seconds=1.0, loud=0.5):
    return (loud * np.sin(2 * np.pi * hz * np.arange(int(16_000 * seconds)) / 16_000)).astype(
        np.float32
    )


@pytest.mark.filterwarnings("ignore:At least one mel filterbank")
def test_it_is_torchaudios_as_the_published_code_calls_it():
    torch = pytest.importorskip("torch")
    transforms = pytest.importorskip("torchaudio.transforms")
    noise = np.random.default_rng(0).normal(scale=0.1, size=20_001).astype(np.float32)
    theirs = transforms.MelSpectrogram(n_fft=1024)(torch.from_numpy(noise)).T.numpy()
    ours = MelSpectrogram(log=False)([noise])[0]
    assert ours.shape == theirs.shape == (20_001 // 512 + 1, 128)
    assert np.allclose(ours, theirs, rtol=1e-4, atol=1e-5)


def test_a_tone_is_in_its_band_at_every_moment():
    found = MelSpectrogram()([tone(1000)])[0]
    peak = int(np.argmax(mel_bands()[64]))  # 1000 Hz is line 64 of 15.6 Hz each
    assert (np.abs(found[1:-1].argmax(axis=1) - peak) <= 1).all()


def test_sounds_are_alone_and_short_ones_are_heard():
    encode = MelSpectrogram()
    sounds = [tone(300), tone(2000, 0.01), np.zeros(0, np.float32), np.zeros(100, np.float32)]
    together = encode(sounds)
    assert [len(one) for one in together] == [32, 1, 0, 1]
    assert all(one.dtype == np.float32 and one.shape[1] == encode.width for one in together)
    assert all((encode([s])[0] == one).all() for s, one in zip(sounds, together, strict=True))
    assert np.isfinite(together[3]).all()


@pytest.mark.parametrize("log", [True, False])
def test_the_loudest_fits_into_a_shard(log):
    found = MelSpectrogram(log=log)([tone(40, loud=1.0), np.ones(9_000, np.float32)])
    assert all(np.isfinite(one.astype(np.float16)).all() for one in found)


def test_times_follow_its_own_rate(tmp_path):
    heard = [Heard("u", tmp_path / "a.flac", 0.0, 1.0)]
    row = encode_sounds(heard, [[tone(500)]], encode=MelSpectrogram())["u"]
    assert np.allclose(np.diff(row.times_s), 1 / 31.25) and row.times_s[-1] < 1.02
