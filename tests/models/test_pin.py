"""A repository of the hub becomes an entry whose every file has a checksum."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from msc_kedro.errors import MscKedroError
from msc_kedro.models import add_entry, pin, read_specs
from msc_kedro.models.access import NeedsAccess

PROJECT = Path(__file__).parents[2]
COMMIT = "0123456789abcdef0123456789abcdef01234567"
CONFIG = b'{"model_type": "mistral"}'


class Hub:
    """What is asked of the hub, with files of its own."""

    def __init__(self, *names: str, folder: Path) -> None:
        self.names, self.folder = names, folder
        self.fetched: list[str] = []

    def model_info(self, repo: str, *, revision: str, files_metadata: bool) -> Any:
        assert files_metadata and revision == "main"
        large = SimpleNamespace(sha256="a" * 64, size=5_000_000_000)
        files = [
            SimpleNamespace(rfilename=n, lfs=None if n.endswith(".json") else large)
            for n in self.names
        ]
        card = SimpleNamespace(license="apache-2.0")
        return SimpleNamespace(sha=COMMIT, siblings=files, card_data=card)

    def download(self, repo: str, name: str, *, revision: str) -> str:
        assert revision == COMMIT
        self.fetched.append(name)
        path = self.folder / name
        path.write_bytes(CONFIG)
        return str(path)


def asked(hub: Any, **more: Any) -> Any:
    return pin(
        "some/model", slot="language_model", used_for="replies", hub=hub, download=hub.download,
        **more,
    )  # fmt: skip


def test_the_files_that_transformers_reads_at_one_commit(tmp_path: Path) -> None:
    hub = Hub(
        *("config.json", "model-00001-of-00001.safetensors", "model.safetensors.index.json"),
        *("pytorch_model.bin", "consolidated.safetensors", "tokenizer.model", "README.md"),
        *("onnx/model.safetensors", "modeling_own.py"),
        folder=tmp_path,
    )
    spec = asked(hub)
    small = {"sha256": hashlib.sha256(CONFIG).hexdigest(), "size": len(CONFIG)}
    large = {"sha256": "a" * 64, "size": 5_000_000_000}
    assert {name: fact.model_dump() for name, fact in spec.files.items()} == {
        "config.json": small,
        "model-00001-of-00001.safetensors": large,
        "model.safetensors.index.json": small,
        "tokenizer.model": large,
    }
    assert spec.revision == f"hub some/model@{COMMIT}" and spec.licence == "apache-2.0"
    assert hub.fetched == ["config.json", "model.safetensors.index.json"]  # not the large ones


def test_pickles_only_by_name(tmp_path: Path) -> None:
    hub = Hub("config.json", "pytorch_model.bin", folder=tmp_path)
    with pytest.raises(MscKedroError, match=r"no safetensors. It holds config.json, pytorch_"):
        asked(hub)
    assert set(asked(hub, only=["*.bin"]).files) == {"pytorch_model.bin"}


def test_an_entry_is_added_and_nothing_else_changes(tmp_path: Path) -> None:
    path = tmp_path / "models.yml"
    path.write_text("# ours\nasr: {title: x} # keep\n")
    spec = asked(Hub("config.json", "model.safetensors", folder=tmp_path), prepare="a.b")
    add_entry(path, spec)
    text = path.read_text()
    assert text.startswith("# ours\nasr: {title: x} # keep\n")
    entry = yaml.safe_load(text)["language_model"]
    assert read_specs({"language_model": entry})["language_model"] == spec
    with pytest.raises(MscKedroError, match="has a model language_model already"):
        add_entry(path, spec)
    assert path.read_text() == text


def test_what_the_hub_refuses_is_told(tmp_path: Path) -> None:
    import requests
    from huggingface_hub.errors import GatedRepoError

    response = requests.Response()
    response.status_code = 403

    class Closed(Hub):
        def model_info(self, *_: Any, **__: Any) -> Any:
            raise GatedRepoError("no", response=response)

    with pytest.raises(NeedsAccess, match=r"accept the terms(.|\n)*kedro models pin some/model"):
        asked(Closed(folder=tmp_path))

    class Away(Hub):
        def model_info(self, *_: Any, **__: Any) -> Any:
            raise requests.ConnectionError("no way there")

    with pytest.raises(MscKedroError, match="did not tell of some/model: no way there"):
        asked(Away(folder=tmp_path))


def test_the_command_writes_entry_and_lock(tmp_path: Path, monkeypatch: Any) -> None:
    import msc_kedro.models
    from msc_kedro.cli.models import models

    for name in ("conf", "pyproject.toml"):
        copy = shutil.copytree if (PROJECT / name).is_dir() else shutil.copy
        copy(PROJECT / name, tmp_path / name)
    (tmp_path / "src").mkdir()  # the package itself is installed
    spec = asked(Hub("config.json", "model.safetensors", folder=tmp_path))
    monkeypatch.setattr(msc_kedro.models, "pin", lambda repo, **_: spec)
    command = ["pin", "some/model", "--slot", "language_model", "--env", "paper"]
    done = CliRunner().invoke(models, command, obj=SimpleNamespace(project_path=tmp_path))
    assert done.exit_code == 0, done.output
    assert f"language_model is hub some/model@{COMMIT}, 2 files" in done.output
    assert f"hub some/model@{COMMIT}" in (tmp_path / "conf/paper/models.lock").read_text()
