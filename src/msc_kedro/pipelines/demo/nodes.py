"""Nodes of the demo."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from msc_kedro.models.opener import Opener
from msc_kedro.pipelines.demo.parameters import DemoParameters
from msc_kedro.pipelines.parameters import EngineParameters


def make_demo_corpus(
    voice_female: Opener,
    voice_male: Opener,
    work: Path,
    parameters: DemoParameters,
    engine: EngineParameters,
) -> Iterator[tuple[str, bytes]]:
    """Speak and film the scripted dialogues; each is kept in the work folder once it is done.

    Returns:
        File names with their bytes, made one by one as they are asked for: the videos, then
        `truth.json`.
    """
    from msc_kedro.corpora.demo.make import demo_files
    from msc_kedro.corpora.demo.script import CAST
    from msc_kedro.speaking.disguise import cast_voices

    people = {person.name: (person.gender, person.identity) for person in CAST}
    # Handed on as one object: Kedro would save a generator node's output piece by piece.
    return demo_files(
        cast_voices(people, female=voice_female.open(), male=voice_male.open()),
        seed=parameters.seed,
        folder=work / "demo",
        made_by=f"{voice_female.name} {voice_male.name}",
        dialogues=parameters.dialogues,
        workers=engine.threads,
    )
