"""Tables in Parquet, with their contracts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from kedro.io.core import DatasetError, Version

from msc_kedro.datasets import TableDataset
from msc_kedro.errors import MscKedroError
from msc_kedro.tables import TABLE_NAMES, empty, schema, span_id

WORDS = [
    {"word": " Hello", "start_s": 0.1, "end_s": 0.4, "probability": 0.9},
    {"word": " there", "start_s": 0.5, "end_s": 0.8, "probability": 0.7},
]


def utterances(**changed: Any) -> pd.DataFrame:
    columns = {
        "utterance_id": ["a-1", "a-2"],
        "dialogue_id": ["a", "a"],
        "name": ["a_1", "a_2"],
        "source_id": ["s", "s"],
        "turn": [0, 1],
        "start_s": [0.0, 1.0],
        "end_s": [0.9, 2],
        "text": ["Hello there", "Hm"],
        "language": ["en", "en"],
        "other_language": [False, False],
        "overlap_s": [0.2, None],
        "words": [WORDS, []],
    }
    return pd.DataFrame({**columns, **changed})


def dataset(path: Path, table: str = "utterances", version: Version | None = None) -> TableDataset:
    return TableDataset(filepath=str(path), table=table, version=version)  # type: ignore[arg-type]


def test_round_trip_with_nested_words(tmp_path: Path) -> None:
    file = dataset(tmp_path / "utterances.parquet")
    assert not file.exists()
    file.save(utterances())
    assert file.exists()
    found = file.load()
    assert list(found["words"].iloc[0]) == WORDS
    assert list(found["words"].iloc[1]) == []
    assert found["turn"].dtype == "int64" and found["end_s"].dtype == "float64"
    pd.testing.assert_frame_equal(
        found.drop(columns="words"), utterances().drop(columns="words"), check_dtype=False
    )


def test_nobody_says_a_word(tmp_path: Path) -> None:
    file = dataset(tmp_path / "utterances.parquet")
    file.save(utterances(words=[[], []]))
    assert [list(words) for words in file.load()["words"]] == [[], []]


def test_row_numbers_are_not_kept(tmp_path: Path) -> None:
    file = dataset(tmp_path / "utterances.parquet")
    file.save(utterances().iloc[::-1])
    found = file.load()
    assert list(found.index) == [0, 1] and list(found["utterance_id"]) == ["a-2", "a-1"]


@pytest.mark.parametrize("name", TABLE_NAMES)
def test_a_table_without_rows(tmp_path: Path, name: str) -> None:
    file = dataset(tmp_path / f"{name}.parquet", name)
    file.save(empty(name))  # type: ignore[arg-type]
    found = file.load()
    assert len(found) == 0
    assert list(found.columns) == list(schema(name).columns)  # type: ignore[arg-type]
    file.save(found)
    assert len(file.load()) == 0


def test_what_could_not_be_measured_is_null(tmp_path: Path) -> None:
    from msc_kedro.tables import schema

    row = dict.fromkeys(schema("voice").columns)
    row |= {"utterance_id": "a", "unmeasured": "pitch: no voice", "description": "A voice."}
    row |= {"written_by": "template"}
    file = dataset(tmp_path / "voice.parquet", "voice")
    file.save(pd.DataFrame([row]))
    found = file.load().iloc[0]
    assert found["description"] == "A voice."
    for column in ("pitch_mean_hz", "gender", "pitch", "pace"):
        assert pd.isna(found[column]), column


@pytest.mark.parametrize(
    ("table", "told"),
    [
        (utterances(end_s=[0.9, 0.5]), "end after start"),
        (utterances(utterance_id=["a-1", "a-1"]), "utterance_id"),
        (utterances(turn=[0, -1]), "turn"),
        (utterances(start_s=[0.0, "soon"]), "start_s"),
        (utterances(text=["Hello", None]), "text"),
        (utterances().drop(columns="language"), "language"),
        (utterances().drop(columns="end_s"), "end_s"),
        (utterances(mood="good"), "mood"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_message_names_table_and_column(tmp_path: Path, table: pd.DataFrame, told: str) -> None:
    file = dataset(tmp_path / "utterances.parquet")
    file.save(utterances())
    before = (tmp_path / "utterances.parquet").read_bytes()
    with pytest.raises((DatasetError, MscKedroError)) as caught:
        file.save(table)
    assert "'utterances'" in str(caught.value) and told in str(caught.value)
    causes = [caught.value, caught.value.__cause__]
    assert any(isinstance(cause, MscKedroError) for cause in causes)
    assert (tmp_path / "utterances.parquet").read_bytes() == before  # the old one is whole
    assert len(list(tmp_path.iterdir())) == 1


def test_a_foreign_file_is_named_on_loading(tmp_path: Path) -> None:
    path = tmp_path / "speakers.parquet"
    pd.DataFrame({"utterance_id": ["a"], "speaker": ["A"]}).to_parquet(path)
    with pytest.raises((DatasetError, MscKedroError), match=r"'speakers'[\s\S]*confidence"):
        dataset(path, "speakers").load()


def test_same_table_same_bytes(tmp_path: Path) -> None:
    for name in "12":
        dataset(tmp_path / name).save(utterances())
    assert (tmp_path / "1").read_bytes() == (tmp_path / "2").read_bytes()
    dataset(tmp_path / "3").save(dataset(tmp_path / "1").load())
    assert (tmp_path / "3").read_bytes() == (tmp_path / "1").read_bytes()


def test_latest_version_is_loaded_and_none_is_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "utterances.parquet"
    for version in ("0-dvc", "2025-01-01T00.00.00.000Z", "2026-01-01T00.00.00.000Z"):
        dataset(path, version=Version(None, version)).save(utterances(text=[version, "Hm"]))
    latest = dataset(path, version=Version(None, None))
    assert latest.load()["text"].iloc[0] == "2026-01-01T00.00.00.000Z"
    pinned = dataset(path, version=Version("0-dvc", None))
    assert pinned.load()["text"].iloc[0] == "0-dvc"
    with pytest.raises(DatasetError, match="must not exist"):
        dataset(path, version=Version(None, "0-dvc")).save(utterances())


def test_preview_for_viz(tmp_path: Path) -> None:
    file = dataset(tmp_path / "utterances.parquet")
    file.save(utterances())
    shown = file.preview(nrows=1)
    assert len(shown["data"]) == 1 and "text" in shown["columns"]


def test_ids_of_spans_are_exact_to_the_millisecond() -> None:
    assert span_id("abc", 1.0, 2.5) == "abc-00001000-00002500"
    assert span_id("abc", 0.0004, 3600.0006) == "abc-00000000-03600001"
    ids = [span_id("abc", start, 99_999.0) for start in (0.999, 5.0, 20.0, 100.0)]
    assert ids == sorted(ids)
