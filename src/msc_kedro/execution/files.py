"""Files that are there whole or not at all."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from pathlib import Path

SUCCESS = "_SUCCESS"


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A temporary name to write to; renamed to `path` when the block ends without an error."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(0o644)
        temporary.replace(path)
    except OSError as error:
        error.filename = error.filename or str(path)  # a full disk names no file
        raise
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """A temporary folder to fill; marked with `_SUCCESS` and renamed to `path` at the end.

    What was at `path` before is replaced.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
    try:
        yield temporary
        (temporary / SUCCESS).touch()
        temporary.chmod(0o755)
        if path.exists():
            shutil.rmtree(path)
        temporary.replace(path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def is_whole(folder: Path) -> bool:
    """Whether `whole_folder` finished this one."""
    return (folder / SUCCESS).is_file()


def link_or_copy(source: Path, target: Path) -> None:
    """A hard link where the file system allows one, so that publishing costs no bytes."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def key_of(*parts: object) -> str:
    """A short key of content: the same parts give the same key in every process.

    Parts are what JSON can hold, paths and sets.

    Raises:
        TypeError: for anything else; its `repr` may hold an address, or leave things out.
    """
    text = json.dumps(parts, sort_keys=True, default=_plain)
    return hashlib.sha256(text.encode()).hexdigest()[:20]


def _plain(part: object) -> object:
    if isinstance(part, set | frozenset):
        return sorted(part)
    if isinstance(part, Path):
        return part.as_posix()
    raise TypeError(f"a {type(part).__name__} cannot be part of a key")


@cache
def code_of(*modules: str) -> str:
    """A key of the source of modules and packages, by their dotted names below `msc_kedro`.

    Data that lies in a package, its weights above all, are part of it.
    A name that is not found there is taken as it is: a recipe may name an encoder of the user's.

    It goes into the key of what they make, so that a program that was changed does not take its
    earlier results for new ones.
    """
    digest = hashlib.sha256()
    for module in modules:
        spec = _spec_of(f"msc_kedro.{module}") or _spec_of(module)
        if spec is None or spec.origin is None:
            raise ModuleNotFoundError(f"msc_kedro.{module}")
        origin = Path(spec.origin)
        files = sorted(origin.parent.rglob("*")) if origin.name == "__init__.py" else [origin]
        for file in files:
            if file.is_file() and file.suffix != ".pyc":
                digest.update(file.name.encode() + file.read_bytes())
    return digest.hexdigest()[:20]


def _spec_of(module: str) -> ModuleSpec | None:
    try:
        return find_spec(module)
    except ModuleNotFoundError:  # of a package above it
        return None


def once(path: Path, make: Callable[[Path], None]) -> Path:
    """`path`, made by `make(temporary name)` if it is not there yet."""
    if not path.is_file():
        with whole_file(path) as temporary:
            make(temporary)
    return path
