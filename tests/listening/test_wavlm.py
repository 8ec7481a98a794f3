"""WavLM's features, on tiny random networks written here."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from msc_kedro.errors import MscKedroError
from msc_kedro.listening.wavlm import WavLMFeatures

LAYERS = 3


def tiny(folder: Path, *, normalise: bool | None = True, **changed: Any) -> Path:
    """WavLM with the strides of the real ones, so 50 vectors a second; `changed` for others."""
    import torch
    from transformers import WavLMConfig, WavLMModel

    config = WavLMConfig(
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=LAYERS,
        num_attention_heads=4,
        conv_dim=(16,) * 7,
        num_conv_pos_embeddings=16,
        num_conv_pos_embedding_groups=4,
        **{"feat_extract_norm": "layer", "do_stable_layer_norm": True, **changed},
    )
    torch.manual_seed(0)
    network = WavLMModel(config)
    for weights in network.parameters():  # as drawn they are so small that all vectors are alike
        if weights.dim() > 1:
            torch.nn.init.normal_(weights, std=weights[0].numel() ** -0.5)
    network.save_pretrained(folder)
    if normalise is not None:
        told = {"do_normalize": normalise, "sampling_rate": 16_000}
        (folder / "preprocessor_config.json").write_text(json.dumps(told))
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny(tmp_path_factory.mktemp("wavlm"))


@pytest.fixture(scope="module")
def sounds() -> list[np.ndarray]:
    """Noise of seven lengths, short and long mixed, none a multiple of another."""
    random = np.random.default_rng(0)
    lengths = [16_000, 5_000, 40_003, 401, 9_999, 40_000, 23_456]
    return [random.normal(0, 0.1, n).astype(np.float32) for n in lengths]


def test_what_transformers_gives(folder: Path, sounds: list[np.ndarray]) -> None:
    import torch
    from transformers import Wav2Vec2FeatureExtractor, WavLMModel

    network = WavLMModel.from_pretrained(folder).eval()
    prepare = Wav2Vec2FeatureExtractor.from_pretrained(folder)
    encode = WavLMFeatures(folder, device="cpu")
    assert (encode.width, encode.vectors_per_s) == (32, 50)
    for sound, found in zip(sounds, encode(sounds), strict=True):
        values = prepare(sound, sampling_rate=16_000, return_tensors="pt").input_values
        with torch.inference_mode():
            expected = network(values).last_hidden_state[0].numpy()
        assert found.shape == expected.shape == ((len(sound) - 400) // 320 + 1, 32)
        assert found.dtype == np.float32
        assert np.abs(found - expected).max() < 2e-3  # its norm has another epsilon


@pytest.mark.parametrize(
    "kind", [{}, {"feat_extract_norm": "group", "do_stable_layer_norm": False}], ids=str
)
def test_neighbours_in_a_batch_change_nothing(
    tmp_path: Path, sounds: list[np.ndarray], kind: dict[str, Any]
) -> None:
    """The large model and the base ones: the norm of these sees padding."""
    folder = tiny(tmp_path, **kind)
    encode = WavLMFeatures(folder, device="cpu")
    alone = [encode([sound])[0] for sound in sounds]
    spread = np.concatenate(alone).std()
    orders = [list(range(7)), [3, 2, 1, 0, 6, 5, 4], [2, 5], [3, 2]]
    for batch_s in (0.1, 3.0, 100.0):
        together = WavLMFeatures(folder, device="cpu", batch_s=batch_s)
        for order in orders:
            for place, found in zip(order, together([sounds[i] for i in order]), strict=True):
                assert np.abs(found - alone[place]).max() < 1e-3 * spread
    again = WavLMFeatures(folder, device="cpu")(sounds)
    assert all(a.tobytes() == b.tobytes() for a, b in zip(encode(sounds), again, strict=True))


def test_batches_are_of_similar_lengths_and_bounded(folder: Path) -> None:
    encode = WavLMFeatures(folder, device="cpu", batch_s=1.0)
    lengths = [100, 16_000, 5_000, 40_000, 5_000, 5_000, 4_000]
    batches = list(encode._batches(lengths))
    assert batches == [[3], [1], [2, 4, 5], [6], [0]]
    assert all(len(b) * lengths[b[0]] <= 16_000 or len(b) == 1 for b in batches)


def test_layers(folder: Path, sounds: list[np.ndarray]) -> None:
    def of(**options: Any) -> list[np.ndarray]:
        return WavLMFeatures(folder, device="cpu", **options)(sounds[:2])

    layers = [of(layer=n) for n in range(LAYERS + 1)]
    for first, second in ((0, 1), (1, 2), (2, 3)):
        assert np.abs(layers[first][0] - layers[second][0]).max() > 0.01
    last = of()
    assert all(np.array_equal(a, b) for a, b in zip(layers[-1], last, strict=True))
    summed = of(weights=[0.0, 2.0, 1.0, 1.0])
    expected = [
        0.5 * b + 0.25 * c + 0.25 * d for b, c, d in zip(*layers[1:], strict=True)
    ]  # divided by their sum
    assert all(np.abs(a - b).max() < 1e-5 for a, b in zip(summed, expected, strict=True))
    for wrong, told in (
        ({"layer": LAYERS + 1}, "layer 4 is none of this network's; expected 0 to 3"),
        ({"weights": [1.0]}, "1 weights; expected 4"),
        ({"layer": 1, "weights": [1.0] * 4}, "not both"),
    ):
        with pytest.raises(MscKedroError, match=told):
            of(**wrong)


def test_the_level_counts_only_where_it_is_not_normalised(
    tmp_path: Path, folder: Path, sounds: list[np.ndarray]
) -> None:
    def change(where: Path, **options: Any) -> float:
        loud, soft = WavLMFeatures(where, device="cpu", **options)([sounds[0], sounds[0] * 5 + 0.1])
        return float(np.abs(loud - soft).max())

    plain = tiny(tmp_path / "plain", normalise=False)
    assert change(folder) < 0.05 < 0.2 < change(plain)
    assert change(plain, normalise=True) < 0.05
    with pytest.raises(MscKedroError, match=r"preprocessor_config.json was not found"):
        WavLMFeatures(tiny(tmp_path / "untold", normalise=None))


def test_short_long_and_none(folder: Path) -> None:
    random = np.random.default_rng(1)
    long = random.normal(0, 0.1, 70 * 16_000).astype(np.float32)
    encode = WavLMFeatures(folder, device="cpu", normalise=False)
    none, short, found = encode([np.zeros(0), long[:50], long])
    assert none.shape == (0, 32) and short.shape == (1, 32)
    window = (30 * 16_000 - 400) // 320 + 1
    assert len(found) == 2 * window + (10 * 16_000 - 400) // 320 + 1
    second = encode([long[30 * 16_000 : 60 * 16_000]])[0]
    assert np.abs(found[window : 2 * window] - second).max() < 1e-4
    rest = encode([long[: 30 * 16_000 + 100]])[0]  # less than a vector's worth beyond the window
    assert len(rest) == window


@pytest.mark.parametrize(("precision", "near"), [("float16", 1e-2), ("bfloat16", 0.15)])
def test_half_precision_is_near(
    folder: Path, sounds: list[np.ndarray], precision: Any, near: float
) -> None:
    exact = np.concatenate(WavLMFeatures(folder, device="cpu")(sounds))
    encode = WavLMFeatures(folder, device="cpu", precision=precision)
    half = np.concatenate(encode(sounds))
    assert 0 < np.sqrt(np.mean((half - exact) ** 2)) < near * exact.std()
    alone = np.concatenate([encode([sound])[0] for sound in sounds])
    assert np.sqrt(np.mean((half - alone) ** 2)) < near / 10 * exact.std()


@pytest.mark.gpu
def test_on_a_gpu(folder: Path, sounds: list[np.ndarray]) -> None:
    import torch

    if not torch.cuda.is_available():
        pytest.skip("needs a CUDA device")
    exact = np.concatenate(WavLMFeatures(folder, device="cpu")(sounds))
    encode = WavLMFeatures(folder)
    found = np.concatenate(encode(sounds))
    assert np.sqrt(np.mean((found - exact) ** 2)) < 1e-2 * exact.std()
    alone = np.concatenate([encode([sound])[0] for sound in sounds])
    assert np.sqrt(np.mean((found - alone) ** 2)) < 1e-3 * exact.std()
