"""`kedro models`: what a recipe needs, where it comes from, and whether it is whole."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from msc_kedro.cli.telling import no_such_recipe, telling
from msc_kedro.errors import MscKedroError

if TYPE_CHECKING:
    from kedro.framework.startup import ProjectMetadata

    from msc_kedro.models import ModelSpec

LOCK = "models.lock"
PRETRAINED = Path("data/06_models/pretrained")


def model_specs(project_path: Path, env: str | None) -> dict[str, ModelSpec]:
    """The models of a recipe: conf/base/models.yml, with the slots of conf/<env>/models.yml.

    Raises:
        MscKedroError: there is no such recipe, or models.yml is wrong.
    """
    from kedro.framework.project import settings
    from kedro.framework.startup import bootstrap_project

    from msc_kedro.models import read_specs

    bootstrap_project(project_path)
    conf = project_path / settings.CONF_SOURCE
    if env is not None and not (conf / env).is_dir():
        raise MscKedroError(no_such_recipe(env, conf))
    loader = settings.CONFIG_LOADER_CLASS(
        conf_source=str(conf), env=env, **settings.CONFIG_LOADER_ARGS
    )
    return read_specs(loader["models"])


def _chosen(metadata: ProjectMetadata, env: str | None, slots: tuple[str, ...]) -> list[ModelSpec]:
    """Models by their slots; without any, all that are not optional or are there already."""
    from msc_kedro.models import receipt

    specs = model_specs(metadata.project_path, env)
    unknown = sorted(set(slots) - set(specs))
    if unknown:
        raise MscKedroError(f"There is no model {unknown} in this recipe; it has {sorted(specs)}.")
    if slots:
        return [specs[slot] for slot in slots]
    return [spec for spec in specs.values() if not spec.optional or receipt(spec)]


_recipe = click.option(
    "--env", "-e", default=None, help="The recipe: a folder of conf/. Default: the embedded one."
)
_slots = click.argument("slots", nargs=-1)


@click.group(name="models")
def models() -> None:
    """The models of a recipe: list, fetch, verify, export, pin, lock."""


@models.command(name="list")
@_recipe
@click.pass_obj
@telling()
def list_models(metadata: ProjectMetadata, env: str | None) -> None:
    """Show which models the recipe needs, from where, under which licence, and how large."""
    from rich.console import Console
    from rich.table import Table

    from msc_kedro.models import cache_root, receipt

    table = Table(box=None, pad_edge=False)
    table.add_column("Slot", no_wrap=True)
    for name in ("Model", "From", "Licence"):
        table.add_column(name, overflow="fold")
    table.add_column("MB", justify="right")
    table.add_column("Cached")
    specs = list(model_specs(metadata.project_path, env).values())
    for spec in specs:
        kept = receipt(spec)
        source = kept.source if kept else "\nor ".join(s.short for s in spec.sources)
        source = re.sub(r"@([0-9a-f]{8})[0-9a-f]{32}", r"@\1", source)  # as git shows revisions
        size, cached = f"{spec.size / 1e6:.1f}", "yes" if kept else "no"
        if spec.optional and not kept:
            cached = "no, optional"
        table.add_row(spec.slot, spec.title, source, spec.licence, size, cached)
    console = Console()
    if not console.is_terminal:
        console.width = 200  # a pipe has no edge to fold at
    console.print(table)
    total = sum(spec.size for spec in specs) / 1e6
    console.print(f"{len(specs)} models, {total:.0f} MB. Cache: {cache_root()}", soft_wrap=True)


@models.command()
@_slots
@_recipe
@click.pass_obj
@telling()
def fetch(metadata: ProjectMetadata, slots: tuple[str, ...], env: str | None) -> None:
    """Bring models to the user's cache; those that are there touch no network."""
    from msc_kedro.models import ensure_all, receipt

    specs = _chosen(metadata, env, slots)
    there = {spec.slot for spec in specs if receipt(spec)}
    begun = time.monotonic()
    ensure_all(specs)
    new, seconds = len(specs) - len(there), time.monotonic() - begun
    click.echo(
        f"{len(specs)} models ready: {len(there)} were cached, {new} fetched, {seconds:.0f} s"
    )


@models.command()
@_slots
@_recipe
@click.pass_obj
@telling()
def verify(metadata: ProjectMetadata, slots: tuple[str, ...], env: str | None) -> None:
    """Check the sha256 of every cached file; exit 1 if something is wrong or missing."""
    from msc_kedro.models import verify as wrong_with

    failed = 0
    for spec in _chosen(metadata, env, slots):
        wrong = wrong_with(spec)
        failed += bool(wrong)
        click.echo(f"{spec.slot}: {'right' if not wrong else 'WRONG'}")
        for line in wrong:
            click.echo(f"  {line}")
    if failed:
        raise click.exceptions.Exit(1)


@models.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), default=PRETRAINED)
@_recipe
@click.pass_obj
@telling()
def export(metadata: ProjectMetadata, folder: Path, env: str | None) -> None:
    """Copy the recipe's models into FOLDER, one folder per slot, so that DVC can track them."""
    from msc_kedro.models import export_models

    made = export_models(_chosen(metadata, env, ()), metadata.project_path / folder)
    click.echo(f"{len(made)} models are in {folder}. To track them: dvc add {folder}")


@models.command()
@click.argument("repo")
@click.option("--slot", required=True, help="What it is to be: language_model, qformer, ...")
@click.option(
    "--env", "-e", required=True, help="The recipe that is to have it: a folder of conf/."
)
@click.option("--revision", default="main", help="A branch, tag or commit.")
@click.option("--only", multiple=True, metavar="PATTERN", help="Files; by default safetensors.")
@click.option("--prepare", help="A step after fetching: the dotted name of a function.")
@click.pass_obj
@telling()
def pin(
    metadata: ProjectMetadata,
    repo: str,
    slot: str,
    env: str,
    revision: str,
    only: tuple[str, ...],
    prepare: str | None,
) -> None:
    """Take REPO of the model hub into a recipe, at one commit, with the sha256 of every file."""
    from msc_kedro.models import add_entry
    from msc_kedro.models import pin as ask

    there = model_specs(metadata.project_path, env)
    used_for = there[slot].used_for if slot in there else repo
    spec = ask(repo, slot=slot, used_for=used_for, revision=revision, only=only, prepare=prepare)
    path = _recipe_folder(metadata, env) / "models.yml"
    add_entry(path, spec)
    count = _write_lock(metadata, env)
    click.echo(
        f"{path.relative_to(metadata.project_path)}: {slot} is {spec.revision}, {len(spec.files)} "
        f"files, {spec.size / 1e6:.0f} MB; {LOCK}: {count} models"
    )


@models.command()
@_recipe
@click.pass_obj
@telling()
def lock(metadata: ProjectMetadata, env: str | None) -> None:
    """Write models.lock anew from the recipe's models.yml."""
    count = _write_lock(metadata, env)
    path = _recipe_folder(metadata, env) / LOCK
    click.echo(f"{path.relative_to(metadata.project_path)}: {count} models")


def _recipe_folder(metadata: ProjectMetadata, env: str | None) -> Path:
    from kedro.framework.project import settings

    return Path(metadata.project_path) / settings.CONF_SOURCE / (env or "base")


def _write_lock(metadata: ProjectMetadata, env: str | None) -> int:
    from msc_kedro.models import write_lock

    specs = model_specs(metadata.project_path, env)
    (_recipe_folder(metadata, env) / LOCK).write_text(write_lock(specs), encoding="utf-8")
    return len(specs)
