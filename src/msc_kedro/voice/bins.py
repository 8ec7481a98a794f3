"""From a measure of the voice to its word, and back to the interval the word stands for.

Words and edges are data-speech's, in its two versions (`dataspeech_v01.json` and
`dataspeech_v02.json` beside this file): v02 is that of Parler-TTS v1, v01 that of v0.1.
Edges may instead be fitted to a corpus (`fitted`). Pitch has edges per gender and is meant for the
mean pitch of a speaker; the other measures are meant for single utterances.
"""

from __future__ import annotations

import json
import math
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources
from typing import Any, Literal, get_args

from msc_kedro.errors import MscKedroError

Measure = Literal["pitch", "monotony", "pace", "reverberation", "noise"]
Gender = Literal["male", "female"]
Version = Literal["v02", "v01"]
MEASURES: tuple[Measure, ...] = get_args(Measure)
GENDERS: tuple[Gender, ...] = get_args(Gender)
VERSIONS: tuple[Version, ...] = get_args(Version)
DEFAULT: Version = "v02"

# data-speech leaves out of the fit what lies this many standard deviations or more from the mean.
TOLERANCES: dict[Measure, float] = {
    "pitch": 2.0,
    "pace": 4.0,
    "noise": 3.5,
    "reverberation": 4.0,
    "monotony": 4.0,
}


@dataclass(frozen=True)
class Scale:
    """The levels of one measure, for pitch of one gender.

    `words` are from low to high, with one more of `edges` than of words. `source` says where the
    edges come from, `values` how many figures they were fitted to (None where published).
    """

    measure: Measure
    gender: Gender | None
    unit: str
    words: tuple[str, ...]
    edges: tuple[float, ...]
    source: str
    values: int | None = None

    def level(self, value: float) -> str:
        """The word of a value; one beyond the outermost edges has the first or the last word."""
        place = bisect_left(self.edges, value) - 1
        return self.words[min(max(place, 0), len(self.words) - 1)]


@dataclass(frozen=True)
class Scales:
    """All scales that levels are read with: one version of the words, and edges for them."""

    version: Version
    scales: tuple[Scale, ...]

    def words(self, measure: Measure) -> tuple[str, ...]:
        """The words of a measure, from low to high.

        Raises:
            MscKedroError: for an unknown measure.
        """
        return self._of(measure)[0].words

    def unit(self, measure: Measure) -> str:
        """What the measure is counted in, in words."""
        return self._of(measure)[0].unit

    def level(
        self, measure: Measure, value: float | None, *, gender: str | None = None
    ) -> str | None:
        """The word for a measured value.

        A value on an edge belongs to the lower word, as in data-speech. Values beyond the
        outermost edges take the first or the last word.

        Args:
            measure: which scale.
            value: in the unit of the scale; None or NaN where nothing was measured.
            gender: "male" or "female"; needed for pitch, ignored elsewhere.

        Returns:
            The word, or None where the value is missing, or where pitch comes without a gender.

        Raises:
            MscKedroError: for an unknown measure.
        """
        scale = self._find(measure, gender)
        if scale is None or value is None or math.isnan(value):
            return None
        return scale.level(value)

    def interval(
        self, measure: Measure, word: str, *, gender: str | None = None
    ) -> tuple[float, float]:
        """The edges (low, high) of a word, in the unit of the scale.

        The first and the last word also stand for everything beyond their outer edge.

        Raises:
            MscKedroError: for an unknown measure or word, or for pitch without a gender.
        """
        if word not in self.words(measure):
            raise MscKedroError(
                f"{word!r} is no level of {measure}; its levels are "
                f"{', '.join(self.words(measure))}."
            )
        scale = self._find(measure, gender)
        if scale is None:
            raise MscKedroError(
                f"A pitch level in Hz needs the gender of the voice: found {gender!r}, expected "
                f"one of {', '.join(GENDERS)}."
            )
        place = scale.words.index(word)
        return scale.edges[place], scale.edges[place + 1]

    def records(self) -> list[dict[str, Any]]:
        """The scales as JSON can hold them, one record each; `from_records` reads them."""
        return [
            {
                "measure": one.measure,
                "gender": one.gender,
                "version": self.version,
                "unit": one.unit,
                "words": list(one.words),
                "edges": list(one.edges),
                "source": one.source,
                "values": one.values,
            }
            for one in self.scales
        ]

    def _of(self, measure: str) -> tuple[Scale, ...]:
        found = tuple(scale for scale in self.scales if scale.measure == measure)
        if not found:
            raise MscKedroError(
                f"There are no voice levels for {measure!r}; measures with levels are "
                f"{', '.join(MEASURES)}."
            )
        return found

    def _find(self, measure: str, gender: str | None) -> Scale | None:
        wanted = gender if measure == "pitch" else None
        return next((one for one in self._of(measure) if one.gender == wanted), None)


