"""`kedro run`, with Kedro's own options: a user's mistake ends in a message, not a traceback."""

from __future__ import annotations

import copy
import logging
from typing import Any

import click
from kedro.framework.cli.project import run as kedro_run

from msc_kedro.errors import MscKedroError

# Kedro's own errors that are about configuration, by name: importing them costs a second.
_MENDABLE = frozenset({"ParameterValidationError", "MissingConfigException", "DatasetNotFoundError"})


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
        if isinstance(cause, MscKedroError) or type(cause).__name__ in _MENDABLE:
            return str(cause)
        if str(cause).startswith("Failed to find the pipeline named"):
            return str(cause)
        cause = cause.__cause__ or cause.__context__
    return None


run = copy.copy(kedro_run)
run.callback = _run
run.params = [
    *kedro_run.params,
    click.Option(["--verbose"], is_flag=True, help="Say all, and show tracebacks."),
]
