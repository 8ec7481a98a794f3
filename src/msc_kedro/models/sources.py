"""Taking a model's files from one source. Every byte is checked on its way in."""

from __future__ import annotations

import hashlib
import logging
import lzma
import os
import shutil
import sys
import zlib
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from importlib import metadata
from pathlib import Path
from typing import IO
from zipfile import BadZipFile, ZipFile

from msc_kedro.models.checksums import sha256_of
from msc_kedro.models.spec import FileFact, FolderSource, HubSource, PackageSource, WheelFact
from msc_kedro.models.wheels import Wheels, WheelUnavailable

log = logging.getLogger(__name__)

_BLOCK = 1 << 20
# What reading a member raises: cut, with another checksum, of an unknown packing, or encrypted.
_BROKEN = (BadZipFile, KeyError, EOFError, RuntimeError, zlib.error, lzma.LZMAError)


class SourceUnavailable(Exception):
    """A source did not give the files; the message says why."""


class AccessRefused(SourceUnavailable):
    """A repository of the hub is given only to those who have accepted its terms, or are let in."""

    def __init__(self, repo: str, *, with_token: bool) -> None:
        super().__init__("the hub refused it")
        self.repo = repo
        self.with_token = with_token


def take(
    source: PackageSource | HubSource | FolderSource,
    files: Mapping[str, FileFact],
    folder: Path,
    *,
    wheels: Wheels,
) -> str:
    """Puts the files of one source into an empty folder.

    Returns:
        Where they came from, in one line.

    Raises:
        SourceUnavailable: the source cannot be reached, lacks a file, or has other bytes.
    """
    if isinstance(source, PackageSource):
        return _from_package(source, files, folder, wheels)
    if isinstance(source, HubSource):
        return _from_hub(source, files, folder)
    return _from_folder(source, files, folder)


def _from_package(
    source: PackageSource, files: Mapping[str, FileFact], folder: Path, wheels: Wheels
) -> str:
    installed = [found for wheel in source.wheels if (found := _installed(wheel))]
    if len(installed) == len(source.wheels):
        try:
            for name, fact in files.items():
                parts = [_in_package(part, installed) for part in source.parts(name)]
                _copy(parts, folder / name, fact)
        except SourceUnavailable as error:
            log.info("%s installed but not used: %s", source.short, error)
        else:
            return f"installed {source.short}"
    try:
        paths = [wheels.get(wheel) for wheel in source.wheels]
    except WheelUnavailable as error:
        raise SourceUnavailable(str(error)) from error
    try:
        with ExitStack() as opened:
            archives = [opened.enter_context(ZipFile(path)) for path in paths]
            for name, fact in files.items():
                # Members are read as streams under their exact names and never unpacked by path.
                with ExitStack() as stack:
                    streams = [
                        stack.enter_context(_holding(part, archives).open(part))
                        for part in source.parts(name)
                    ]
                    write_checked(streams, folder / name, fact)
    except _BROKEN as error:
        names = ", ".join(path.name for path in paths)
        raise SourceUnavailable(f"{names}: {one_line(error)}") from error
    return source.short


def _holding(member: str, archives: Sequence[ZipFile]) -> ZipFile:
    """The archive that holds a member; where none does, the last, which says so when asked."""
    return next((one for one in archives if member in one.namelist()), archives[-1])


def _in_package(member: str, packages: Sequence[metadata.Distribution]) -> Path:
    """Where a member lies among installed packages, or would lie."""
    paths = [Path(str(one.locate_file(member))) for one in packages]
    return next((path for path in paths if path.is_file()), paths[0])


def _installed(wheel: WheelFact) -> metadata.Distribution | None:
    try:
        found = metadata.distribution(wheel.package)
    except metadata.PackageNotFoundError:
        return None
    return found if found.version == wheel.version else None


def _from_hub(source: HubSource, files: Mapping[str, FileFact], folder: Path) -> str:
    from huggingface_hub import get_token, hf_hub_download
    from huggingface_hub.utils import (
        HfHubHTTPError,
        are_progress_bars_disabled,
        disable_progress_bars,
        enable_progress_bars,
    )

    quiet = not sys.stderr.isatty() and not are_progress_bars_disabled()
    if quiet:
        disable_progress_bars()
    try:
        for name, fact in files.items():
            found = hf_hub_download(source.repo, source.files[name], revision=source.revision)
            _link(Path(found).resolve(), folder / name, fact)
    except (OSError, ValueError, HfHubHTTPError) as error:
        if refused_by_hub(error):
            raise AccessRefused(source.repo, with_token=get_token() is not None) from error
        raise SourceUnavailable(one_line(error)) from error
    finally:
        if quiet:
            enable_progress_bars()
    return source.short


def refused_by_hub(error: BaseException) -> bool:
    """Whether the hub knows who asks, or does not, and so gives nothing (HTTP 401, 403)."""
    from huggingface_hub.errors import GatedRepoError

    response = getattr(error, "response", None)
    if isinstance(error, GatedRepoError) or getattr(response, "status_code", None) in (401, 403):
        return True
    return error.__cause__ is not None and refused_by_hub(error.__cause__)


def _from_folder(source: FolderSource, files: Mapping[str, FileFact], folder: Path) -> str:
    here = Path(source.folder).expanduser()
    for name, fact in files.items():
        _copy([here / name], folder / name, fact)
    return source.short


def write_checked(streams: Iterable[IO[bytes]], target: Path, fact: FileFact) -> None:
    """Joins streams into a file, which is there only if size and sha256 are as expected.

    Raises:
        SourceUnavailable: they are not.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    digest, size = hashlib.sha256(), 0
    with target.open("wb") as file:
        for stream in streams:
            # One byte beyond the stated size shows that there are more; none after it is read.
            while block := stream.read(min(_BLOCK, fact.size + 1 - size)):
                size += len(block)
                digest.update(block)
                file.write(block)
    try:
        _check(target.name, size, digest.hexdigest(), fact)
    except SourceUnavailable:
        target.unlink()
        raise


def _copy(parts: Iterable[Path], target: Path, fact: FileFact) -> None:
    with ExitStack() as stack:
        streams = []
        for part in parts:
            if not part.is_file():
                raise SourceUnavailable(f"{part} was not found")
            streams.append(stack.enter_context(part.open("rb")))
        write_checked(streams, target, fact)


def _link(source: Path, target: Path, fact: FileFact) -> None:
    """The hub's cache keeps whole blobs that never change, so a link costs no bytes."""
    _check(target.name, source.stat().st_size, sha256_of(source), fact)
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def _check(name: str, size: int, sha256: str, fact: FileFact) -> None:
    if size > fact.size:
        raise SourceUnavailable(f"{name} is longer than the expected {fact.size} bytes")
    if sha256 != fact.sha256:
        raise SourceUnavailable(
            f"{name} is another file than expected: sha256 {sha256} ({size} bytes) found, "
            f"{fact.sha256} ({fact.size} bytes) expected"
        )


def one_line(error: Exception) -> str:
    """What an error says, short."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= 300 else f"{text[:300]} …"
