"""`kedro agent`: trained agents from elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from msc_kedro.cli.telling import telling

if TYPE_CHECKING:
    from kedro.framework.startup import ProjectMetadata

_MODALITIES = ("text", "audio", "video")
_FAULTS = ("shared_qformer", "padding_inside", "cut_at_end", "loss_on_padding", "speaker_lookup")


@click.group(name="agent")
def agent() -> None:
    """Trained agents: import-msenc."""


@agent.command(name="import-msenc")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--env", "-e", default=None, help="The recipe whose adapter it becomes.")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), default=None,
              help="Write it into this folder instead.")  # fmt: skip
@click.option("--base", default=None, help="Its language model. Default: Mistral-7B-v0.1.")
@click.option("--modality", "modalities", multiple=True, type=click.Choice(_MODALITIES),
              default=_MODALITIES, show_default=True,
              help="What it was trained with; give it once for each.")  # fmt: skip
@click.option("--target", type=click.Choice(["text_description", "text"]),
              default="text_description", show_default=True, help="What it writes.")  # fmt: skip
@click.option("--compat", "faults", multiple=True, type=click.Choice(_FAULTS), default=_FAULTS,
              show_default=True, help="Faults it was trained with (docs/agent.md).")  # fmt: skip
@click.pass_obj
@telling()
def import_msenc(
    metadata: ProjectMetadata,
    file: Path,
    env: str | None,
    out: Path | None,
    base: str | None,
    modalities: tuple[str, ...],
    target: str,
    faults: tuple[str, ...],
) -> None:
    """Read a checkpoint FILE of MSenC as the adapter of a recipe: weights only, no pickled code."""
    from msc_kedro.dialogue.prompt import PromptStyle
    from msc_kedro.training.adapter import save_adapter
    from msc_kedro.training.msenc import BASE, read_msenc

    adapter = read_msenc(
        file,
        base=base or BASE,
        style=PromptStyle(tuple(modalities), target),  # type: ignore[arg-type]
        compat=faults,  # type: ignore[arg-type]
    )
    if out is not None:
        save_adapter(adapter, out)
        place = str(out)
    else:
        from msc_kedro.session import ProjectSession

        with ProjectSession.create(project_path=metadata.project_path, env=env) as session:
            session.load_context().catalog.save("adapter", adapter)
        place = "the newest version of `adapter`"
    numbers = sum(tensor.numel() for tensor in adapter.state.values())
    faulty = ", ".join(adapter.config["compat"]) or "none"
    click.echo(f"{numbers:,} numbers in {len(adapter.state)} tensors are now {place}.")
    click.echo(f"Faults it keeps (train.compat): {faulty}.")
    again = f" --env {env}" if env else ""
    if out is None:
        click.echo(f"Go on with: kedro run{again} --pipeline evaluate")
