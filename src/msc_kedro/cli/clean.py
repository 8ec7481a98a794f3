"""`kedro clean`: delete old versions of datasets, and what killed runs left."""

from __future__ import annotations

import re
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from msc_kedro.cli.telling import telling

if TYPE_CHECKING:
    from kedro.framework.startup import ProjectMetadata

WORK = ".work"
_TIME_STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d\.\d\d\.\d\d\.\d{3}Z")  # DVC's version is none
_LEFTOVER = re.compile(r"\..+\.\w{8}")  # a temporary name of execution/files.py
_DAY_S = 86_400.0


@dataclass(frozen=True)
class Found:
    """A folder or file that may go, and why."""

    path: Path
    why: str


def to_delete(data: Path, *, keep: int, work: bool, now_s: float) -> list[Found]:
    """What `kedro clean` would delete below `data`.

    Args:
        data: the project's data folder.
        keep: whole versions kept of each dataset, the newest; DVC's own version stays as well.
        work: also the work that is kept between runs.
        now_s: the time; a temporary file younger than a day may belong to a run at work.
    """
    found: list[Found] = []
    versions: dict[Path, list[Path]] = {}
    for path in sorted(data.glob("0*/**/*")):
        if path.is_dir() and _TIME_STAMP.fullmatch(path.name):
            versions.setdefault(path.parent, []).append(path)
        elif _LEFTOVER.fullmatch(path.name) and now_s - path.stat().st_mtime > _DAY_S:
            found.append(Found(path, "left by a run that was killed"))
    for dataset, known in versions.items():
        whole = [version for version in known if (version / dataset.name).exists()]
        kept = set(whole[-keep:])
        last = max(whole, default=None)
        for version in known:
            if version not in kept and (version in whole or (last and version < last)):
                found.append(Found(version, "older" if version in whole else "half a version"))
    if work and (data / WORK).is_dir():
        found.append(Found(data / WORK, "made again when it is needed"))
    return [one for one in found if not any(o.path in one.path.parents for o in found)]


@click.command()
@click.option("--keep", type=click.IntRange(min=1), default=3, show_default=True,
              help="How many versions of each dataset stay.")  # fmt: skip
@click.option("--work", is_flag=True, help="Also the work kept between runs (data/.work).")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
@telling()
def clean(metadata: ProjectMetadata, keep: int, work: bool, yes: bool) -> None:
    """Delete old versions of datasets; DVC's versions and the newest ones stay."""
    project = metadata.project_path
    found = to_delete(project / "data", keep=keep, work=work, now_s=time.time())
    if not found:
        click.echo("There is nothing to delete.")
        return
    for one in found:
        click.echo(f"{one.path.relative_to(project)}  ({one.why})")
    if not yes:
        click.confirm(f"Delete these {len(found)}?", abort=True)
    for one in found:
        if one.path.is_dir():
            shutil.rmtree(one.path)
        else:
            one.path.unlink()
    click.echo(f"{len(found)} deleted.")
