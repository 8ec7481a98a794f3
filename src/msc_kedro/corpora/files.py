"""Reading a corpus that others wrote: its tables, its json, the list of its files.

Nothing here follows a path out of the folder, and media are listed, never opened.
"""

from __future__ import annotations

import csv
import filecmp
import io
import json
import os
import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from msc_kedro.corpora.annotations import Defect, listed
from msc_kedro.errors import MscKedroError

# UTF-8 that was read as Windows-1252: the letters A0 to 17F, and punctuation. Other scripts are
# left alone, because a few real letters and marks in a row can look like them.
_TAIL = "[\u0080-\u00bf\u0152\u0153\u0160\u0161\u0178\u017d\u017e\u0192\u02c6\u02dc\u2013-\u2122]"
_MISREAD = re.compile(f"[\u00c2-\u00c5]{_TAIL}|\u00e2[\u20ac\u201a\u201e]{_TAIL}")
_LONE = re.compile(r"[\u0080-\u009f\udc80-\udcff]+")


def list_files(folder: Path, *, corpus: str) -> dict[str, int]:
    """Bytes of every file below a folder, by relative path, sorted.

    Hidden folders, `__MACOSX` and folders that are links are passed over.

    Raises:
        MscKedroError: there is no such folder.
    """
    if not folder.is_dir():
        what = "is a file" if folder.exists() else "does not exist"
        raise MscKedroError(
            f"The folder of {corpus} {what}: {folder}\n"
            "Give the folder that holds it: kedro run --params corpus.folder=PATH"
        )
    sizes: dict[str, int] = {}
    for root, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name[0] != "." and name != "__MACOSX"]
        for name in names:
            path = Path(root) / name
            if path.is_file():  # a broken link is no file
                sizes[path.relative_to(folder).as_posix()] = path.stat().st_size
    return dict(sorted(sizes.items()))


def not_this_corpus(folder: Path, files: Iterable[str], *, corpus: str, expected: str) -> Exception:
    """The error for a folder that is something else: what is there, and what should be."""
    tops = sorted({path.partition("/")[0] for path in files})
    return MscKedroError(
        f"{folder} is no {corpus} corpus. Found: {listed(tops) or 'nothing'}.\n"
        f"Expected: {expected}\n"
        "Put it there (docs/corpora.md says where it comes from), or give the folder that holds "
        "it: kedro run --params corpus.folder=PATH"
    )


def find_file(folder: Path, files: Iterable[str], name: str) -> str | None:
    """The path of the one file of that name, the one nearest the top where copies are the same.

    Raises:
        MscKedroError: files of that name differ.
    """
    found = [path for path in files if PurePosixPath(path).name == name]
    found.sort(key=lambda path: (path.count("/"), path))
    for other in found[1:]:
        if not filecmp.cmp(folder / found[0], folder / other, shallow=False):
            raise MscKedroError(
                f"{folder} holds two different files {name}: {found[0]} and {other}. "
                "Take away the one that does not belong, or give a folder that holds only one."
            )
    return found[0] if found else None


def inside(relative: str, *, place: str) -> str:
    """A path that a table names, in its plain form.

    Raises:
        MscKedroError: it is empty, absolute, or leads out of the corpus folder.
    """
    path = posixpath.normpath(relative.strip().replace("\\", "/"))
    if path in (".", "..") or path.startswith(("/", "../")) or path[1:2] == ":" or "\0" in path:
        raise MscKedroError(
            f"{place}: {relative!r} is not a path within the corpus folder. Correct that entry, or "
            "take the file from its publisher again."
        )
    return path


