"""Each kind of dataset has a preview that kedro-viz takes: it is asked, not we."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import soundfile
from kedro.io.core import Version

from msc_kedro.datasets import (
    AdapterFolder,
    CorpusFolder,
    FeatureShards,
    FiguresDataset,
    ModelDataset,
    SoundFolder,
    TableDataset,
)
from msc_kedro.datasets.previews import plain
from msc_kedro.execution.ragged import Ragged, ShardSet, write_shard
from msc_kedro.tables import TABLE_NAMES, empty, schema

Shown = Callable[[Any], tuple[str, Any]]
NEW = Version(None, "2026-01-01T00.00.00.000Z")


def test_a_table_with_words_in_it(tmp_path: Path, shown: Shown) -> None:
    dataset = TableDataset(filepath=str(tmp_path / "utterances.parquet"), table="utterances")
    word = {"word": " Hi", "start_s": 0.1, "end_s": 0.4, "probability": 0.9}
    place = {"source_id": "s", "start_s": 0.0, "end_s": 0.9, "turn": 0}
    heard = {"text": "Hi", "language": "en", "other_language": False, "overlap_s": 0.0}
    row = {"dialogue_id": "a", "name": None, **place, **heard}
    rows = [{"utterance_id": f"a-{n}", **row, "words": [word] * n} for n in range(30)]
    dataset.save(pd.DataFrame(rows))
    kind, table = shown(dataset)
    assert kind == "TablePreview"
    assert table["columns"][0] == "utterance_id" and table["columns"][-1] == "words"
    assert len(table["data"]) == len(table["index"]) == 20
    assert table["data"][3][-1] == "3 items" and table["data"][0][-1] == ""


@pytest.mark.parametrize("name", TABLE_NAMES)
def test_a_table_without_rows(tmp_path: Path, shown: Shown, name: Any) -> None:
    dataset = TableDataset(filepath=str(tmp_path / "t.parquet"), table=name)
    dataset.save(empty(name))
    kind, table = shown(dataset)
    assert kind == "TablePreview"
    assert table == {"index": [], "columns": list(schema(name).columns), "data": []}


def test_what_was_not_measured_is_null(tmp_path: Path, shown: Shown) -> None:
    row = dict.fromkeys(schema("voice").columns)
    row |= {"utterance_id": "a", "unmeasured": "pitch: no voice", "description": "A voice."}
    row |= {"written_by": "template"}
    dataset = TableDataset(filepath=str(tmp_path / "v.parquet"), table="voice")
    dataset.save(pd.DataFrame([row]))
    _, table = shown(dataset)
    told = dict(zip(table["columns"], table["data"][0], strict=True))
    assert told["pitch_mean_hz"] is None and told["gender"] is None
    assert told["description"] == "A voice."


def test_sounds(tmp_path: Path, shown: Shown) -> None:
    kept = {}
    for name, seconds in (("b", 1.5), ("a", 0.25)):
        kept[name] = tmp_path / f"{name}.flac"
        soundfile.write(kept[name], np.zeros(int(16_000 * seconds)), 16_000)
    dataset = SoundFolder(filepath=str(tmp_path / "sound"), version=NEW)
    dataset.save(kept)
    kind, table = shown(dataset)
    assert kind == "TablePreview"
    assert table["columns"] == ["id", "seconds"]
    assert table["data"] == [["a", 0.25], ["b", 1.5]]


def test_features(tmp_path: Path, shown: Shown) -> None:
    rows = {
        name: Ragged(np.zeros((n, 3), np.float32), np.zeros(n, np.float32))
        for name, n in (("a", 2), ("b", 0))
    }
    write_shard(tmp_path / "one.safetensors", rows)
    dataset = FeatureShards(filepath=str(tmp_path / "f"), version=NEW)
    dataset.save(ShardSet((tmp_path / "one.safetensors",), encoder="encoder@1", width=3))
    kind, table = shown(dataset)
    assert kind == "TablePreview"
    assert table["columns"] == ["id", "frames", "width", "encoder"]
    assert table["data"] == [["a", 2, 3, "encoder@1"], ["b", 0, 3, "encoder@1"]]


def test_a_corpus(tmp_path: Path, shown: Shown) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / 'a "quoted" #1.mp4').write_bytes(b"x" * 2_500_000)
    kind, table = shown(CorpusFolder(filepath=str(tmp_path)))
    assert kind == "TablePreview"
    assert table["data"] == [['deep/a "quoted" #1.mp4', 2.5]]


def test_an_adapter(tmp_path: Path, shown: Shown) -> None:
    import torch

    from msc_kedro.dialogue.prompt import PROMPT_VERSION
    from msc_kedro.training.adapter import FORMAT, Adapter

    config = {
        "format": FORMAT,
        "prompt_version": PROMPT_VERSION,
        "base_model": {"name": "tiny", "width": 8},
        "lora": None,
        "style": {"modalities": ["text", "audio"]},
    }
    dataset = AdapterFolder(filepath=str(tmp_path / "adapter"), version=NEW)
    dataset.save(Adapter(config, {"x": torch.zeros(2)}))
    kind, table = shown(dataset)
    assert kind == "TablePreview"
    told = dict(table["data"])
    assert told["base_model"] == "name: tiny, width: 8"
    assert told["lora"] is None and told["style"] == "modalities: text, audio"


@pytest.mark.parametrize(
    ("figures", "columns", "first"),
    [
        ({"steps": 3, "stopped_early": False}, ["figure", "value"], ["steps", 3]),
        ([{"metric": "bleu", "value": 1.5}, {"metric": "wer", "low": float("nan")}],
         ["metric", "value", "low"], ["bleu", 1.5, None]),
        ({"train": {"dialogues": 3}, "all": {"dialogues": 4, "words": 9}},
         ["of", "dialogues", "words"], ["train", 3, None]),
        ([], [], None),
    ],
)  # fmt: skip
def test_figures(
    tmp_path: Path, shown: Shown, figures: Any, columns: list[str], first: list[Any] | None
) -> None:
    dataset = FiguresDataset(filepath=str(tmp_path / "figures.json"))
    dataset.save(figures)
    kind, table = shown(dataset)
    assert kind == "TablePreview"
    assert table["columns"] == columns and len(table["data"]) == len(figures)
    assert table["data"][:1] == ([first] if first else [])


def model(folder: Path, slot: str, source: dict[str, Any]) -> dict[str, Any]:
    digest = hashlib.sha256(slot.encode()).hexdigest()
    return {
        "slot": slot,
        "title": f"The {slot}",
        "licence": "MIT",
        "used_for": "tests",
        "files": {"weights.bin": {"sha256": digest, "size": 2_000_000}},
        "sources": [source],
    }


def test_a_model_is_named_with_its_revision_and_not_fetched_for_it(
    tmp_path: Path, shown: Shown, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MSC_KEDRO_CACHE", str(tmp_path / "cache"))
    hub = {
        "repo": "some/model", "revision": "0d3d19a", "files": {"weights.bin": "weights.bin"}
    }  # fmt: skip
    dataset = ModelDataset(
        opens="types.SimpleNamespace",
        models={"folder": model(tmp_path, "ears", hub)},
        packaged=[model(tmp_path, "mouth", {"folder": "voices"})],
    )
    kind, table = shown(dataset)
    assert kind == "TablePreview"
    columns = ["slot", "model", "source and revision", "licence", "size", "fingerprint"]
    assert table["columns"] == columns
    assert [row[:5] for row in table["data"]] == [
        ["ears", "The ears", "hub some/model@0d3d19a", "MIT", "2.0 MB"],
        ["mouth", "The mouth", "folder voices", "MIT", "2.0 MB"],
    ]
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (np.float32(1.5), 1.5),
        (np.array(2), 2),
        (np.nan, None),
        (float("inf"), None),
        (np.array(["a", "b"]), "a, b"),
        ((1, None), "1, None"),
        (Path("a/b"), "a/b"),
        (True, True),
        ([{"a": 1}, {"a": 2}], "2 items"),
    ],
)
def test_values(value: Any, written: Any) -> None:
    assert plain(value) == written
