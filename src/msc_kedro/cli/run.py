"""`kedro run`, with Kedro's own options: a user's mistake ends in a message, not a traceback."""

from __future__ import annotations

import logging
from typing import Any

import click
from kedro.framework.cli.project import run as kedro_run

from msc_kedro.cli.telling import telling


def _run(*, verbose: bool, pipeline: str | None, pipelines: list[str], **options: Any) -> Any:
    if verbose:
        for name in ("kedro", "msc_kedro"):
            logging.getLogger(name).setLevel(logging.DEBUG)
    chosen = [*([pipeline] if pipeline else []), *pipelines]
    with telling(verbose=verbose):
        return kedro_run.callback(pipeline=None, pipelines=chosen, **options)  # type: ignore[misc]


class _Run(click.Command):
    """Kedro's own complaints about options lose their text on the way to the terminal."""

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:
        with telling():
            return super().make_context(*args, **kwargs)


run = _Run(
    name="run",
    callback=_run,
    params=[
        *kedro_run.params,
        click.Option(["--verbose"], is_flag=True, help="Say all, and show tracebacks."),
    ],
    help=kedro_run.help,
)
