"""Numbers as a reader wants them: units, thousands, no more digits than they carry."""

from __future__ import annotations

import math

NONE = "–"  # what stands where there is no number
SPACE = "\u00a0"  # between number and unit: the two stay on one line


def _absent(value: float | None) -> bool:
    return value is None or math.isnan(value)


def count(value: float | None) -> str:
    """31409 -> 31,409."""
    return NONE if _absent(value) else f"{value:,.0f}"


def amount(value: float, noun: str, plural: str = "") -> str:
    """1, "video" -> 1 video; 2, "video" -> 2 videos."""
    return f"{count(value)}{SPACE}{noun if value == 1 else plural or noun + 's'}"


def number(value: float | None, digits: int = 2) -> str:
    """With fixed decimals, so that a column lines up; a minus sign, not a hyphen."""
    if value is None or math.isnan(value):
        return NONE
    return f"{value:,.{digits}f}".replace("-", "\u2212")


def percent(share: float | None, digits: int = 1) -> str:
    """0.123 -> 12.3 %."""
    if share is None or math.isnan(share):
        return NONE
    return number(100 * share, digits) + SPACE + "%"


def seconds(value: float | None, digits: int = 2) -> str:
    """2.4567 -> 2.46 s."""
    return NONE if _absent(value) else number(value, digits) + SPACE + "s"


def duration(value_s: float | None) -> str:
    """In the unit that gives two or three digits: 45.2 s, 12.3 min, 3.42 h."""
    if value_s is None or math.isnan(value_s):
        return NONE
    for limit_s, divisor, digits, unit in (
        (59.95, 1, 1, "s"),
        (3597, 60, 1, "min"),
        (math.inf, 3600, 2, "h"),
    ):
        if value_s < limit_s:
            return number(value_s / divisor, digits) + SPACE + unit
    raise ValueError(f"found a duration of {value_s} s, expected a finite number")


def hours(value_h: float | None) -> str:
    """As a duration: 0.5 -> 30.0 min."""
    return duration(None if value_h is None else 3600 * value_h)


def tenth(value: float | None) -> str:
    """A mean: 2.456 -> 2.5."""
    return number(value, 1)


def large(value: float | None) -> str:
    """1_234_567 -> 1.23 M; for parameters and tokens."""
    if value is None or not math.isfinite(value):
        return NONE
    if value < 1e3:
        return count(value)
    for limit, divisor, unit in ((1e6, 1e3, "k"), (1e9, 1e6, "M"), (math.inf, 1e9, "G")):
        if value < limit:
            return f"{value / divisor:.3g}{SPACE}{unit}"
    return NONE
