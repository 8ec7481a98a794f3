"""Trackers are only called upon when they are wanted, and write below the folder they are given."""

import contextlib
import sys
import types

import pytest

from msc_kedro.errors import MscKedroError
from msc_kedro.training.config import HistoryRow
from msc_kedro.training.tracking import tracked

ROWS = [HistoryRow(0, 0.0, None, 5.0, 0.0, 0), HistoryRow(1, 0.5, 4.0, None, 1e-3, 90)]
SETTINGS = {"learning_rate": 1e-3, "lora": {"rank": 8}}


def test_none_imports_nothing_and_keeps_nothing(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "mlflow", None)
    monkeypatch.setitem(sys.modules, "dvclive", None)
    with tracked(None, tmp_path, run="r", settings=SETTINGS) as log:
        log(ROWS[0])
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["mlflow", "dvclive"])
def test_one_that_is_not_installed_is_named(tmp_path, monkeypatch, name):
    class Missing:
        def find_spec(self, wanted, *_):
            if wanted == name:
                raise ModuleNotFoundError(f"No module named {name!r}", name=name)

    monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setattr(sys, "meta_path", [Missing(), *sys.meta_path])
    told = pytest.raises(MscKedroError, match=rf"train.tracking is {name}.*msc-kedro\[{name}\]")
    with told, tracked(name, tmp_path, run="r", settings=SETTINGS):
        pass


def test_mlflow_is_given_each_row(tmp_path, monkeypatch):
    told = []
    mlflow = types.SimpleNamespace(
        set_tracking_uri=lambda uri: told.append(uri),
        get_experiment_by_name=lambda name: None,
        create_experiment=lambda name, artifact_location: told.append(artifact_location),
        set_experiment=lambda name: None,
        start_run=lambda run_name: contextlib.nullcontext(told.append(run_name)),
        log_params=lambda settings: told.append(settings),
        log_metrics=lambda measured, step: told.append((step, measured)),
    )
    monkeypatch.setitem(sys.modules, "mlflow", mlflow)
    with tracked("mlflow", tmp_path, run="r", settings=SETTINGS) as log:
        for row in ROWS:
            log(row)
    place = tmp_path / "mlflow"
    assert told[0] == f"sqlite:///{place}/runs.db" and told[1] == (place / "artifacts").as_uri()
    assert told[2:4] == ["r", {"learning_rate": "0.001", "lora.rank": "8"}]
    assert told[4] == (0, {"epoch": 0.0, "valid_loss": 5.0, "learning_rate": 0.0, "tokens": 0})
    assert told[5][1]["train_loss"] == 4.0 and "valid_loss" not in told[5][1]


@pytest.mark.parametrize("name", ["mlflow", "dvclive"])
def test_the_real_one_writes_below_its_folder_alone(tmp_path, monkeypatch, name):
    pytest.importorskip(name)
    monkeypatch.chdir(tmp_path)
    with tracked(name, tmp_path / "kept", run="r", settings=SETTINGS) as log:
        for row in ROWS:
            log(row)
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]
    assert any(path.is_file() for path in (tmp_path / "kept" / name).rglob("*"))
