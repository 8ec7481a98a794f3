"""CLIP's picture branch, on a tiny random one written here."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from msc_kedro.errors import MscKedroError
from msc_kedro.seeing.clip import ClipPictures


def tiny(folder: Path, *, whole: bool) -> Path:
    """A CLIP of 32-pixel pictures: the whole model, or its picture branch alone."""
    import torch
    from transformers import (
        CLIPConfig,
        CLIPModel,
        CLIPTextConfig,
        CLIPVisionConfig,
        CLIPVisionModelWithProjection,
    )

    shape = {
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "projection_dim": 12,
    }
    vision = CLIPVisionConfig(**shape, image_size=32, patch_size=8)
    torch.manual_seed(0)
    if whole:
        text = CLIPTextConfig(**shape, vocab_size=50)
        config = CLIPConfig.from_text_vision_configs(text, vision, projection_dim=12)
        CLIPModel(config).save_pretrained(folder)
    else:
        CLIPVisionModelWithProjection(vision).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny(tmp_path_factory.mktemp("clip"), whole=True)


@pytest.fixture(scope="module")
def pictures() -> list[np.ndarray]:
    random = np.random.default_rng(0)
    return list(random.integers(0, 256, (11, 32, 32, 3), np.uint8))


def test_what_transformers_gives(folder: Path, pictures: list[np.ndarray]) -> None:
    """With CLIP's own preparation of pictures, as published."""
    import torch
    from transformers import CLIPImageProcessor, CLIPModel

    prepare = CLIPImageProcessor(
        size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32}, do_convert_rgb=False
    )
    pixels = prepare(pictures, return_tensors="pt")["pixel_values"]
    with torch.inference_mode():
        expected = CLIPModel.from_pretrained(folder).get_image_features(pixels).numpy()
    encode = ClipPictures(folder, device="cpu")
    found = encode(pictures)
    assert (encode.width, encode.short_side, encode.crop, encode.bicubic) == (12, 32, 32, True)
    assert found.shape == (11, 12) and found.dtype == np.float32
    assert np.abs(found - expected).max() < 1e-5
    assert np.abs(found - encode(pictures[::-1])).max() > 0.01  # they differ from one another
    assert encode([]).shape == (0, 12)


def test_neighbours_in_a_batch_change_nothing(folder: Path, pictures: list[np.ndarray]) -> None:
    together = ClipPictures(folder, device="cpu")(pictures)
    alone = np.concatenate([ClipPictures(folder, device="cpu")([p]) for p in pictures[:3]])
    assert np.abs(together[:3] - alone).max() < 1e-5
    assert (
        np.abs(ClipPictures(folder, batch_size=4, device="cpu")(pictures) - together).max() < 1e-5
    )


@pytest.mark.parametrize(("precision", "near"), [("float16", 2e-3), ("bfloat16", 2e-2)])
def test_half_precision_is_near(
    folder: Path, pictures: list[np.ndarray], precision: str, near: float
) -> None:
    exact = ClipPictures(folder, device="cpu")(pictures)
    half = ClipPictures(folder, device="cpu", precision=precision)(pictures)  # type: ignore[arg-type]
    assert 0 < np.abs(half - exact).max() < near * np.abs(exact).max()


def test_the_picture_branch_alone(tmp_path: Path, pictures: list[np.ndarray]) -> None:
    assert ClipPictures(tiny(tmp_path, whole=False), device="cpu")(pictures).shape == (11, 12)


def test_what_is_no_clip_is_refused(folder: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    with pytest.raises(MscKedroError, match=r"holds no CLIPVisionModelWithProjection"):
        ClipPictures(tmp_path)
    part = tmp_path / "part"
    part.mkdir()
    weights = load_file(folder / "model.safetensors")
    weights.pop("visual_projection.weight")  # transformers would draw it at random
    save_file(weights, part / "model.safetensors", metadata={"format": "pt"})
    (part / "config.json").write_bytes((folder / "config.json").read_bytes())
    with pytest.raises(MscKedroError, match=r"lacks 1 of the weights .* visual_projection.weight"):
        ClipPictures(part)


def test_pickles_are_not_read(folder: Path, tmp_path: Path) -> None:
    import torch
    from safetensors.torch import load_file

    (tmp_path / "config.json").write_bytes((folder / "config.json").read_bytes())
    torch.save(load_file(folder / "model.safetensors"), tmp_path / "pytorch_model.bin")
    with pytest.raises(MscKedroError, match=r"Expected config.json and model.safetensors"):
        ClipPictures(tmp_path)


@pytest.mark.gpu
def test_on_a_gpu(folder: Path, pictures: list[np.ndarray]) -> None:
    import torch

    if not torch.cuda.is_available():
        pytest.skip("needs a CUDA device")
    exact = ClipPictures(folder, device="cpu")(pictures)
    encode = ClipPictures(folder)
    found = encode(pictures)
    assert np.abs(found - exact).max() < 1e-2 * np.abs(exact).max()
    alone = np.concatenate([encode([picture]) for picture in pictures])
    assert np.abs(found - alone).max() < 1e-3 * np.abs(exact).max()
