"""The sections of the page as tables of words: what is shown, not how it looks."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from msc_kedro.report import summaries, wording
from msc_kedro.voice import bins

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import pandas as pd

    from msc_kedro.report.contents import Metric, ModelUse, ReportContents, StageTime

BASE_RECIPE = "embedded"


@dataclass(frozen=True)
class Cell:
    """A field of a table: its text and, smaller, a remark below, and a list that folds away."""

    text: str
    note: str = ""
    items: tuple[str, ...] = ()


@dataclass(frozen=True)
class Bar:
    """A field that shows a share in [0, 1] as a bar; the number stands in another column."""

    share: float


@dataclass(frozen=True)
class Grid:
    """A table. The first column names the row; columns in `numeric` are set right."""

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell | Bar | str, ...], ...]
    numeric: frozenset[str] = frozenset()
    last_is_total: bool = False


@dataclass(frozen=True)
class Key:
    """A line of a plot's legend: which mark, what it means, its value."""

    mark: str
    label: str
    value: str = ""


def command(pipeline: str, recipe: str) -> str:
    """The command that makes what is missing."""
    overlay = "" if recipe == BASE_RECIPE else f" --env {recipe}"
    return f"kedro run --pipeline {pipeline}{overlay}"


TRAINING: dict[
    str, tuple[str, Callable[[float | None], str]]
] = {  # known figures of a training run: name on the page, how to write it
    "step0_valid_loss": ("Validation loss before training", wording.number),
    "frozen_valid_loss": ("Validation loss, frozen language model", wording.number),
    "best_valid_loss": ("Best validation loss", wording.number),
    "best_step": ("Step of the best checkpoint", wording.count),
    "steps": ("Steps", wording.count),
    "epochs": ("Epochs", lambda n: wording.number(n, 1)),
    "trainable_parameters": ("Parameters trained", wording.large),
    "total_parameters": ("Parameters, all", wording.large),
    "seconds": ("Time", wording.duration),
}


def training(contents: ReportContents) -> Grid | None:
    """The figures of the training run; those the page does not know under their own name."""
    given = contents.training
    rows = [
        (label, write(real(given[name])))
        for name, (label, write) in TRAINING.items()
        if real(given.get(name)) is not None
    ]
    for name in sorted(set(given) - set(TRAINING)):
        value = given[name]
        if isinstance(value, bool):
            plain = "yes" if value else "no"
        elif isinstance(value, int | float):
            plain = wording.number(value, 0 if float(value).is_integer() else 3)
        else:
            plain = str(value)
        rows.append((name.replace("_", " ").capitalize(), plain))
    return Grid("Training", ("figure", "value"), tuple(rows), numeric("value")) if rows else None


def loss_legend(contents: ReportContents) -> tuple[Key, ...]:
    """What each mark of the loss curve means."""
    t, w = contents.training, wording
    keys = [Key("train", "training"), Key("valid", "validation")]
    if real(t.get("step0_valid_loss")) is not None:
        keys.append(Key("start", "before training", w.number(real(t["step0_valid_loss"]))))
    if real(t.get("best_valid_loss")) is not None:
        keys.append(Key("best", "best checkpoint", w.number(real(t["best_valid_loss"]))))
    if real(t.get("frozen_valid_loss")) is not None:
        keys.append(Key("frozen", "frozen language model", w.number(real(t["frozen_valid_loss"]))))
    return tuple(keys)


def loss_verdict(contents: ReportContents) -> str:
    """Whether anything was learnt, in a sentence; "" where it cannot be said."""
    best = real(contents.training.get("best_valid_loss"))
    parts = []
    for name, what in (
        ("step0_valid_loss", "before training"),
        ("frozen_valid_loss", "of the frozen language model on the same replies"),
    ):
        other = real(contents.training.get(name))
        if best is None or other is None:
            continue
        gap = wording.number(abs(other - best))
        side = f"{gap} nats under" if other > best else f"{gap} nats over, so no better than,"
        parts.append(f"{side} the loss {what}")
    return f"The best checkpoint is {' and '.join(parts)}." if parts else ""


def scores(metrics: tuple[Metric, ...]) -> Grid | None:
    """All metrics with their definitions."""
    if not metrics:
        return None
    w = wording
    rows = tuple(
        (
            Cell(m.name, ". ".join(s.rstrip(".") for s in (m.definition, m.source) if s)),
            _score(m.value),
            w.NONE if m.low is None or m.high is None else f"{_score(m.low)} to {_score(m.high)}",
            w.count(m.n),
        )
        for m in metrics
    )
    columns = ("score", "value", "95 % interval", "N")
    return Grid("Scores on the test split", columns, rows, frozenset(columns[1:]))


def agreement(speech: pd.DataFrame) -> Grid:
    """Whether the speech came out as it was asked for."""
    rows = []
    for measure in summaries.SPOKEN_MEASURES:
        asked = speech[f"asked_{measure}"].dropna()
        found = summaries.agreement(speech, measure, levels(measure, asked))
        rows.append(
            (
                measure,
                wording.percent(found["same"], 0),
                wording.percent(found["near"], 0),
                wording.count(found["n"]),
            )
        )
    columns = ("measure", "same level", "at most one apart", "N")
    return Grid(
        "Level asked for, and level measured in the speech",
        columns,
        tuple(rows),
        frozenset(columns[1:]),
    )


def costs(timings: tuple[StageTime, ...]) -> Grid | None:
    """Time by pipeline."""
    if not timings:
        return None
    total = sum(timing.seconds for timing in timings)
    longest = max(timing.seconds for timing in timings)
    rows: list[tuple[str | Bar, ...]] = [
        (
            timing.pipeline,
            Bar(timing.seconds / longest if longest else 0.0),
            wording.seconds(timing.seconds, 1),
            wording.percent(timing.seconds / total if total else 0.0, 0),
        )
        for timing in timings
    ]
    rows.append(("all", "", wording.seconds(total, 1), wording.percent(1.0, 0)))
    columns = ("pipeline", "", "time", "share")
    return Grid("Wall time", columns, tuple(rows), numeric("time", "share"), True)


def models(used: tuple[ModelUse, ...]) -> Grid | None:
    """The pretrained models with where they came from."""
    rows = tuple((m.slot, Cell(m.model, m.source), m.licence) for m in used)
    return Grid("Models", ("for", "model and source", "licence"), rows) if rows else None


def _score(value: float | None) -> str:
    """Three decimals under 10, fewer above: scores come as shares and as per cents."""
    digits = 3 if value is None or abs(value) < 10 else 1
    return wording.number(value, digits)


def levels(measure: str, used: Iterable[str] = ()) -> tuple[str, ...]:
    """The words of a measure from low to high, of the version that has most of those used."""
    if measure == "gender":
        return bins.GENDERS
    wanted = set(used)
    versions = {version: bins.words(measure, version) for version in bins.VERSIONS}  # type: ignore[arg-type]
    best = max(versions, key=lambda v: (len(wanted & set(versions[v])), v == bins.DEFAULT))
    return versions[best]


def real(value: float | str | None) -> float | None:
    """A figure of the training run as a number; None where it is missing or not a number."""
    number = math.nan if value is None else float(value)
    return None if math.isnan(number) else number


def numeric(*names: str) -> frozenset[str]:
    """The names of columns that hold numbers."""
    return frozenset(names)
