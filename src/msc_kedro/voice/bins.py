"""From a measure of the voice to its word, and back to the interval the word stands for.

Words and edges are those of data-speech version 02, the ones that Parler-TTS v1 was trained on
(`dataspeech_v02.json` beside this file). Pitch has edges per gender and is meant for the mean
pitch of a speaker; the other measures are meant for single utterances.
"""

from __future__ import annotations

import json
import math
from bisect import bisect_left
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Literal, get_args

from msc_kedro.errors import MscKedroError

Measure = Literal["pitch", "monotony", "pace", "reverberation"]
Gender = Literal["male", "female"]
MEASURES: tuple[Measure, ...] = get_args(Measure)
GENDERS: tuple[Gender, ...] = get_args(Gender)


@dataclass(frozen=True)
class _Scale:
    """Words from low to high and one more edge than words; edges per gender for pitch."""

    words: tuple[str, ...]
    edges: dict[str | None, tuple[float, ...]]
    unit: str


@cache
def _scales() -> dict[str, _Scale]:
    text = resources.files("msc_kedro.voice").joinpath("dataspeech_v02.json").read_text("utf-8")
    published = json.loads(text)
    scales: dict[str, _Scale] = {}
    for measure in MEASURES:
        edges = published[measure]["edges"]
        by_gender = edges if isinstance(edges, dict) else {None: edges}
        scales[measure] = _Scale(
            words=tuple(published[measure]["words"]),
            edges={gender: tuple(map(float, e)) for gender, e in by_gender.items()},
            unit=published[measure]["unit"],
        )
    return scales


def _scale(measure: str) -> _Scale:
    try:
        return _scales()[measure]
    except KeyError:
        raise MscKedroError(
            f"There are no voice levels for {measure!r}; measures with levels are "
            f"{', '.join(MEASURES)}."
        ) from None


def words(measure: Measure) -> tuple[str, ...]:
    """The words of a measure, from low to high.

    Raises:
        MscKedroError: for an unknown measure.
    """
    return _scale(measure).words


def unit(measure: Measure) -> str:
    """What the measure is counted in, in words."""
    return _scale(measure).unit


def level(measure: Measure, value: float | None, *, gender: str | None = None) -> str | None:
    """The word for a measured value.

    A value on an edge belongs to the lower word, as in data-speech. Values beyond the outermost
    edges take the first or the last word.

    Args:
        measure: which scale.
        value: in the unit of the scale; None or NaN where nothing was measured.
        gender: "male" or "female"; needed for pitch, ignored elsewhere.

    Returns:
        The word, or None where the value is missing, or where pitch comes without a gender.

    Raises:
        MscKedroError: for an unknown measure.
    """
    scale = _scale(measure)
    if value is None or math.isnan(value):
        return None
    edges = scale.edges.get(gender if measure == "pitch" else None)
    if edges is None:
        return None
    place = bisect_left(edges, value) - 1
    return scale.words[min(max(place, 0), len(scale.words) - 1)]


def interval(measure: Measure, word: str, *, gender: str | None = None) -> tuple[float, float]:
    """The published edges (low, high) of a word, in the unit of the scale.

    The first and the last word also stand for everything beyond their outer edge.

    Raises:
        MscKedroError: for an unknown measure or word, or for pitch without a gender.
    """
    scale = _scale(measure)
    if word not in scale.words:
        raise MscKedroError(
            f"{word!r} is no level of {measure}; its levels are {', '.join(scale.words)}."
        )
    edges = scale.edges.get(gender if measure == "pitch" else None)
    if edges is None:
        raise MscKedroError(
            f"A pitch level in Hz needs the gender of the voice: found {gender!r}, expected "
            f"one of {', '.join(GENDERS)}."
        )
    place = scale.words.index(word)
    return edges[place], edges[place + 1]
