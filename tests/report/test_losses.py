"""What is drawn of the losses, and the plotly figure of it."""

from __future__ import annotations

import math
from pathlib import Path

import pandas as pd
import pytest
from kedro_datasets.plotly import JSONDataset

from msc_kedro.report.losses import SMOOTH_FROM, loss_figure, losses_of

SUMMARY = {
    "step0_valid_loss": 4.2,
    "best_valid_loss": 2.9,
    "best_step": 2,
    "frozen_valid_loss": 3.5,
    "<b>more</b>": "<script>alert(1)</script>",
}


def history(steps: int) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "step": range(1, steps + 1),
            "train_loss": [4.0 - step / steps for step in range(steps)],
            "valid_loss": [3.0 if step % 2 else math.nan for step in range(steps)],
        }
    )


def test_points_by_hand() -> None:
    losses = losses_of(history(4), SUMMARY)
    assert losses.train == ((1, 4.0), (2, 3.75), (3, 3.5), (4, 3.25))
    assert losses.valid == ((0, 4.2), (2, 3.0), (4, 3.0))
    assert (losses.start, losses.best, losses.frozen) == ((0, 4.2), (2, 2.9), 3.5)
    assert losses.smooth == ()


def test_what_is_not_known_is_left_out() -> None:
    losses = losses_of(history(4), {"best_valid_loss": 2.9, "frozen_valid_loss": math.nan})
    assert (losses.start, losses.best, losses.frozen) == (None, None, None)
    assert losses.valid == ((2, 3.0), (4, 3.0))
    assert [trace.name for trace in loss_figure(losses).data] == ["training", "validation"]


def test_a_long_run_has_its_running_mean() -> None:
    losses = losses_of(history(SMOOTH_FROM), SUMMARY)
    assert len(losses.smooth) == SMOOTH_FROM
    assert "training, running mean" in [trace.name for trace in loss_figure(losses).data]


@pytest.mark.parametrize("steps", [4, SMOOTH_FROM])
def test_the_same_run_gives_the_same_file_with_no_text_of_data(tmp_path: Path, steps: int) -> None:
    for name in ("a.json", "b.json"):
        dataset = JSONDataset(filepath=str(tmp_path / name), save_args={"engine": "json"})
        dataset.save(loss_figure(losses_of(history(steps), SUMMARY)))
    text = (tmp_path / "a.json").read_text()
    assert text == (tmp_path / "b.json").read_text()
    assert len(text) < 20_000  # no template of colours in it
    assert "<" not in text and "uid" not in text
