"""The project's own commands, beside Kedro's. Nothing heavy is imported before one runs."""

import click

from msc_kedro.cli.agent import agent
from msc_kedro.cli.clean import clean
from msc_kedro.cli.models import models
from msc_kedro.cli.run import run


@click.group(name="msc-kedro")
def cli() -> None:
    """Commands of msc-kedro."""


cli.add_command(agent)
cli.add_command(clean)
cli.add_command(models)
cli.add_command(run)
