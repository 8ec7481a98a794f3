"""MultiDialog: scripted conversations of two actors, with emotion.

Source: IVLLab/MultiDialog on the Hugging Face hub. Tables
`metadata/<subset>/<subset>_metadata_0000.jsonl`, a json object a line; sound in archives
`data/<subset>/<subset>_chunks_0000.tar.gz` that hold `<conv_id>/<conv_id>_<n><actor>.wav`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from msc_kedro.corpora.annotations import (
    EMPTY_TEXT,
    ENCODING,
    NO_TABLE,
    NOT_UNPACKED,
    SAME_IDS,
    AnnotatedDialogue,
    AnnotatedTurn,
    Annotations,
    Defect,
    Split,
    clip_defects,
    listed,
    order_defects,
    unnamed_defects,
    usable,
)
from msc_kedro.corpora.files import (
    find_file,
    inside,
    list_files,
    not_this_corpus,
    read_text,
    repaired,
    whole_number,
    words_of,
)
from msc_kedro.corpora.folder import VIDEO_SUFFIXES

SUBSETS: dict[str, Split] = {  # "rare": topics that are rare in, or absent from, train
    "train": "train",
    "valid_freq": "valid",
    "valid_rare": "valid",
    "test_freq": "test",
    "test_rare": "test",
}
EMOTIONS = frozenset("neutral happy fear angry disgusting surprising sad".split())
# Actors whose emotion listeners named right in over 40 % of cases, by the dataset's card.
GOLD_ACTORS = frozenset("abcefgijk")
EXPECTED = (
    "<subset>_metadata_0000.jsonl and its like, of at least one of " + ", ".join(SUBSETS) + "; "
    "and the .wav files of the archives, unpacked."
)

_TABLE = re.compile(rf"({'|'.join(SUBSETS)})_metadata_\d+\.jsonl")
_SOUND = re.compile(r".*_(\d+)([a-z])")


@dataclass(frozen=True)
class _Row:
    name: str
    utterance: int
    sound: str | None  # as the table writes it
    values: Mapping[str, str]


def read_multidialog(folder: Path) -> Annotations:
    """The annotations of MultiDialog, of the subsets whose tables are there.

    Raises:
        MscKedroError: the folder is no MultiDialog corpus, or a table names a path outside it.
    """
    files = list_files(folder, corpus="MultiDialog")
    names = sorted(
        {PurePosixPath(p).name for p in files if _TABLE.fullmatch(PurePosixPath(p).name)}
    )
    if not names:
        raise not_this_corpus(folder, files, corpus="MultiDialog", expected=EXPECTED)
    media = _Media(files)
    dialogues: list[AnnotatedDialogue] = []
    defects: list[Defect] = []
    named: list[str] = []
    for subset, split in SUBSETS.items():
        tables = [
            str(find_file(folder, files, name))
            for name in names
            if name.startswith(f"{subset}_metadata_")
        ]
        if not tables:
            defects.append(Defect(f"{subset}_metadata", NO_TABLE, "skipped"))
            continue
        groups: dict[str, list[_Row]] = {}
        seen: dict[str, list[int]] = {}
        sounds: list[tuple[str, str]] = []
        videos: list[tuple[str, str]] = []
        for table in tables:
            defects += _rows(folder, table, subset, groups, seen)
        for conversation, rows in groups.items():
            name = f"{subset}/{conversation}"
            defects += order_defects(name, seen[conversation])
            turns = []
            for row in sorted(rows, key=lambda row: row.utterance):
                sound = media.sound(row.sound) if row.sound else None
                video = media.video(row.sound) if row.sound else None
                turns.append(_turn(row, sound, video, files))
                sounds += [(row.name, sound)] if sound else []
                videos += [(row.name, video)] if video else []
            extra = {"subset": subset}
            dialogues.append(AnnotatedDialogue(name, split, tuple(turns), extra=extra))
        missing = clip_defects(sounds, files, item=f"data/{subset}")
        packed = [p for p in files if PurePosixPath(p).name.startswith(f"{subset}_chunks_")]
        if packed and missing and missing[0].item == f"data/{subset}":
            reason = f"{NOT_UNPACKED}: {listed(packed)}"
            missing = [Defect(f"data/{subset}", reason, "kept")]
        defects += missing + clip_defects(videos, files, item=f"videos of {subset}")
        named += [path for _, path in sounds + videos]
    return Annotations(tuple(dialogues), (*defects, *unnamed_defects(files, named)))


class _Media:
    """Where a sound of the table is, and the video beside it."""

    def __init__(self, files: Mapping[str, int]) -> None:
        self.files = files
        self.sounds: dict[str, str] = {}
        self.videos: dict[str, str] = {}
        for path in files:
            place = PurePosixPath(path)
            if place.name.startswith("."):
                continue
            if place.suffix.lower() == ".wav":
                self.sounds.setdefault(place.name, path)
            elif place.suffix.lower() in VIDEO_SUFFIXES:
                self.videos.setdefault(place.stem, path)

    def sound(self, name: str) -> str:
        return name if name in self.files else self.sounds.get(PurePosixPath(name).name, name)

    def video(self, name: str) -> str | None:
        return self.videos.get(PurePosixPath(name).stem)


def _rows(
    folder: Path,
    table: str,
    subset: str,
    groups: dict[str, list[_Row]],
    seen: dict[str, list[int]],
) -> Iterator[Defect]:
    """Put the good rows of a table into `groups`, all ids into `seen`; give the defects."""
    for line, text in enumerate(read_text(folder / table).split("\n"), start=1):
        if not text.strip():
            continue
        place = f"{table}, line {line}"
        try:
            raw = json.loads(text)
        except (json.JSONDecodeError, RecursionError):
            raw = None
        if isinstance(raw, dict):
            yield from _row(raw, place, subset, groups, seen)
        else:
            yield Defect(place, "it is no json object", "skipped")


def _row(
    raw: Mapping[str, Any],
    place: str,
    subset: str,
    groups: dict[str, list[_Row]],
    seen: dict[str, list[int]],
) -> Iterator[Defect]:
    plain = {key: words_of(value) for key, value in raw.items()}
    values = {key: repaired(value).strip() for key, value in plain.items()}
    conversation, utterance = values.get("conv_id", ""), whole_number(raw.get("utterance_id"))
    if not conversation or utterance is None:
        ids = f"{raw.get('conv_id')!r}, {raw.get('utterance_id')!r}"
        yield Defect(place, f"its ids are missing: {ids}", "skipped")
        return
    name = f"{subset}/{conversation}_utt{utterance}"
    if utterance in seen.setdefault(conversation, []):
        yield Defect(place, f"{SAME_IDS}: {name}", "skipped")
        return
    seen[conversation].append(utterance)
    if not values.get("value"):
        yield Defect(name, EMPTY_TEXT, "skipped")
        return
    if any(values[key] != plain[key] for key in values):
        yield Defect(name, ENCODING, "repaired")
    if values.get("emotion", "").lower() not in EMOTIONS:
        yield Defect(name, f"its emotion is none of the published: {raw.get('emotion')!r}", "kept")
    # `audpath` is the older name of the column.
    written = next((values[k] for k in ("file_name", "audpath") if values.get(k)), "")
    sound = inside(written, place=place) if written else None
    parts = _SOUND.fullmatch(PurePosixPath(sound).stem) if sound else None
    if sound is None:
        yield Defect(name, "its sound is not named", "kept")
    elif parts is None:
        yield Defect(name, f"its file's name tells no actor: {sound}", "kept")
    elif int(parts[1]) != utterance:
        yield Defect(name, f"its file has another number: {sound}", "kept")
    groups.setdefault(conversation, []).append(_Row(name, utterance, sound, values))


def _turn(
    row: _Row, sound: str | None, video: str | None, files: Mapping[str, int]
) -> AnnotatedTurn:
    parts = _SOUND.fullmatch(PurePosixPath(row.sound).stem) if row.sound else None
    role = row.values.get("from", "")
    extra = {"role": role} if role else {}
    if parts:
        extra["gold_emotion"] = "yes" if parts[2] in GOLD_ACTORS else "no"
    seen, heard = usable(video, files), usable(sound, files)
    return AnnotatedTurn(
        name=row.name,
        speaker=parts[2] if parts else role or "unknown",
        text=row.values["value"],
        person=f"actor {parts[2]}" if parts else None,
        media=seen or heard,
        sound=heard if seen else None,
        emotion=row.values.get("emotion", "").lower() or None,
        extra=extra,
    )
