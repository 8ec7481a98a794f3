"""Dialogue spans: from the user's list, or proposed from where people speak."""

from __future__ import annotations

import csv
import io
import posixpath
import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterator, Sequence
from itertools import pairwise
from pathlib import Path

from msc_kedro.errors import MscKedroError

Span = tuple[float, float]  # start and end in seconds
LIST_NAME = "dialogues.csv"


def propose_spans(
    speech: Sequence[Span],
    *,
    duration_s: float,
    max_pause_s: float,
    max_dialogue_s: float,
    at_least: int = 1,
    cuts: Sequence[float] = (),
    changes: Collection[int] = (),
) -> list[Span]:
    """Dialogues of a video by its silences, its scenes and its people.

    A silence longer than `max_pause_s` ends a dialogue, and so does a change of people. What is
    still longer than `max_dialogue_s` is cut at its longest silence, one with a cut in it counting
    double, again until it fits or has no silence left. So is the longest dialogue with a silence
    in it while there are fewer than `at_least`.

    Args:
        speech: spans in which somebody speaks, in order.
        duration_s: length of the video.
        cuts: times of its scene changes, in order.
        changes: pauses at which other people begin to speak; n is the one after the span n.

    Returns:
        Spans in order; each reaches to the cut in the silences around it, or to their middle.
        Empty without speech.
    """
    groups: list[list[Span]] = []
    for place, span in enumerate(speech):
        joins = groups and span[0] - groups[-1][-1][1] <= max_pause_s and place - 1 not in changes
        if joins:
            groups[-1].append(span)
        else:
            groups.append([span])
    short = [piece for group in groups for piece in _cut(group, max_dialogue_s, cuts)]
    while len(short) < at_least and (long := [group for group in short if len(group) > 1]):
        place = short.index(max(long, key=_length_s))
        short[place : place + 1] = _halves(short[place], cuts)
    edges = [_edge((a[-1][1], b[0][0]), cuts) for a, b in pairwise(short)]
    return [
        (round(start, 3), round(end, 3))
        for start, end in zip([0.0, *edges], [*edges, duration_s], strict=True)
        if short
    ]


def pauses_to_hear(
    speech: Sequence[Span], cuts: Sequence[float] | None, *, min_pause_s: float
) -> list[int]:
    """Pauses at which people may change: long enough, and with a cut where there are pictures.

    Args:
        speech: spans in which somebody speaks, in order.
        cuts: times of scene changes; None without pictures.
    """
    return [
        place
        for place, (before, after) in enumerate(pairwise(speech))
        if after[0] - before[1] >= min_pause_s
        and (cuts is None or _cuts_within((before[1], after[0]), cuts))
    ]


def _edge(pause: Span, cuts: Sequence[float]) -> float:
    """Where one dialogue ends and the next begins: at the cut nearest the middle of a pause."""
    middle = (pause[0] + pause[1]) / 2
    return min(_cuts_within(pause, cuts), key=lambda cut: abs(cut - middle), default=middle)


def _cuts_within(pause: Span, cuts: Sequence[float]) -> Sequence[float]:
    first, last = bisect_left(cuts, pause[0]), bisect_right(cuts, pause[1])
    return cuts[first:last]


def _cut(group: list[Span], max_s: float, cuts: Sequence[float]) -> list[list[Span]]:
    if _length_s(group) <= max_s or len(group) == 1:
        return [group]
    return [piece for half in _halves(group, cuts) for piece in _cut(half, max_s, cuts)]


def _halves(group: list[Span], cuts: Sequence[float]) -> list[list[Span]]:
    """The speech before and after the longest silence; one with a cut in it counts double."""
    pauses = [(before[1], after[0]) for before, after in pairwise(group)]
    weights = [(2 if _cuts_within(p, cuts) else 1) * (p[1] - p[0]) for p in pauses]
    at = weights.index(max(weights)) + 1
    return [group[:at], group[at:]]


def _length_s(group: list[Span]) -> float:
    return group[-1][1] - group[0][0]


def listed_spans(folder: Path) -> dict[str, list[Span]] | None:
    """The user's `dialogues.csv` (columns video, start, end in seconds), or None without one.

    Returns:
        Spans to the millisecond, by the video's name as `plain_name` writes it.

    Raises:
        MscKedroError: the file is not UTF-8, a column is missing, or a row names no video of the
            folder, does not hold numbers in order, or overlaps another.
    """
    path = folder / LIST_NAME
    if not path.is_file():
        return None
    spans: dict[str, list[Span]] = {}
    lines: dict[tuple[str, Span], int] = {}
    for line, name, span in _rows(path):
        for other in spans.setdefault(name, []):
            if span[0] < other[1] and other[0] < span[1]:
                raise MscKedroError(
                    f"{path}, lines {lines[name, other]} and {line}: two dialogues of {name!r} "
                    f"overlap, {other[0]:g} to {other[1]:g} s and {span[0]:g} to {span[1]:g} s. "
                    "End one before the other begins, or make them one."
                )
        spans[name].append(span)
        lines[name, span] = line
    return spans


def plain_name(name: str) -> str:
    """A file's path within the folder as names are compared: spreadsheets and systems differ in
    how they write accents and slashes."""
    return unicodedata.normalize("NFC", posixpath.normpath(name.strip().replace("\\", "/")))


def _rows(path: Path) -> Iterator[tuple[int, str, Span]]:
    """Line, plain name of the video and span of each row."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise MscKedroError(
            f"{path} is not in UTF-8 ({error.reason} at byte {error.start}). Save it again as "
            "'CSV UTF-8'."
        ) from error
    reader = csv.DictReader(io.StringIO(text), skipinitialspace=True)
    try:
        found = [name.strip().lower() for name in reader.fieldnames or ()]
        missing = {"video", "start", "end"} - set(found)
        if missing:
            raise MscKedroError(
                f"{path}: the columns {', '.join(sorted(missing))} are missing; "
                f"found {', '.join(found or ['nothing'])}.\n"
                "Its first line must be video,start,end with commas between."
            )
        reader.fieldnames = found
        for row in reader:
            yield reader.line_num, *_row(row, f"{path}, line {reader.line_num}")
    except csv.Error as error:
        raise MscKedroError(
            f"{path}, after line {reader.line_num}: it cannot be read as CSV ({error}). Save it "
            "again as 'CSV UTF-8'."
        ) from error


def _row(row: dict[str, str | None], place: str) -> tuple[str, Span]:
    try:
        start, end = (round(float(row[column] or ""), 3) for column in ("start", "end"))
    except ValueError:
        start, end = 0.0, 0.0
    if not (row["video"] or "").strip() or not 0 <= start < end:
        raise MscKedroError(
            f"{place}: video must be a file's name, start and end seconds with start before end; "
            f"found {row['video']!r}, {row['start']!r} and {row['end']!r}."
        )
    name = plain_name(row["video"] or "")
    if name.startswith(("/", "../")) or name in (".", ".."):
        raise MscKedroError(
            f"{place}: {row['video']!r} is not within the folder of {LIST_NAME}. Name videos by "
            "their path from there, such as film.mp4 or day2/film.mp4."
        )
    return name, (start, end)
