"""Plots as SVG text to stand inside the page: real text, colours from the page's own CSS."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from msc_kedro.report.losses import Losses, Point

# Stand-ins that no plot needs for itself; each becomes a CSS variable, so dark mode works.
INK, FAINT, TRAIN, VALID, FROZEN = (
    "#010101",
    "#020202",
    "#030303",
    "#040404",
    "#050505",
)
VARIABLES = {
    INK: "var(--ink)",
    FAINT: "var(--rule)",
    TRAIN: "var(--train)",
    VALID: "var(--valid)",
    FROZEN: "var(--frozen)",
}
UNWANTED = (  # in the SVG of matplotlib; its style rule would hold for the whole page
    r"<metadata>.*?</metadata>",
    r"<style.*?</style>",
    r"<!--.*?-->\s*",
    r' id="[^"]*_\d+"',
    r"font-family: [^;\"]*;? ?",
)


def loss_curve(losses: Losses) -> str:
    """Training and validation loss by step; what is not known is not drawn."""
    figure, axes = _axes("loss", width_in=6.0, height_in=3.3)
    axes.plot(*_xy(losses.train), color=TRAIN, lw=1.2, alpha=0.35 if losses.smooth else 1.0)
    if losses.smooth:
        axes.plot(*_xy(losses.smooth), color=TRAIN, lw=1.8)
    if losses.start is not None:
        axes.plot(*_xy([losses.start]), "o", ms=9, mfc="none", mec=VALID, mew=1.6, zorder=5)
    axes.plot(*_xy(losses.valid), color=VALID, lw=2.0, marker="o", ms=3.5)
    if losses.best is not None:
        axes.plot(*_xy([losses.best]), "D", ms=7.5, color=VALID, zorder=6)
    if losses.frozen is not None:
        axes.axhline(losses.frozen, color=FROZEN, lw=1.6, ls=(0, (5, 3)))
    axes.set_xlabel("step")
    axes.set_ylabel("loss, nats per token")
    axes.margins(x=0.02)
    return _svg(figure, "loss", "Training and validation loss by step")


def _xy(points: Sequence[Point]) -> tuple[list[int], list[float]]:
    return [x for x, _ in points], [y for _, y in points]


def _axes(name: str, *, width_in: float, height_in: float) -> tuple[Figure, Axes]:
    """A bare figure, without pyplot and its global state."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width_in, height_in), layout="constrained")
    axes = figure.subplots()
    axes.spines[["top", "right"]].set_visible(False)
    for spine in ("left", "bottom"):
        axes.spines[spine].set_color(INK)
    axes.tick_params(colors=INK, labelsize=11.5)
    axes.xaxis.label.set(color=INK, fontsize=12)
    axes.yaxis.label.set(color=INK, fontsize=12)
    axes.grid(axis="y", color=FAINT, lw=0.7)
    axes.set_axisbelow(True)
    return figure, axes


def _svg(figure: Figure, name: str, label: str) -> str:
    """The figure as an `<svg>` element that names itself to a screen reader.

    Ids come from a salt that is the plot's name: the same in every run, and no id of one
    plot is an id of another.
    """
    import matplotlib

    buffer = io.StringIO()
    with matplotlib.rc_context({"svg.hashsalt": name, "svg.fonttype": "none"}):
        figure.savefig(
            buffer, format="svg", transparent=True, metadata={"Date": None, "Creator": None}
        )
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    for unwanted in UNWANTED:
        text = re.sub(unwanted, "", text, flags=re.DOTALL)
    for colour, variable in VARIABLES.items():
        text = text.replace(colour, variable)
    box = re.search(r'viewBox="[^"]*"', text)
    if box is None:
        raise ValueError("found no viewBox in the SVG of matplotlib")
    opening = f'<svg class="plot" role="img" aria-label="{label}" {box.group()}>'
    return opening + text[text.index(">") + 1 :].strip()