def read_text(path: Path) -> str:
    """A text file as UTF-8. Bytes that are not UTF-8 become surrogates, which `repaired` reads.

    Raises:
        MscKedroError: it cannot be read, is UTF-16, or is a Git LFS pointer.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise MscKedroError(f"{path} cannot be read ({error.strerror}).") from error
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise MscKedroError(f"{path} is in UTF-16; expected UTF-8. Save it again as UTF-8.")
    if data.startswith(b"version https://git-lfs"):
        raise MscKedroError(
            f"{path} is a Git LFS pointer, not the file itself. Fetch it: git lfs pull"
        )
    return data.decode("utf-8-sig", errors="surrogateescape")


def repaired(text: str) -> str:
    """The text with encoding faults put right, otherwise as it is.

    Three faults: single bytes of Windows-1252 among UTF-8 (the byte 92 for an apostrophe), the
    same as control characters (U+0092), and UTF-8 that was read as Windows-1252 and saved again
    (three characters for an apostrophe).
    """
    if text.isascii():
        return text
    return _LONE.sub(_windows, _MISREAD.sub(_reread, text))


def _windows(match: re.Match[str]) -> str:
    return bytes(ord(c) & 0xFF for c in match[0]).decode("cp1252", errors="replace")


def _reread(match: re.Match[str]) -> str:
    """What the characters say where their Windows-1252 bytes are UTF-8, else themselves."""
    try:
        data = b"".join(
            bytes([ord(c)]) if "\x80" <= c <= "\x9f" else c.encode("cp1252") for c in match[0]
        )
        return data.decode("utf-8")
    except UnicodeError:
        return match[0]


@dataclass(frozen=True)
class Row:
    """A row of a table: where it is, and its cells by column, without surrounding space."""

    place: str
    cells: Mapping[str, str]
    was_repaired: bool  # its encoding


def table_rows(
    folder: Path, table: str, *, needs: Iterable[str], defects: list[Defect]
) -> Iterator[Row]:
    """The rows of a CSV. Rows with too many or too few cells go to `defects`.

    Raises:
        MscKedroError: a column of `needs` is missing, or it cannot be read as CSV.
    """
    path = folder / table
    reader = csv.reader(io.StringIO(read_text(path), newline=""), strict=True)
    try:
        header = [name.strip() for name in next(reader, [])]
        missing = [name for name in needs if name not in header]
        if missing:
            raise MscKedroError(
                f"{path}: the columns {', '.join(missing)} are missing; found "
                f"{', '.join(header) or 'nothing'}. Take the table from its publisher again."
            )
        for cells in reader:
            place = f"{table}, line {reader.line_num}"
            if cells and len(cells) != len(header):
                reason = f"its cells are not as many as the columns: {len(cells)}, {len(header)}"
                defects.append(Defect(place, reason, "skipped"))
            elif cells:
                written = {name: cell.strip() for name, cell in zip(header, cells, strict=True)}
                clean = {name: repaired(cell).strip() for name, cell in written.items()}
                yield Row(place, clean, clean != written)
    except csv.Error as error:
        raise MscKedroError(
            f"{path}, near line {reader.line_num}: it cannot be read as CSV ({error}). A quotation "
            "mark may be missing; correct the line, or take the table from its publisher again."
        ) from error


def read_json(path: Path) -> Any:
    """A json file.

    Raises:
        MscKedroError: it is not json.
    """
    try:
        return json.loads(read_text(path))
    except (json.JSONDecodeError, RecursionError) as error:
        raise MscKedroError(
            f"{path} cannot be read as json ({error}). It may be cut off: download it again."
        ) from error


def words_of(value: object) -> str:
    """A json value as text without surrounding space; empty for null and for what is no scalar."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    return str(value).strip()


def fields(value: object) -> Mapping[str, Any]:
    """A json object; an empty one for any other value."""
    return value if isinstance(value, dict) else {}


def entries(value: object) -> list[Any]:
    """A json list; an empty one for any other value."""
    return value if isinstance(value, list) else []


def whole_number(value: object) -> int | None:
    """A number from 0, from json or from a cell; None for anything else."""
    text = words_of(value)
    return int(text) if text.isascii() and text.isdigit() else None
