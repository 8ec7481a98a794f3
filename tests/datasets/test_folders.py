"""Folders as datasets."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from kedro.io.core import DatasetError, Version

from msc_kedro.datasets import CorpusFolder, FeatureShards, PictureFolder, SoundFolder, WorkFolder
from msc_kedro.errors import MscKedroError
from msc_kedro.execution.ragged import Ragged, ShardSet, write_shard

EARLY, LATE = "2025-01-01T00.00.00.000Z", "2026-01-01T00.00.00.000Z"
LATEST = Version(None, None)


@pytest.fixture
def sounds(tmp_path: Path) -> dict[str, Path]:
    found = {}
    for name in ("b", "a"):
        found[name] = tmp_path / f"kept-{name}.flac"
        found[name].write_bytes(name.encode())
    return found


def test_sounds_are_linked_under_their_ids(tmp_path: Path, sounds: dict[str, Path]) -> None:
    folder = SoundFolder(filepath=str(tmp_path / "sound"), version=Version(None, EARLY))
    assert not folder.exists()
    folder.save(sounds)
    found = SoundFolder(filepath=str(tmp_path / "sound"), version=LATEST).load()
    assert list(found) == ["a", "b"]
    assert found["a"].read_bytes() == b"a" and found["a"].samefile(sounds["a"])


def test_pictures_are_linked_under_their_names(tmp_path: Path) -> None:
    (tmp_path / "kept.jpg").write_bytes(b"JPEG")
    folder = PictureFolder(filepath=str(tmp_path / "sheets"), version=Version(None, EARLY))
    folder.save({"a-film.mp4": tmp_path / "kept.jpg"})
    found = PictureFolder(filepath=str(tmp_path / "sheets"), version=LATEST)
    assert {name: path.name for name, path in found.load().items()} == {
        "a-film.mp4": "a-film.mp4.jpg"
    }
    assert base64.b64decode(found.preview()) == b"JPEG"


def test_no_sounds(tmp_path: Path) -> None:
    folder = SoundFolder(filepath=str(tmp_path / "sound"), version=Version(None, EARLY))
    folder.save({})
    assert folder.exists() and folder.load() == {}


def test_a_half_version_is_never_the_latest(tmp_path: Path, sounds: dict[str, Path]) -> None:
    place = tmp_path / "sound"
    SoundFolder(filepath=str(place), version=Version(None, EARLY)).save({"a": sounds["a"]})
    half = place / LATE / "sound"
    half.mkdir(parents=True)
    (half / "x.flac").touch()
    latest = SoundFolder(filepath=str(place), version=LATEST)
    assert list(latest.load()) == ["a"]
    SoundFolder(filepath=str(place), version=Version(None, LATE)).save(sounds)  # gives way
    again = SoundFolder(filepath=str(place), version=LATEST)
    assert list(again.load()) == ["a", "b"]
    with pytest.raises(DatasetError, match="must not exist"):
        SoundFolder(filepath=str(place), version=Version(None, LATE)).save(sounds)


def test_only_a_half_version_is_none(tmp_path: Path) -> None:
    (tmp_path / "sound" / EARLY / "sound").mkdir(parents=True)
    folder = SoundFolder(filepath=str(tmp_path / "sound"), version=LATEST)
    assert not folder.exists()
    with pytest.raises(DatasetError):
        folder.load()


def test_a_lost_sound_publishes_nothing(tmp_path: Path, sounds: dict[str, Path]) -> None:
    folder = SoundFolder(filepath=str(tmp_path / "sound"), version=Version(None, EARLY))
    with pytest.raises((DatasetError, OSError)):
        folder.save({**sounds, "c": tmp_path / "gone.flac"})
    assert not folder.exists()
    assert [*(tmp_path / "sound").rglob("*.flac")] == []


def test_features_by_id(tmp_path: Path) -> None:
    paths = []
    for index, names in enumerate(["ab", "c"]):
        rows = {
            name: Ragged(np.full((2, 3), index, np.float32), np.zeros(2, np.float32))
            for name in names
        }
        paths.append(tmp_path / f"work-{index}.safetensors")
        write_shard(paths[-1], rows)
    made = ShardSet(tuple(paths), encoder="encoder@1", width=3)
    for version in (EARLY, LATE):
        FeatureShards(filepath=str(tmp_path / "f"), version=Version(None, version)).save(made)
    found = FeatureShards(filepath=str(tmp_path / "f"), version=LATEST).load()
    assert sorted(found) == ["a", "b", "c"]
    assert (found.encoder, found.width) == ("encoder@1", 3)
    assert found["c"].values.tolist() == [[1, 1, 1], [1, 1, 1]]
    one, two = ({p.name: p.read_bytes() for p in (tmp_path / "f" / v / "f").iterdir()}
                for v in (EARLY, LATE))  # fmt: skip
    assert one == two and "manifest.json" in one


def test_no_features(tmp_path: Path) -> None:
    """A corpus of sound only has no pictures."""
    shards = FeatureShards(filepath=str(tmp_path / "f"), version=Version(None, EARLY))
    shards.save(ShardSet((), encoder="encoder@1", width=3))
    assert len(shards.load()) == 0 and shards.load().width == 3


def test_corpus_writes_where_nothing_is(tmp_path: Path) -> None:
    corpus = CorpusFolder(filepath=str(tmp_path / "new" / "demo"))
    assert not corpus.exists()
    corpus.save([("a.mp4", b"film"), ("truth.json", b"{}")])
    assert corpus.exists()
    assert [path.name for path in corpus.load().files()] == ["a.mp4"]
    corpus.save([("b.mp4", b"film")])  # its own it may replace
    assert [path.name for path in corpus.load().files()] == ["b.mp4"]


def test_corpus_leaves_a_foreign_folder_alone(tmp_path: Path) -> None:
    (tmp_path / "holiday.mp4").write_bytes(b"mine")
    with pytest.raises((DatasetError, MscKedroError), match="is not empty"):
        CorpusFolder(filepath=str(tmp_path)).save([("a.mp4", b"film")])
    assert [path.name for path in tmp_path.iterdir()] == ["holiday.mp4"]


def test_a_demo_that_fails_leaves_nothing(tmp_path: Path) -> None:
    def films() -> Iterator[tuple[str, bytes]]:
        yield "a.mp4", b"film"
        raise RuntimeError("the voice broke")

    corpus = CorpusFolder(filepath=str(tmp_path / "demo"))
    with pytest.raises((DatasetError, RuntimeError), match="the voice broke"):
        corpus.save(films())
    assert list(tmp_path.iterdir()) == []


def test_work_folder(tmp_path: Path) -> None:
    work = WorkFolder(filepath=str(tmp_path / "data" / ".work"))
    folder = work.load()
    assert folder.is_dir() and work.load() == folder
    with pytest.raises((DatasetError, TypeError), match="never an output"):
        work.save("anything")
