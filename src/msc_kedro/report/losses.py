"""The losses of a training run by step: what the page and kedro-viz both draw."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from msc_kedro.report.sections import real

if TYPE_CHECKING:
    import pandas as pd
    from plotly.graph_objects import Figure

Point = tuple[int, float]
SMOOTH_FROM = 60  # points; a longer training curve is shown with its running mean


@dataclass(frozen=True)
class Losses:
    """Points (step, nats per target token), in order of step.

    Attributes:
        train: every step. smooth: its running mean, empty for a short run.
        valid: every validation, the one before training among them.
        start: before training. best: the checkpoint that is kept. None where not known.
        frozen: loss of the frozen language model on the same replies, the same at every step.
    """

    train: tuple[Point, ...]
    smooth: tuple[Point, ...]
    valid: tuple[Point, ...]
    start: Point | None
    best: Point | None
    frozen: float | None


def losses_of(history: pd.DataFrame, summary: Mapping[str, Any]) -> Losses:
    """What there is to draw.

    Args:
        history: columns step, train_loss, valid_loss; NaN where not evaluated.
        summary: step0_valid_loss, best_valid_loss, best_step, frozen_valid_loss, as far as known.
    """
    train = history.dropna(subset=["train_loss"])
    valid = _points(history, "valid_loss")
    smooth: tuple[Point, ...] = ()
    if len(train) >= SMOOTH_FROM:
        window = max(5, len(train) // 25)
        mean = train["train_loss"].rolling(window, center=True, min_periods=1).mean()
        smooth = _points(train.assign(mean=mean), "mean")
    first, best, step = (
        real(summary.get(name)) for name in ("step0_valid_loss", "best_valid_loss", "best_step")
    )
    start = None if first is None else (0, first)
    if start is not None and not any(place == 0 for place, _ in valid):
        valid = (start, *valid)
    return Losses(
        train=_points(history, "train_loss"),
        smooth=smooth,
        valid=valid,
        start=start,
        best=None if best is None or step is None else (int(step), best),
        frozen=real(summary.get("frozen_valid_loss")),
    )


def loss_figure(losses: Losses) -> Figure:
    """The losses as a plotly figure: the same losses, the same JSON."""
    import plotly.graph_objects as go

    def trace(name: str, points: Sequence[Point], **look: Any) -> go.Scatter:
        steps, values = [step for step, _ in points], [value for _, value in points]
        return go.Scatter(name=name, x=steps, y=values, **{"mode": "lines", **look})

    faint = 0.4 if losses.smooth else 1.0
    dot = {"mode": "markers", "marker": {"size": 11}}
    traces = [
        trace("training", losses.train, opacity=faint, line={"width": 1}),
        trace("training, running mean", losses.smooth, line={"width": 2}),
        trace("validation", losses.valid, mode="lines+markers", line={"width": 3}),
        trace("before training", _known(losses.start), **dot),
        trace("best checkpoint", _known(losses.best), **dot),
    ]
    figure = go.Figure(
        [drawn for drawn in traces if drawn.x],
        layout={
            "template": "none",
            "xaxis": {"title": {"text": "step"}},
            "yaxis": {"title": {"text": "loss, nats per token"}},
        },
    )
    if losses.frozen is not None:
        seen_in_any_theme = {"color": "#8a8a8a", "dash": "dash"}
        figure.add_hline(
            losses.frozen, line=seen_in_any_theme, annotation_text="frozen language model"
        )
    return figure


def _points(table: pd.DataFrame, column: str) -> tuple[Point, ...]:
    known = table.dropna(subset=[column])
    return tuple(zip(known["step"].astype(int).tolist(), known[column].tolist(), strict=True))


def _known(point: Point | None) -> tuple[Point, ...]:
    return () if point is None else (point,)
