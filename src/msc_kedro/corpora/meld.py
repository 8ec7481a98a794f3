"""MELD: utterances of a television series, with emotion and sentiment.

Source: declare-lab/MELD and its archive MELD.Raw. Tables `{train,dev,test}_sent_emo.csv`; clips
`dia{D}_utt{U}.mp4` in one folder per split. Ids begin at 0 in each split.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path, PurePosixPath

from msc_kedro.corpora.annotations import (
    EMPTY_TEXT,
    ENCODING,
    NO_TABLE,
    SAME_IDS,
    AnnotatedDialogue,
    AnnotatedTurn,
    Annotations,
    Defect,
    Split,
    clip_defects,
    id_gaps,
    listed,
    order_defects,
    unnamed_defects,
    usable,
)
from msc_kedro.corpora.files import (
    find_file,
    list_files,
    not_this_corpus,
    table_rows,
    whole_number,
)

TABLES: dict[Split, tuple[str, str]] = {  # table and folder of clips
    "train": ("train_sent_emo.csv", "train_splits"),
    "valid": ("dev_sent_emo.csv", "dev_splits_complete"),
    "test": ("test_sent_emo.csv", "output_repeated_splits_test"),
}
EXPECTED = (
    "train_sent_emo.csv, dev_sent_emo.csv and test_sent_emo.csv, with the clips in train_splits, "
    "dev_splits_complete and output_repeated_splits_test where you have them."
)
EMOTIONS = frozenset("neutral surprise fear sadness joy disgust anger".split())
SENTIMENTS = frozenset("neutral positive negative".split())
# Longer than the windows of speech recognition; nobody in the series speaks as long in one go.
LONGEST_S = 30.0

_COLUMNS = ("Utterance", "Speaker", "Emotion", "Sentiment", "Dialogue_ID", "Utterance_ID")
_TIME = re.compile(r"(\d+):(\d{1,2}):(\d{1,2})[,.](\d{1,3})")
_WORD = re.compile(r"[A-Za-z0-9]")
# Wordless brackets, such as "(!)", are no stage direction.
_STAGE = re.compile(r"[(\[][^)\]]*[A-Za-z]")


@dataclass(frozen=True)
class _Row:
    dialogue: int
    utterance: int
    cells: Mapping[str, str]
    times: tuple[float, float] | None  # of the episode


def read_meld(folder: Path) -> Annotations:
    """The annotations of MELD, of the splits whose table is there.

    Raises:
        MscKedroError: the folder is no MELD corpus, or a table cannot be read.
    """
    files = list_files(folder, corpus="MELD")
    tables = {split: find_file(folder, files, name) for split, (name, _) in TABLES.items()}
    if not any(tables.values()):
        raise not_this_corpus(folder, files, corpus="MELD", expected=EXPECTED)
    dialogues: list[AnnotatedDialogue] = []
    defects: list[Defect] = []
    named: list[str] = []
    for split, table in tables.items():
        if table is None:
            defects.append(Defect(TABLES[split][0], NO_TABLE, "skipped"))
            continue
        rows, seen, found = _rows(folder, table, split)
        defects += found
        clips = _clip_folder(split, files)
        paths = {
            _name(split, row): f"{clips}/dia{row.dialogue}_utt{row.utterance}.mp4"
            for group in rows.values()
            for row in group
        }
        for number, group in rows.items():
            defects += _dialogue_defects(split, number, group, seen[number])
            dialogues.append(_dialogue(split, number, group, paths, files))
        if gaps := id_gaps(seen):
            reason = f"dialogue ids are missing: {listed(gaps)}"
            defects.append(Defect(table, reason, "kept"))
        defects += clip_defects(list(paths.items()), files, item=clips)
        named += paths.values()
    folders = {name for _, name in TABLES.values()}
    clips_there = [path for path in files if PurePosixPath(path).parent.name in folders]
    return Annotations(tuple(dialogues), (*defects, *unnamed_defects(clips_there, named)))


def _name(split: Split, row: _Row) -> str:
    return f"{split}/dia{row.dialogue}_utt{row.utterance}"


def _clip_folder(split: Split, files: Mapping[str, int]) -> str:
    """Where the clips of a split are: the folder of that name nearest the top."""
    name = TABLES[split][1]
    parents = {PurePosixPath(path).parent for path in files}
    found = sorted((p for p in parents if p.name == name), key=lambda p: (len(p.parts), str(p)))
    return str(found[0]) if found else name


def _rows(
    folder: Path, table: str, split: Split
) -> tuple[dict[int, list[_Row]], dict[int, list[int]], list[Defect]]:
    """The good rows by dialogue in the table's order, all ids seen by dialogue, the defects."""
    rows: dict[int, list[_Row]] = {}
    seen: dict[int, list[int]] = {}
    defects: list[Defect] = []
    for found in table_rows(folder, table, needs=_COLUMNS, defects=defects):
        cells = found.cells
        dialogue = whole_number(cells["Dialogue_ID"])
        utterance = whole_number(cells["Utterance_ID"])
        if dialogue is None or utterance is None:
            reason = f"its ids are no numbers: {cells['Dialogue_ID']!r}, {cells['Utterance_ID']!r}"
            defects.append(Defect(found.place, reason, "skipped"))
            continue
        times = tuple(_seconds(cells.get(column, "")) for column in ("StartTime", "EndTime"))
        start, end = times
        known = None if start is None or end is None else (start, end)
        row = _Row(dialogue, utterance, cells, known)
        if utterance in seen.setdefault(dialogue, []):
            reason = f"{SAME_IDS}: {_name(split, row)}"
            defects.append(Defect(found.place, reason, "skipped"))
            continue
        seen[dialogue].append(utterance)
        if not cells["Utterance"]:
            defects.append(Defect(_name(split, row), EMPTY_TEXT, "skipped"))
            continue
        if found.was_repaired:
            defects.append(Defect(_name(split, row), ENCODING, "repaired"))
        defects += [Defect(_name(split, row), reason, "kept") for reason in _notes(row)]
        rows.setdefault(dialogue, []).append(row)
    return rows, seen, defects


