"""Nodes of the demo."""

from __future__ import annotations

from collections.abc import Iterator

from msc_kedro.models.opener import Opener
from msc_kedro.pipelines.demo.parameters import DemoParameters
from msc_kedro.pipelines.parameters import EngineParameters


def make_demo_corpus(
    voice_female: Opener,
    voice_male: Opener,
    parameters: DemoParameters,
    engine: EngineParameters,
) -> Iterator[tuple[str, bytes]]:
    """Speak and film the scripted dialogues.

    Returns:
        File names with their bytes, made one by one as they are asked for: the videos, then
        `truth.json`.
    """
    from msc_kedro.corpora.demo.make import make_demo, truth_json
    from msc_kedro.corpora.demo.script import CAST
    from msc_kedro.speaking.disguise import cast_voices

    people = {person.name: (person.gender, person.identity) for person in CAST}
    voices = cast_voices(people, female=voice_female.open(), male=voice_male.open())

    def files() -> Iterator[tuple[str, bytes]]:
        truths = []
        for video in make_demo(
            voices,
            seed=parameters.seed,
            dialogues=parameters.dialogues,
            workers=engine.threads,
        ):
            truths.append(video.truth)
            yield f"{video.name}.mp4", video.mp4
        yield "truth.json", truth_json(truths)

    # Handed on as one object: Kedro would save a generator node's output piece by piece.
    return files()
