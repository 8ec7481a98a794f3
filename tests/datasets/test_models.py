"""Models as catalog entries."""

from __future__ import annotations

import hashlib
import pickle

import pytest
from kedro.io import DatasetError

from msc_kedro.datasets import ModelDataset
from msc_kedro.errors import MscKedroError


@pytest.fixture
def source(tmp_path, monkeypatch):
    """A model of one file in a folder, as models.yml would name it."""
    monkeypatch.setenv("MSC_KEDRO_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "weights.bin").write_bytes(b"weights")
    digest = hashlib.sha256(b"weights").hexdigest()
    return {
        "slot": "thing",
        "title": "A thing",
        "licence": "MIT",
        "used_for": "tests",
        "files": {"weights.bin": {"sha256": digest, "size": 7}},
        "sources": [{"folder": str(folder)}],
    }


def test_loads_to_a_picklable_opener_that_opens_once(source):
    opener = ModelDataset(opens="pathlib.PurePath", models={}, packaged=[source]).load()
    assert pickle.loads(pickle.dumps(opener)) == opener
    assert opener.open() is opener.open()


def test_hands_over_the_folder_of_the_checked_files(source):
    dataset = ModelDataset(opens="types.SimpleNamespace", models={"folder": source})
    opened = dataset.load().open()
    assert (opened.folder / "weights.bin").read_bytes() == b"weights"
    ((slot, title, taken_from, licence),) = dataset.uses()
    assert (slot, title, licence) == ("thing", "A thing", "MIT")
    assert taken_from == f"folder {source['sources'][0]['folder']}"


def test_other_bytes_are_refused(source):
    source["files"]["weights.bin"]["sha256"] = "0" * 64
    with pytest.raises(DatasetError, match="thing") as told:
        ModelDataset(opens="types.SimpleNamespace", models={"folder": source}).load()
    assert isinstance(told.value.__cause__, MscKedroError)
