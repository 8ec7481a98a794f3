"""Bars that are as high as what they count, over the values that they stand for."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import numpy as np
import pytest

from msc_kedro.report.histogram import histogram

BAR = re.compile(r"M([\d.]+) [\d.]+v-([\d.]+)h([\d.]+)V[\d.]+z")


def bars(svg: str) -> list[tuple[float, float]]:
    """Middle and height of each bar that is drawn."""
    return [(float(x) + float(w) / 2, float(h)) for x, h, w in BAR.findall(svg)]


def places(svg: str) -> dict[str, float]:
    """Where the words of the axis below stand."""
    words = [word for word in ElementTree.fromstring(svg).iter("text") if word.get("y") == "143.0"]
    return {str(word.text): float(word.get("x", "nan")) for word in words}


def test_heights_are_counts() -> None:
    svg = histogram([0.1, 0.2, 0.3, 0.7, 2.9, 2.9], x="length, s", steps=(0.5, 1))
    heights = [height for _, height in bars(svg)]
    assert [height / heights[1] for height in heights] == pytest.approx([3, 1, 2], abs=0.01)


def test_bars_stand_over_their_values() -> None:
    svg = histogram([0.1, 0.7, 2.9], x="length, s", steps=(0.5, 1))
    at = places(svg)
    scale = at["2"] - at["1"]
    values = [(middle - at["1"]) / scale + 1 for middle, _ in bars(svg)]
    assert values == pytest.approx([0.25, 0.75, 2.75], abs=0.01)


def test_whole_numbers_stand_in_the_middle_of_their_bar() -> None:
    svg = histogram([1, 1, 3], x="words", steps=(1, 2), whole=True)
    at = places(svg)
    assert list(at) == ["0", "1", "2", "3"]
    assert [middle for middle, _ in bars(svg)] == pytest.approx([at["1"], at["3"]], abs=0.11)


def test_few_bars_and_what_is_beyond_is_not_drawn() -> None:
    values = [*np.linspace(0, 29.9, 300), 300.0]
    assert len(bars(histogram(values, x="s", steps=(0.5, 1, 2), beyond=30))) == 15
    assert len(bars(histogram(values, x="s", steps=(0.5, 1, 2, 20)))) == 3


@pytest.mark.parametrize("values", [[], [float("nan")], [0.0], [5.0] * 3, [1e6]])
def test_any_values_make_a_picture(values: list[float]) -> None:
    svg = histogram(values, x="<b>", y="“b” & c", steps=(0.25, 1))
    root = ElementTree.fromstring(svg)
    assert "nan" not in svg and root.get("aria-label") == "“b” & c by <b>"
    assert svg == histogram(values, x="<b>", y="“b” & c", steps=(0.25, 1))


def test_the_numbers_of_an_axis_are_round() -> None:
    svg = histogram(np.arange(1000) / 100, x="s", steps=(0.5,))
    assert list(places(svg)) == ["0", "2", "4", "6", "8", "10"]
