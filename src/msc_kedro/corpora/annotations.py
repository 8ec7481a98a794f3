"""What an annotated corpus says: its dialogues and turns, and what is wrong with it.

Every reader of this package (`meld`, `msc`, `multidialog`, `avamerg`) gives the same
`Annotations`. Paths are relative to the corpus folder, with forward slashes; times are seconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Literal

from msc_kedro.corpora.folder import MEDIA_SUFFIXES

Split = Literal["train", "valid", "test"]
Action = Literal["skipped", "repaired", "kept"]

ENCODING = "its text was in another encoding"
EMPTY_TEXT = "its text is empty"
SAME_IDS = "an earlier row has the same ids"
UNNAMED = "no row names it"
APPLE_DOUBLE = "it is a file that macOS leaves in archives"
UNNAMED_KINDS = frozenset({UNNAMED, APPLE_DOUBLE})
NO_CLIP = "its clip is missing"
NO_CLIPS = "none of its clips are there"
EMPTY_CLIP = "its clip is empty"
NO_VIDEO = "the video is missing"
NO_TABLE = "the table is missing"
NOT_UNPACKED = "its archives are not unpacked"
ABSENT_KINDS = frozenset({NO_CLIP, NO_CLIPS, EMPTY_CLIP, NO_VIDEO, NO_TABLE, NOT_UNPACKED})


@dataclass(frozen=True)
class Defect:
    """Something wrong with a corpus, and what the reader did about it.

    `item` is the name of a turn or dialogue, or the path of a file. `reason` is a fixed phrase
    (`kind`), with the particulars after a colon. `action`: "skipped", the item is not in the
    result; "repaired", it is, put right; "kept", it is as it came (a turn whose clip is missing
    or empty has no media).
    """

    item: str
    reason: str
    action: Action

    @property
    def kind(self) -> str:
        """The reason without its particulars, to count by."""
        return self.reason.partition(":")[0]


@dataclass(frozen=True)
class AnnotatedTurn:
    """One utterance as the corpus gives it.

    `media` is its file (a video where there is one), `start_s` and `end_s` its place within that
    file, both None where the whole file is the utterance. `sound` is a file of its sound alone,
    where the corpus has one beside the video. `emotion` and `sentiment` are the corpus's own
    words, in lower case. `person` is who speaks where the corpus names people beyond the dialogue.
    `extra` holds what only this corpus says; docs/corpora.md lists the keys.
    """

    name: str
    speaker: str
    text: str
    person: str | None = None
    media: str | None = None
    start_s: float | None = None
    end_s: float | None = None
    sound: str | None = None
    emotion: str | None = None
    sentiment: str | None = None
    extra: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class AnnotatedDialogue:
    """The turns of a conversation in their order.

    `split` is the published one, None without. `media`, `start_s` and `end_s` are given where the
    whole dialogue is a span of one video (MSC); it may then have no turns. `group` names what was
    recorded together, an episode or a video, and must not be parted by a split; None: only itself.
    """

    name: str
    split: Split | None
    turns: tuple[AnnotatedTurn, ...]
    media: str | None = None
    start_s: float | None = None
    end_s: float | None = None
    group: str | None = None
    extra: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Annotations:
    """A corpus: its dialogues in the order of its tables, and its defects in order of finding."""

    dialogues: tuple[AnnotatedDialogue, ...]
    defects: tuple[Defect, ...]


@dataclass(frozen=True)
class Counts:
    """Sizes of a split; `replies` counts turns that answer another (next-turn samples)."""

    dialogues: int
    turns: int
    replies: int


def count(annotations: Annotations, split: Split | None = None) -> Counts:
    """Sizes of one split, or of the whole corpus where `split` is None."""
    lengths = [
        len(dialogue.turns)
        for dialogue in annotations.dialogues
        if split is None or dialogue.split == split
    ]
    return Counts(len(lengths), sum(lengths), sum(max(length - 1, 0) for length in lengths))


def unnamed_clips(annotations: Annotations) -> tuple[str, ...]:
    """Media files that exist and that no row names: extra clips and `._` files, or a folder whose
    files are all of that kind. Relative paths, in order."""
    return tuple(sorted(d.item for d in annotations.defects if d.kind in UNNAMED_KINDS))


def absences(annotations: Annotations) -> tuple[str, ...]:
    """What the corpus lacks, each with its reason, in order of finding."""
    return tuple(f"{d.item} ({d.reason})" for d in annotations.defects if d.kind in ABSENT_KINDS)


def unnamed_defects(files: Iterable[str], named: Iterable[str]) -> list[Defect]:
    """The media files among `files` that are not `named`, one defect each.

    A folder of which no file is named gives one defect in all: its table is not there.
    """
    wanted = set(named)
    media = [path for path in sorted(files) if PurePosixPath(path).suffix.lower() in MEDIA_SUFFIXES]
    apple = [path for path in media if PurePosixPath(path).name.startswith("._")]
    by_folder: dict[str, list[str]] = {}
    for path in media:
        if not PurePosixPath(path).name.startswith("."):
            by_folder.setdefault(str(PurePosixPath(path).parent), []).append(path)
    found = []
    for folder, paths in by_folder.items():
        left = [path for path in paths if path not in wanted]
        if len(left) > 1 and len(left) == len(paths):
            found.append(Defect(folder, f"{UNNAMED}: {len(left)} media files", "skipped"))
        else:
            found += [Defect(path, UNNAMED, "skipped") for path in left]
    return found + [Defect(path, APPLE_DOUBLE, "skipped") for path in apple]


def clip_defects(
    clips: Sequence[tuple[str, str]], files: Mapping[str, int], *, item: str
) -> list[Defect]:
    """Clips that are missing or hold 0 bytes.

    Args:
        clips: name of a turn and the path that its clip has, or would have.
        files: bytes by path.
        item: what to name where not one of the clips is there; then there is one defect in all.
    """
    there = [path for _, path in clips if path in files]
    if clips and not there:
        return [Defect(item, f"{NO_CLIPS}: {len(clips)} are named", "kept")]
    found = []
    for name, path in clips:
        if path not in files:
            found.append(Defect(name, f"{NO_CLIP}: {path}", "kept"))
        elif files[path] == 0:
            found.append(Defect(name, f"{EMPTY_CLIP}: {path}", "kept"))
    return found


def usable(path: str | None, files: Mapping[str, int]) -> str | None:
    """The path where that file exists and holds something, else None."""
    return path if path is not None and files.get(path, 0) > 0 else None


def id_gaps(ids: Iterable[int]) -> list[str]:
    """The runs of numbers from 0 to the largest that are not among `ids`: "3", "5 to 9"."""
    gaps = []
    expected = 0
    for number in sorted(set(ids)):
        if number > expected:
            last = number - 1
            gaps.append(str(expected) if expected == last else f"{expected} to {last}")
        expected = number + 1
    return gaps


def order_defects(name: str, ids: Sequence[int]) -> list[Defect]:
    """Gaps in the utterance ids of a dialogue, and rows that are not in their order."""
    found = []
    if gaps := id_gaps(ids):
        found.append(Defect(name, f"utterance ids are missing: {listed(gaps)}", "kept"))
    if list(ids) != sorted(ids):
        found.append(Defect(name, "its rows are not in the order of their ids", "repaired"))
    return found


def listed(values: Sequence[object], *, most: int = 8) -> str:
    """Values with commas, the rest counted."""
    shown = ", ".join(str(value) for value in values[:most])
    return shown if len(values) <= most else f"{shown} and {len(values) - most} more"
