"""Make the demo: speak, lay out, draw and encode each scripted dialogue."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from msc_kedro.corpora.demo.film import encode, pictures, shots_of
from msc_kedro.corpora.demo.moods import MOODS, acted
from msc_kedro.corpora.demo.rooms import HEIGHT, WIDTH
from msc_kedro.corpora.demo.script import Scene, scenes
from msc_kedro.corpora.demo.sound import lay_out
from msc_kedro.errors import MscKedroError
from msc_kedro.execution.parallel import in_parallel

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from msc_kedro.voice.manner import Synthesizer

# Most videos run at 25 pictures a second and 48 kHz; some do not, as in life.
_FPS = (Fraction(25), Fraction(25), Fraction(30), Fraction(25), Fraction(24000, 1001))
_SAMPLE_RATES = (48_000, 48_000, 24_000)


@dataclass(frozen=True)
class TurnTruth:
    """What was said in one turn, when, by whom and how. The span is exact to the sample."""

    start_s: float
    end_s: float
    text: str
    speaker: str
    gender: str
    voice: str
    mood: str
    semitones: float
    rate: float
    range: float
    expression: str


@dataclass(frozen=True)
class DialogueTruth:
    """What was put into one video: made from the script, never measured from the result."""

    name: str
    title: str
    duration_s: float
    fps: str
    sample_rate: int
    width: int
    height: int
    cuts_s: tuple[float, ...]
    turns: tuple[TurnTruth, ...]


@dataclass(frozen=True)
class DemoVideo:
    """One dialogue as an MP4 file; `name` is the stem of the file's name."""

    name: str
    mp4: bytes
    truth: DialogueTruth


def make_demo(
    voices: Mapping[str, Synthesizer],
    *,
    seed: int,
    dialogues: int | None = None,
    workers: int = 1,
) -> Iterator[DemoVideo]:
    """Make the dialogues one after the other; the same arguments give the same bytes.

    Args:
        voices: a synthesizer for each name of `script.CAST`.
        seed: of manners, gaps, blinks and noise. A dialogue does not depend on those before it.
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
    yield from in_parallel(
        lambda number: _made(wanted[number], number, voices, seed),
        range(len(wanted)),
        workers=workers,
        title="making the demo",
        unit="dialogues",
    )


def _made(scene: Scene, number: int, voices: Mapping[str, Synthesizer], seed: int) -> DemoVideo:
    import numpy as np

    random = np.random.default_rng([seed, number])
    fps, sample_rate = _FPS[number % len(_FPS)], _SAMPLE_RATES[number % len(_SAMPLE_RATES)]
    moods = [MOODS[line.mood] for line in scene.lines]
    manners = [acted(mood, random) for mood in moods]
    track = lay_out(
        [
            voices[line.speaker](line.text, manner=manner, seed=seed)
            for line, manner in zip(scene.lines, manners, strict=True)
        ],
        gains_db=[mood.gain_db for mood in moods],
        sample_rate=sample_rate,
        random=random,
    )
    cast = [(line.speaker, mood.expression) for line, mood in zip(scene.lines, moods, strict=True)]
    shots = shots_of(track, cast, fps=fps, random=random)
    mp4 = encode(pictures(shots, track, fps=fps, random=random), track, fps=fps)
    turns = tuple(
        TurnTruth(
            start_s=start / sample_rate,
            end_s=end / sample_rate,
            text=line.text,
            speaker=line.speaker,
            gender=voices[line.speaker].gender,
            voice=voices[line.speaker].name,
            mood=line.mood,
            semitones=manner.semitones,
            rate=manner.rate,
            range=manner.range,
            expression=mood.expression.name,
        )
        for line, mood, manner, (start, end) in zip(
            scene.lines, moods, manners, track.spans, strict=True
        )
    )
    truth = DialogueTruth(
        name=scene.name,
        title=scene.title,
        duration_s=track.duration_s,
        fps=str(fps),
        sample_rate=sample_rate,
        width=WIDTH,
        height=HEIGHT,
        cuts_s=tuple(float(shot.first / fps) for shot in shots[1:]),
        turns=turns,
    )
    return DemoVideo(name=scene.name, mp4=mp4, truth=truth)


def truth_json(truths: Sequence[DialogueTruth]) -> bytes:
    """The truth file: `{"dialogues": [...]}`, UTF-8, the same bytes for the same truths."""
    document = {"dialogues": [asdict(truth) for truth in truths]}
    return (json.dumps(document, indent=1, ensure_ascii=False) + "\n").encode("utf-8")
