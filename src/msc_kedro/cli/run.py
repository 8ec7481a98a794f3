"""`kedro run`, with Kedro's own options: a user's mistake ends in a message, not a traceback."""

from __future__ import annotations

import copy
import logging
import re
from pathlib import Path
from typing import Any

import click
from kedro.framework.cli.project import run as kedro_run

from msc_kedro.errors import MscKedroError

# Kedro's own errors that are about configuration, by name: importing them costs a second.
_MENDABLE = frozenset({"MissingConfigException", "DatasetNotFoundError", "ParserError"})
_MENDABLE_BEGINNINGS = ("Failed to find the pipeline named", "Pipeline does not contain")


def _run(*, verbose: bool, pipeline: str | None, pipelines: list[str], **options: Any) -> Any:
    if verbose:
        for name in ("kedro", "msc_kedro"):
            logging.getLogger(name).setLevel(logging.DEBUG)
    chosen = [*([pipeline] if pipeline else []), *pipelines]
    try:
        return kedro_run.callback(pipeline=None, pipelines=chosen, **options)  # type: ignore[misc]
    except Exception as error:
        told = _told(error)
        if verbose or told is None:
            raise
        raise click.ClickException(told) from error


def _told(error: BaseException) -> str | None:
    """What to say of an error that the user can mend; None of one that is ours."""
    cause: BaseException | None = error
    while cause is not None:
        kind, said = type(cause).__name__, str(cause)
        if isinstance(cause, MscKedroError) or kind in _MENDABLE:
            return said
        if kind == "ParameterValidationError":
            return _where_parameters_are(said)
        if kind == "VersionNotFoundError" or _is_lost_input(error, cause):
            return _who_makes(str(error).partition(":")[0])
        if said.startswith(_MENDABLE_BEGINNINGS):
            return said
        cause = cause.__cause__ or cause.__context__
    return None


def _is_lost_input(error: BaseException, cause: BaseException) -> bool:
    return "while loading data" in str(error) and isinstance(cause, FileNotFoundError)


def _who_makes(dataset: str) -> str:
    """A dataset is not there, or not in the version asked for: name the pipeline before."""
    from msc_kedro.pipeline_registry import STAGES, register_pipelines

    made = register_pipelines()
    maker = next((name for name in STAGES if dataset in made[name].all_outputs()), None)
    first = f"Make it first: kedro run --pipeline {maker}" if maker else "Nothing here makes it."
    return f"There is no '{dataset}' to load, or not in the version asked for.\n{first}"


def _where_parameters_are(said: str) -> str:
    """Kedro's message without pydantic's links, and with the files that hold the blocks."""
    lines = [line for line in said.splitlines() if "For further information" not in line]
    blocks = list(dict.fromkeys(re.findall(r"Parameter '(\w+)", said)))
    files = [Path("conf/base") / f"parameters_{block}.yml" for block in blocks]
    shared = Path("conf/base/parameters.yml")
    known = dict.fromkeys(str(file if file.is_file() else shared) for file in files)
    return "\n".join([*lines, f"What may stand there is in {', '.join(known)}."])


run = copy.copy(kedro_run)
run.callback = _run
run.params = [
    *kedro_run.params,
    click.Option(["--verbose"], is_flag=True, help="Say all, and show tracebacks."),
]
