"""Losses to MLflow or DVCLive, where one is wanted: to a folder of the project, nowhere else."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any, Literal

from msc_kedro.errors import MscKedroError
from msc_kedro.training.config import HistoryRow

Tracking = Literal["mlflow", "dvclive"]
_MEASURED = ("epoch", "train_loss", "valid_loss", "learning_rate", "tokens")


@contextmanager
def tracked(
    tracking: Tracking | None, folder: Path, *, run: str, settings: Mapping[str, Any]
) -> Iterator[Callable[[HistoryRow], None]]:
    """What each row of the history is handed to while the run lasts; nothing is kept for None.

    Args:
        tracking: which; its package is imported only here.
        folder: for all runs; each tracker has its own below.
        run: the name of this one.
        settings: its parameters.

    Raises:
        MscKedroError: the package is not installed.
    """
    if tracking is None:
        yield lambda _row: None
        return
    package = _imported(tracking)
    place = folder.resolve() / tracking
    place.mkdir(parents=True, exist_ok=True)
    opened = _mlflow if tracking == "mlflow" else _dvclive
    with opened(package, place, run, dict(_flat(settings))) as log:
        yield log


@contextmanager
def _mlflow(
    mlflow: Any, place: Path, run: str, settings: dict[str, str]
) -> Iterator[Callable[[HistoryRow], None]]:
    mlflow.set_tracking_uri(f"sqlite:///{(place / 'runs.db').as_posix()}")
    name = "msc-kedro"
    if mlflow.get_experiment_by_name(name) is None:
        mlflow.create_experiment(name, artifact_location=(place / "artifacts").as_uri())
    mlflow.set_experiment(name)
    with mlflow.start_run(run_name=run):
        mlflow.log_params(settings)

        def log(row: HistoryRow) -> None:
            mlflow.log_metrics(_measured(row), step=row.step)

        yield log


@contextmanager
def _dvclive(
    dvclive: Any, place: Path, run: str, settings: dict[str, str]
) -> Iterator[Callable[[HistoryRow], None]]:
    # No experiment is saved and no dvc.yaml is written: those are dvc's own, of `dvc repro`.
    where = str(place / run)
    with dvclive.Live(where, resume=True, report=None, save_dvc_exp=False, dvcyaml=None) as live:
        live.log_params(settings)

        def log(row: HistoryRow) -> None:
            live.step = row.step
            for name, value in _measured(row).items():
                live.log_metric(name, value)
            live.make_summary()

        yield log


def _measured(row: HistoryRow) -> dict[str, float]:
    values = {name: getattr(row, name) for name in _MEASURED}
    return {name: value for name, value in values.items() if value is not None}


def _flat(settings: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, str]]:
    for name, value in settings.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{before}{name}.")
        else:
            yield f"{before}{name}", str(value)


def _imported(name: str) -> Any:
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        raise MscKedroError(
            f"train.tracking is {name}, which is not installed. Install it "
            f"(`pip install 'msc-kedro[{name}]'`), or set train.tracking to null."
        ) from error
