"""Plots are valid XML, coloured by the page, the same every time."""

from __future__ import annotations

import re
from xml.etree import ElementTree

from msc_kedro.report import plots
from msc_kedro.report.contents import ReportContents
from msc_kedro.report.histogram import histogram
from msc_kedro.report.losses import losses_of

TRAINING = {
    "step0_valid_loss": 4.2,
    "best_valid_loss": 2.9,
    "best_step": 80.0,
    "frozen_valid_loss": 3.5,
}


def parsed(svg: str) -> ElementTree.Element:
    return ElementTree.fromstring(svg.replace("xlink:href", "href"))


def test_loss_curve_draws_all_marks_in_page_colours(contents: ReportContents) -> None:
    assert contents.losses is not None
    svg = plots.loss_curve(losses_of(contents.losses, TRAINING))
    assert parsed(svg).get("role") == "img"
    for variable in ("--train", "--valid", "--frozen", "--ink", "--rule"):
        assert f"var({variable})" in svg
    assert svg == plots.loss_curve(losses_of(contents.losses, TRAINING))


def test_loss_curve_without_reference_points(contents: ReportContents) -> None:
    assert contents.losses is not None
    svg = plots.loss_curve(losses_of(contents.losses.head(3), {}))
    parsed(svg)
    assert "--frozen" not in svg


def test_plots_share_no_id_and_set_no_style_for_the_page(contents: ReportContents) -> None:
    assert contents.losses is not None
    one = plots.loss_curve(losses_of(contents.losses, TRAINING))
    other = histogram([1.0, 2.0], x="length, s", steps=(0.5,))
    ids = [set(re.findall(r'\bid="([^"]+)"', svg)) for svg in (one, other)]
    assert not ids[0] & ids[1]
    for svg in (one, other):
        assert "<style" not in svg and "font-family" not in svg and "http" not in svg
        used = set(re.findall(r'(?:url\(|href=")#([\w-]+)', svg))
        assert used <= set(re.findall(r'\bid="([^"]+)"', svg))