def _notes(row: _Row) -> Iterator[str]:
    """What is odd about a row that is kept as it is."""
    text, times = row.cells["Utterance"], row.times
    if "StartTime" in row.cells and "EndTime" in row.cells:
        written = f"{row.cells['StartTime']} to {row.cells['EndTime']}"
        if times is None:
            yield f"its times cannot be read: {written}"
        elif times[1] <= times[0]:
            yield f"its end is not after its start: {written}"
        elif times[1] - times[0] > LONGEST_S:
            length = f"{times[1] - times[0]:.0f} s for {len(text.split())} words"
            yield f"its times are longer than {LONGEST_S:g} s: {length}"
    if not _WORD.search(text):
        yield f"its text has no word: {text}"
    if "\ufffd" in text:
        yield "its text has lost letters"
    if _STAGE.search(text):
        yield "its text holds a stage direction"
    if not row.cells["Speaker"]:
        yield "its speaker is missing"
    for column, known in (("Emotion", EMOTIONS), ("Sentiment", SENTIMENTS)):
        if row.cells[column].lower() not in known:
            yield f"its {column.lower()} is none of the published: {row.cells[column]!r}"


def _dialogue_defects(
    split: Split, number: int, rows: list[_Row], seen: list[int]
) -> Iterator[Defect]:
    name = f"{split}/dia{number}"
    yield from order_defects(name, seen)
    ordered = sorted(rows, key=lambda row: row.utterance)
    for before, row in pairwise(ordered):
        if before.times and row.times and row.times[0] < before.times[0]:
            late_s = before.times[0] - row.times[0]
            reason = f"it starts before the turn before it: by {late_s:.3f} s"
            yield Defect(_name(split, row), reason, "kept")


def _dialogue(
    split: Split, number: int, rows: list[_Row], paths: Mapping[str, str], files: Mapping[str, int]
) -> AnnotatedDialogue:
    turns = []
    for row in sorted(rows, key=lambda row: row.utterance):
        extra = {}
        if row.times is not None:
            start, end = row.times
            extra = {"episode_start_s": f"{start:.3f}", "episode_end_s": f"{end:.3f}"}
        name = _name(split, row)
        turn = AnnotatedTurn(
            name=name,
            speaker=row.cells["Speaker"] or "unknown",
            text=row.cells["Utterance"],
            person=row.cells["Speaker"] or None,
            media=usable(paths[name], files),
            emotion=row.cells["Emotion"].lower() or None,
            sentiment=row.cells["Sentiment"].lower() or None,
            extra=extra,
        )
        turns.append(turn)
    columns = ("Season", "Episode")
    about = {c.lower(): rows[0].cells[c] for c in columns if rows[0].cells.get(c)}
    episode = ", ".join(f"{column} {cell}" for column, cell in about.items())
    return AnnotatedDialogue(
        f"{split}/dia{number}", split, tuple(turns), group=episode or None, extra=about
    )


def _seconds(text: str) -> float | None:
    """Seconds of "hh:mm:ss,ms"; None for anything else."""
    match = _TIME.fullmatch(text)
    if match is None:
        return None
    hours, minutes, seconds, fraction = match.groups()
    return int(hours) * 3600 + int(minutes) * 60 + int(seconds) + int(fraction.ljust(3, "0")) / 1000
