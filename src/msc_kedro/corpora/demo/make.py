"""Make the demo: speak, lay out, draw and encode each scripted dialogue."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Protocol

from msc_kedro.corpora.demo.backdrops import HEIGHT, WIDTH
from msc_kedro.corpora.demo.film import act, encode, pictures
from msc_kedro.corpora.demo.moods import MOODS, acted
from msc_kedro.corpora.demo.script import Scene, scenes
from msc_kedro.corpora.demo.shots import Shot, plan_shots
from msc_kedro.corpora.demo.sound import heard, lay_out
from msc_kedro.corpora.demo.truth import (
    DialogueTruth,
    HeadTruth,
    PersonTruth,
    ShotTruth,
    TurnTruth,
    as_json,
)
from msc_kedro.errors import MscKedroError
from msc_kedro.execution.files import code_of, key_of, once, whole_file
from msc_kedro.execution.parallel import in_parallel
from msc_kedro.voice.manner import Identity, Synthesizer

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from msc_kedro.corpora.demo.sound import Voices

# Most videos run at 25 pictures a second and 48 kHz; some do not, as in life.
_FPS = (Fraction(25), Fraction(25), Fraction(30), Fraction(25), Fraction(24000, 1001))
_SAMPLE_RATES = (48_000, 48_000, 24_000)


class Speaker(Synthesizer, Protocol):
    """A voice of the cast, that knows which voice it is made of and how it differs from that."""

    @property
    def base(self) -> str:
        """Name of the voice it is made of."""
        ...

    @property
    def identity(self) -> Identity:
        """What sets it apart from that voice."""
        ...


@dataclass(frozen=True)
class DemoVideo:
    """One dialogue as an MP4 file, and what was done to make it."""

    mp4: bytes
    truth: DialogueTruth


def demo_files(
    voices: Mapping[str, Speaker],
    *,
    seed: int,
    folder: Path,
    made_by: str,
    dialogues: int | None = None,
    workers: int = 1,
) -> Iterator[tuple[str, bytes]]:
    """File names with their bytes: the videos in their order, then `truth.json`.

    Every finished dialogue is kept in `folder`, so that a run that was killed loses only those at
    hand. The same arguments give the same bytes.

    Args:
        voices: a speaker for each name of `script.CAST`.
        seed: of manners, gaps, blinks and noise. A dialogue does not depend on those before it.
        folder: where finished dialogues are kept.
        made_by: names the voices, their weights and options; part of the key of what is kept.
        dialogues: only the first so many; all when None.
        workers: dialogues made at a time; changes no byte.

    Raises:
        MscKedroError: when a voice is missing, or for a count under 1 or above the script's.
    """
    script = scenes()
    if dialogues is not None and not 1 <= dialogues <= len(script):
        raise MscKedroError(
            f"The demo has 1 to {len(script)} dialogues, but {dialogues} were asked for."
        )
    wanted = script[:dialogues]
    missing = {line.speaker for scene in wanted for line in scene.lines} - voices.keys()
    if missing:
        raise MscKedroError(
            f"The demo needs a voice for each of its cast; none was given for "
            f"{', '.join(sorted(missing))}."
        )
    code = code_of("corpora.demo", "speaking", "voice.manner")

    def kept(number: int) -> tuple[Path, Path]:
        key = key_of("demo", seed, number, made_by, code)
        film, truth = folder / f"{key}.mp4", folder / f"{key}.json"

        def make(unfinished: Path) -> None:
            video = make_dialogue(number, voices, seed=seed)
            with whole_file(film) as temporary:
                temporary.write_bytes(video.mp4)
            unfinished.write_bytes(as_json(asdict(video.truth)))

        return film, once(truth, make)  # the truth comes last: where it is, the film is

    truths = []
    for film, truth in in_parallel(
        kept, range(len(wanted)), workers=workers, title="making the demo", unit="dialogues"
    ):
        truths.append(json.loads(truth.read_bytes()))
        yield f"{truths[-1]['name']}.mp4", film.read_bytes()
    people = [asdict(_person(name, voice)) for name, voice in voices.items()]
    yield "truth.json", as_json({"people": people, "dialogues": truths})


def make_dialogue(number: int, voices: Mapping[str, Speaker], *, seed: int) -> DemoVideo:
    """Make one dialogue of the script, counted from 0."""
    import numpy as np

    random = np.random.default_rng([seed, number])
    scene = scenes()[number]
    fps, sample_rate = _FPS[number % len(_FPS)], _SAMPLE_RATES[number % len(_SAMPLE_RATES)]
    moods = [MOODS[line.mood] for line in scene.lines]
    manners = [acted(mood, random) for mood in moods]
    said = lay_out(
        [
            voices[line.speaker](line.text, manner=manner, seed=seed)
            for line, manner in zip(scene.lines, manners, strict=True)
        ],
        gains_db=[mood.gain_db for mood in moods],
        over=[line.over for line in scene.lines],
        sample_rate=sample_rate,
        random=random,
    )
    track = heard(said, room=scene.room, noise=scene.noise, random=random)
    shots = plan_shots(scene, said, fps=fps, random=random)
    faces = {}
    for name in {line.speaker for line in scene.lines}:
        own = [n for n, line in enumerate(scene.lines) if line.speaker == name]
        worn = [(n, moods[n].expression) for n in own]
        faces[name] = act(said, worn, pictures=shots[-1].last, fps=fps)
    mp4 = encode(pictures(shots, faces), track, fps=fps)
    turns = tuple(
        TurnTruth(
            start_s=start / sample_rate,
            end_s=end / sample_rate,
            text=line.text,
            speaker=line.speaker,
            gender=voices[line.speaker].gender,
            voice=voices[line.speaker].name,
            base_voice=voices[line.speaker].base,
            mood=line.mood,
            semitones=manner.semitones,
            rate=manner.rate,
            range=manner.range,
            gain_db=mood.gain_db,
            expression=mood.expression.name,
        )
        for line, mood, manner, (start, end) in zip(
            scene.lines, moods, manners, said.spans, strict=True
        )
    )
    truth = DialogueTruth(
        name=scene.name,
        title=scene.title,
        duration_s=said.duration_s,
        fps=str(fps),
        sample_rate=sample_rate,
        width=WIDTH,
        height=HEIGHT,
        room=scene.room,
        noise=scene.noise,
        level_db=track.level_db,
        cuts_s=tuple(float(shot.first / fps) for shot in shots[1:]),
        shots=tuple(_shot(shot, scene, said, fps) for shot in shots),
        turns=turns,
    )
    return DemoVideo(mp4, truth)


def _shot(shot: Shot, scene: Scene, said: Voices, fps: Fraction) -> ShotTruth:
    start_s, end_s = float(shot.first / fps), float(shot.last / fps)
    rate = said.sample_rate
    heads = []
    for head in shot.heads:
        spans = [
            (max(start_s, first / rate), min(end_s, last / rate))
            for line, (first, last) in zip(scene.lines, said.spans, strict=True)
            if line.speaker == head.person and first / rate < end_s and last / rate > start_s
        ]
        heads.append(HeadTruth(head.person, head.box, tuple(spans)))
    return ShotTruth(start_s, end_s, tuple(heads))


def _person(name: str, voice: Speaker) -> PersonTruth:
    own = voice.identity
    return PersonTruth(
        name=name,
        gender=voice.gender,
        base_voice=voice.base,
        semitones=own.semitones,
        formant=own.formant,
        rate=own.rate,
        range=own.range,
    )
