from __future__ import annotations

import pytest

from msc_kedro.report import wording


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (0.0, "0.0 s"),
        (45.23, "45.2 s"),
        (59.96, "1.0 min"),
        (3600.0, "1.00 h"),
        (85_212, "23.67 h"),
    ],
)
def test_durations_take_a_fitting_unit(value: float, written: str) -> None:
    assert wording.duration(value).replace(wording.SPACE, " ") == written


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (999, "999"),
        (9_437_184, "9.44 M"),
        (143_952_192, "144 M"),
        (7.2e9, "7.2 G"),
        (1500, "1.5 k"),
    ],
)
def test_large_numbers(value: float, written: str) -> None:
    assert wording.large(value).replace(wording.SPACE, " ") == written


def test_numbers() -> None:
    assert wording.count(31_409) == "31,409"
    assert wording.number(-1.234) == "\u22121.23"
    assert wording.percent(0.1234).replace(wording.SPACE, " ") == "12.3 %"
    assert wording.amount(1, "reply", "replies").endswith("reply")
    assert wording.amount(2, "reply", "replies").endswith("replies")


@pytest.mark.parametrize("write", [wording.count, wording.number, wording.percent,
                                   wording.seconds, wording.duration, wording.large])  # fmt: skip
@pytest.mark.parametrize("absent", [None, float("nan")])
def test_no_number_is_a_dash(write, absent) -> None:
    assert write(absent) == wording.NONE
