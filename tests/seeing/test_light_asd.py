"""Light-ASD: its sound features, its layout, and what is made of a file of weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from toy_faces import face

from msc_kedro.errors import MscKedroError
from msc_kedro.seeing.light_asd import FILE, LightASD, _network, mfcc

# Rows 0 and 20 of python_speech_features.mfcc (0.6) of `sweep` at 16 kHz.
KNOWN = {
    0: "20.281 8.124 -17.573 18.404 31.605 -22.078 -41.968 -1.419 -0.757 -45.086 -39.955 -3.089"
    " -9.487",
    20: "20.835 6.839 -17.379 44.174 1.688 -32.498 13.396 -3.826 -50.907 -11.917 -3.544 -41.311"
    " -17.636",
}


def sweep() -> np.ndarray:
    time = np.arange(8000) / 16_000
    wave = 0.3 * np.sin(2 * np.pi * 220 * time)
    wave += 0.1 * np.sin(2 * np.pi * 1870 * time * (1 + time))
    return (np.round(wave * 32768) / 32768).astype(np.float32)


@pytest.fixture(scope="module")
def untrained(tmp_path_factory: pytest.TempPathFactory) -> LightASD:
    """Of random weights, by a file as the authors write one."""
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("asd")
    torch.save(_network().state_dict(), folder / FILE)
    return LightASD(folder)


@pytest.mark.parametrize("row", KNOWN)
def test_cepstra_are_those_it_was_trained_on(row: int) -> None:
    expected = [float(value) for value in KNOWN[row].split()]
    assert np.allclose(mfcc(sweep(), frames=48)[row], expected, atol=2e-3)


def test_sound_is_filled_up_with_silence() -> None:
    found = mfcc(sweep()[:1600], frames=40)
    assert found.shape == (40, 13) and np.isfinite(found).all()
    assert np.allclose(found[20:], found[20])


def test_size_and_names_of_the_published_file() -> None:
    state = _network().state_dict()
    assert len(state) == 192
    sizes = {name: tuple(tensor.shape) for name, tensor in state.items()}
    assert sizes["model.visualEncoder.block2.s_5.weight"] == (64, 32, 1, 5, 5)
    assert sizes["model.visualEncoder.block3.t_3.weight"] == (128, 128, 3, 1, 1)
    assert sizes["model.audioEncoder.block1.m_5.weight"] == (32, 1, 5, 1)
    assert sizes["model.GRU.gru_backward.weight_hh_l0"] == (384, 128)
    assert sizes["lossV.FC.weight"] == (2, 128)


def test_a_score_per_picture_also_of_long_stretches(
    untrained: LightASD, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("msc_kedro.seeing.light_asd._LONGEST", 8)
    pictures = np.random.default_rng(0).integers(0, 256, (12, 112, 112), np.uint8)
    sound = np.random.default_rng(1).normal(size=12 * 640).astype(np.float32) * 0.1
    scores = untrained.frame_scores(pictures, sound)
    assert scores.shape == (12,) and scores.dtype == np.float32
    first = untrained.frame_scores(pictures[:8], sound)
    assert np.allclose(scores[:8], first, atol=1e-5)
    assert untrained.score(pictures, sound) == pytest.approx(float(scores.mean()))


def test_the_flat_convolution_over_time_is_the_same(untrained: LightASD) -> None:
    layer = untrained._network.model.visualEncoder.block2.t_5
    x = torch.randn(1, 64, 9, 5, 7, generator=torch.Generator().manual_seed(0))
    expected = torch.nn.functional.conv3d(x, layer.weight, padding=(2, 0, 0))
    assert torch.allclose(layer(x), expected, atol=1e-5)


def test_a_crop_is_around_the_mouth(untrained: LightASD) -> None:
    picture = np.zeros((200, 200), np.uint8)
    picture[120:160, 60:140] = 255  # the lower part of a face of 100 pixels from (50, 50)
    patch = untrained.patch(picture, face(50, 50, side=100))
    assert patch.shape == (112, 112)
    # 0.7 of the face, 35 pixels to each side of (100, 120): what is white begins in its middle.
    assert patch[:54].max() == 0 and patch[58:110, 8:104].min() == 255
    assert (untrained.patch(picture, face(-300, 50)) == 110).all()


def test_another_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"no weights")
    with pytest.raises(MscKedroError, match="was not opened"):
        LightASD(tmp_path)
