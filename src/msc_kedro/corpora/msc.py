"""MSC (MSenC): dialogues cut by hand out of videos that everybody must fetch themselves.

Source: kimtaesu24/MSenC, data/preprocessing. `timestamp.json` maps a video's name to the spans
(start, end in seconds) of its dialogues; dialogues are numbered through, inverted spans left out.
`{train,valid,test}_dictionary.json` name the dialogues of each published split. The published
steps write `utterance_speakerID.csv` and clips `utt_video/dia{D}_utt{U}.mp4`; both are optional
here, because the list carries no utterances itself.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from msc_kedro.corpora.annotations import (
    EMPTY_TEXT,
    ENCODING,
    NO_VIDEO,
    SAME_IDS,
    AnnotatedDialogue,
    AnnotatedTurn,
    Annotations,
    Defect,
    Split,
    clip_defects,
    listed,
    unnamed_defects,
    usable,
)
from msc_kedro.corpora.files import (
    fields,
    find_file,
    inside,
    list_files,
    not_this_corpus,
    read_json,
    repaired,
    table_rows,
    whole_number,
)
from msc_kedro.corpora.folder import VIDEO_SUFFIXES
from msc_kedro.errors import MscKedroError

LIST_NAME = "timestamp.json"
SPLIT_LISTS: dict[Split, str] = {
    "train": "train_dictionary.json",
    "valid": "valid_dictionary.json",
    "test": "test_dictionary.json",
}
UTTERANCE_TABLES = ("utterance_speakerID.csv", "utterance.csv")
CLIP_FOLDER = "utt_video"
EXPECTED = (
    f"{LIST_NAME} from the MSenC repository (data/preprocessing), your own copies of its videos "
    f"under their names there, and, for the published splits, {', '.join(SPLIT_LISTS.values())}."
)

_NOISE = "-1"  # HDBSCAN's label of points in no cluster


def read_msc(folder: Path) -> Annotations:
    """The dialogues of MSC by reference into the user's videos, with turns where they are listed.

    Raises:
        MscKedroError: the folder has no list, or a file of it cannot be read.
    """
    files = list_files(folder, corpus="MSC")
    place = find_file(folder, files, LIST_NAME)
    if place is None:
        raise not_this_corpus(folder, files, corpus="MSC", expected=EXPECTED)
    spans, defects = _spans(read_json(folder / place), str(folder / place))
    splits = _splits(folder, files)
    if splits and (unknown := sorted(set(splits) - set(range(len(spans))))):
        reason = f"the published split names dialogues that the list lacks: {listed(unknown)}"
        defects.append(Defect(place, reason, "kept"))
    turns, clips, found = _turns(folder, files, count=len(spans))
    defects += found
    films = _films(files)
    videos: dict[str, str | None] = {}
    dialogues = []
    for number, (video, start_s, end_s) in enumerate(spans):
        if video not in videos:
            videos[video] = _video(video, folder, films)
            spoilt = _video_defect(video, videos[video], files)
            defects += [spoilt] if spoilt else []
        if splits and number not in splits:
            defects.append(Defect(f"dia{number}", "no published split names it", "kept"))
        dialogue = AnnotatedDialogue(
            name=f"dia{number}",
            split=splits.get(number),
            turns=turns.get(number, ()),
            media=usable(videos[video], files),
            start_s=start_s,
            end_s=end_s,
            group=video,
            extra={"video": video},
        )
        dialogues.append(dialogue)
    named = [*clips, *(path for path in videos.values() if path is not None)]
    seen = [path for path in files if PurePosixPath(path).suffix.lower() in VIDEO_SUFFIXES]
    return Annotations(tuple(dialogues), (*defects, *unnamed_defects(seen, named)))


def _spans(content: Any, place: str) -> tuple[list[tuple[str, float, float]], list[Defect]]:
    """Video, start and end of each usable span; their order is their published number."""
    shape = f"{place}: expected an object of video names, each with a list of [start, end] seconds"
    if not isinstance(content, dict) or not content:
        raise MscKedroError(f"{shape}; found {type(content).__name__}. Download it again.")
    spans: list[tuple[str, float, float]] = []
    defects: list[Defect] = []
    for video, pairs in content.items():
        name = inside(repaired(video), place=place)
        if not isinstance(pairs, list):
            raise MscKedroError(f"{shape}; found {pairs!r} for {video!r}. Download it again.")
        before_s = 0.0
        for index, pair in enumerate(pairs):
            if not _is_pair(pair):
                raise MscKedroError(
                    f"{shape}; found {pair!r} as span {index} of {video!r}. Correct that entry."
                )
            start_s, end_s = float(pair[0]), float(pair[1])
            if end_s <= start_s:
                reason = f"its end is not after its start: {start_s:g} to {end_s:g} s"
                defects.append(Defect(f"{name}, span {index}", reason, "skipped"))
                continue
            if start_s < before_s:
                reason = f"it overlaps the span before it: by {before_s - start_s:.3f} s"
                defects.append(Defect(f"dia{len(spans)}", reason, "kept"))
            spans.append((name, start_s, end_s))
            before_s = end_s
    return spans, defects


def _is_pair(pair: object) -> bool:
    return (
        isinstance(pair, list)
        and len(pair) == 2
        and all(isinstance(v, int | float) and not isinstance(v, bool) for v in pair)
        and all(math.isfinite(v) and v >= 0 for v in pair)
    )


def _splits(folder: Path, files: Mapping[str, int]) -> dict[int, Split]:
    """The published split by dialogue number; empty where the lists are not there."""
    splits: dict[int, Split] = {}
    for split, name in SPLIT_LISTS.items():
        place = find_file(folder, files, name)
        for key in fields(read_json(folder / place)) if place else ():
            number = whole_number(key)
            if number is None or number in splits:
                why = "no number" if number is None else f"also in {splits[number]}"
                raise MscKedroError(
                    f"{folder / str(place)}: the dialogue {key!r} is {why}; expected each number "
                    "in one split. Download the three lists again."
                )
            splits[number] = split
    return splits


def _plain(name: str) -> str:
    """Systems differ in how they write accents and capitals."""
    return unicodedata.normalize("NFC", name).lower()


def _films(files: Mapping[str, int]) -> dict[str, list[str]]:
    """Paths of videos by plain name, with and without the ending."""
    films: dict[str, list[str]] = {}
    for path in files:
        place = PurePosixPath(path)
        if place.suffix.lower() in VIDEO_SUFFIXES and place.parent.name != CLIP_FOLDER:
            for name in (place.name, place.stem):
                films.setdefault(_plain(name), []).append(path)
    return films


def _video(name: str, folder: Path, films: Mapping[str, list[str]]) -> str | None:
    """The user's copy of a video: under that name, or that name with another video's ending.

    Raises:
        MscKedroError: there are several.
    """
    place = PurePosixPath(name)
    found = films.get(_plain(place.name)) or films.get(_plain(place.stem), [])
    if len(found) > 1:
        raise MscKedroError(
            f"{folder} holds {len(found)} videos for {name!r}: {listed(found)}. Keep one of them."
        )
    return found[0] if found else None


def _video_defect(name: str, path: str | None, files: Mapping[str, int]) -> Defect | None:
    if path is None:
        return Defect(name, NO_VIDEO, "kept")
    return Defect(path, "the video is empty", "kept") if files[path] == 0 else None


def _turns(
    folder: Path, files: Mapping[str, int], *, count: int
) -> tuple[dict[int, tuple[AnnotatedTurn, ...]], list[str], list[Defect]]:
    """Turns by dialogue number, the paths of their clips, and what is wrong with them."""
    tables = (find_file(folder, files, name) for name in UTTERANCE_TABLES)
    table = next((path for path in tables if path), None)
    if table is None:
        return {}, [], []
    parents = {PurePosixPath(path).parent for path in files}
    clip_folder = min((str(p) for p in parents if p.name == CLIP_FOLDER), default=None)
    turns: dict[int, dict[int, AnnotatedTurn]] = {}
    clips: list[tuple[str, str]] = []
    defects: list[Defect] = []
    columns = ("Dialogue_ID", "Utterance_ID", "Utterance")
    for row in table_rows(folder, table, needs=columns, defects=defects):
        cells = row.cells
        dialogue = whole_number(cells["Dialogue_ID"])
        utterance = whole_number(cells["Utterance_ID"])
        if dialogue is None or utterance is None or dialogue >= count:
            ids = f"{cells['Dialogue_ID']!r}, {cells['Utterance_ID']!r}"
            defects.append(Defect(row.place, f"its ids are none of the list: {ids}", "skipped"))
            continue
        name = f"dia{dialogue}_utt{utterance}"
        if utterance in turns.setdefault(dialogue, {}):
            defects.append(Defect(row.place, f"{SAME_IDS}: {name}", "skipped"))
            continue
        if not cells["Utterance"]:
            defects.append(Defect(name, EMPTY_TEXT, "skipped"))
            continue
        if row.was_repaired:
            defects.append(Defect(name, ENCODING, "repaired"))
        speaker = cells.get("Speaker_ID") or "unknown"
        if speaker == _NOISE:
            defects.append(Defect(name, "its speaker is in no cluster", "repaired"))
            speaker = f"alone_{utterance}"
        path = f"{clip_folder or CLIP_FOLDER}/{name}.mp4"
        clips.append((name, path))
        times = cells.get("timestamp")
        turns[dialogue][utterance] = AnnotatedTurn(
            name=name,
            speaker=speaker,
            text=cells["Utterance"],
            media=usable(path, files),
            # Seconds within the scene the published step cut, not within the dialogue.
            extra={"scene_times": times} if times else {},
        )
    if clip_folder is not None:
        defects += clip_defects(clips, files, item=clip_folder)
    ordered = {
        dialogue: tuple(of[utterance] for utterance in sorted(of)) for dialogue, of in turns.items()
    }
    return ordered, [path for _, path in clips], defects
