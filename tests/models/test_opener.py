"""An opener: what its results are kept under, and when its weights come."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from msc_kedro.datasets import ModelDataset
from msc_kedro.models import ModelSpec, cache_root
from msc_kedro.models.opener import Opener

OPENS = "msc_kedro.listening.asr.WhisperTranscriber"
WEIGHTS = bytes(range(256)) * 40  # those of `make_spec`


def name_of(opens: str = OPENS, fingerprint: str = "weights", **options: Any) -> str:
    return Opener.of(opens, {"folder": "somewhere"}, options, fingerprint=fingerprint).name


def test_what_changes_results_changes_the_name() -> None:
    names = {
        name_of(),
        name_of(opens="mine.Transcriber"),
        name_of(fingerprint="others"),
        name_of(beam_size=1),
        name_of(beam_size=2),
    }
    assert len(names) == 5


def test_where_it_lies_and_runs_does_not() -> None:
    elsewhere = Opener.of(OPENS, {"folder": "elsewhere"}, {}, fingerprint="weights").name
    assert elsewhere == name_of() == name_of(device="cuda", threads=4, workers=2, batch_size=8)


def test_an_optional_model_is_fetched_when_it_is_opened(
    make_spec: Callable[..., ModelSpec], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MSC_KEDRO_CACHE", str(tmp_path / "cache"))
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/model.bin").write_bytes(WEIGHTS)
    spec = make_spec({"folder": str(tmp_path / "mine")}).model_copy(update={"optional": True})
    opener = ModelDataset(
        opens="types.SimpleNamespace", models={"folder": spec.model_dump()}, options={"size": 2}
    ).load()
    assert opener.name == f'SimpleNamespace {spec.fingerprint} {{"size": 2}}'
    assert not list(cache_root().rglob("model.bin"))
    opened = opener.open()
    assert (opened.folder / "model.bin").read_bytes() == WEIGHTS and opened.size == 2
    assert opener.open() is opened