def from_records(records: Iterable[Mapping[str, Any]]) -> Scales:
    """What `Scales.records` gave."""
    rows = list(records)
    return Scales(
        rows[0]["version"],
        tuple(
            Scale(
                row["measure"],
                row["gender"],
                row["unit"],
                tuple(row["words"]),
                tuple(row["edges"]),
                row["source"],
                row["values"],
            )
            for row in rows
        ),
    )


@cache
def published(version: Version = DEFAULT) -> Scales:
    """data-speech's own words and edges.

    Raises:
        MscKedroError: for an unknown version.
    """
    if version not in VERSIONS:
        raise MscKedroError(
            f"There are no voice levels {version!r}; versions are {', '.join(VERSIONS)}."
        )
    file = resources.files("msc_kedro.voice").joinpath(f"dataspeech_{version}.json")
    told = json.loads(file.read_text("utf-8"))
    scales = []
    for measure in MEASURES:
        one = told[measure]
        by_gender = one["edges"] if isinstance(one["edges"], dict) else {None: one["edges"]}
        for gender, edges in by_gender.items():
            scales.append(
                Scale(
                    measure,
                    gender,
                    one["unit"],
                    tuple(one["words"]),
                    tuple(map(float, edges)),
                    f"data-speech {version}",
                )
            )
    return Scales(version, tuple(scales))


def fitted(
    version: Version, values: Mapping[tuple[Measure, Gender | None], Iterable[float | None]]
) -> Scales:
    """The words of a version with edges fitted to values, by data-speech's rule.

    The range of the values is cut into intervals of the same width, one a word, after those are
    left out that lie `TOLERANCES` standard deviations or more from the mean. Where all those left
    are the same there is nothing to fit, and the published edges stay; `Scale.source`
    says which it was.

    Args:
        version: of the words.
        values: of the training split, by measure and (for pitch, a value a speaker) gender; None
            and NaN are left out.
    """
    import numpy as np

    scales = []
    for scale in published(version).scales:
        given = values.get((scale.measure, scale.gender), ())
        known = np.array([v for v in given if v is not None and not math.isnan(v)], float)
        spread = TOLERANCES[scale.measure] * known.std() if known.size else 0.0
        kept = known[np.abs(known - known.mean()) < spread] if spread > 0 else known[:0]
        if not kept.size or np.ptp(kept) <= 1e-6 * np.abs(kept).max():
            source = f"{scale.source}: too few values to fit"
            scales.append(replace(scale, source=source, values=int(known.size)))
            continue
        edges = np.histogram_bin_edges(kept, len(scale.words))
        scales.append(
            replace(
                scale,
                edges=tuple(map(float, edges)),
                source="fitted to the training split",
                values=int(kept.size),
            )
        )
    return Scales(version, tuple(scales))


def words(measure: Measure, version: Version = DEFAULT) -> tuple[str, ...]:
    """The words of a measure, from low to high (see `Scales.words`)."""
    return published(version).words(measure)


def unit(measure: Measure) -> str:
    """What the measure is counted in, in words."""
    return published().unit(measure)


def level(measure: Measure, value: float | None, *, gender: str | None = None) -> str | None:
    """The word for a measured value, by the default scales (see `Scales.level`)."""
    return published().level(measure, value, gender=gender)


def interval(measure: Measure, word: str, *, gender: str | None = None) -> tuple[float, float]:
    """The edges of a word, by the default scales (see `Scales.interval`)."""
    return published().interval(measure, word, gender=gender)


def version_of(measure: Measure, used: Iterable[str]) -> Version:
    """The first version whose words of a measure hold all that are used.

    Raises:
        MscKedroError: no version does.
    """
    wanted = set(used)
    for version in VERSIONS:
        if wanted <= set(words(measure, version)):
            return version
    raise MscKedroError(
        f"No version of the words of {measure} holds all of {', '.join(sorted(wanted))}."
    )
