"""A corpus whose replies can only be got right by hearing and seeing, made by the program.

Every utterance has four hidden states, drawn independently. Its text holds none of them: it answers
the utterance before and asks one of six questions, and the question says which state the reply must
name, in its words and in its voice description. What carries the states:

    sound   tone    how the whole utterance sounds: a vector added to every frame
            burst   one moment of 60 ms in up to 3 s, taken off again from the other frames of the
                    utterance, so that the mean over frames says nothing
    face    look    how the face looks throughout: a vector added to every frame
            order   three marks in one of four orders; each frame's mean is the same in all four
    tone and look are also asked for the utterance two turns before the one that asks.

Everything lies in noise as strong as the signal of one frame, and each utterance has an offset of
its own, as a voice or a face has.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from msc_kedro.dialogue.turns import Dialogue, Turn
from msc_kedro.execution.ragged import Ragged, RaggedShards, write_shard

STATES = 4  # of each kind
CHANCE = 1 / STATES
WIDTH = 16  # of a frame, both senses
SOUND_RATE, PICTURE_RATE = 50.0, 6.0  # per second
ORDERS = ((0, 1, 2), (2, 1, 0), (1, 0, 2), (2, 0, 1))  # of the marks; 0 and 1, 2 and 3 are reverses
REVERSED = (1, 0, 3, 2)
SHARD = 256  # utterances


@dataclass(frozen=True)
class Question:
    """What a reply must name.

    Attributes:
        name: of the part.
        sense: the modality that carries it.
        state: which hidden state.
        back: how many turns before the asking utterance the state is.
        asks: the words of the question, as many in all.
        opens: the words of the answer before its cue.
        answers: the cue in the text, by state.
        voices: the cue in the description, by state.
    """

    name: str
    sense: str
    state: str
    back: int
    asks: str
    opens: str
    answers: tuple[str, ...]
    voices: tuple[str, ...]


_TONES, _LOOKS = ("calm", "glad", "sad", "cross"), ("awake", "tired", "proud", "shy")
_LOW, _SOFT = ("low", "high", "flat", "lively"), ("soft", "firm", "warm", "cold")
QUESTIONS = (
    Question("tone", "audio", "tone", 0, "how do i sound", "you sound", _TONES, _LOW),
    Question(
        "burst", "audio", "burst", 0, "what did you hear", "you made",
        ("laughs", "sighs", "coughs", "gasps"), ("quick", "slow", "halting", "even"),
    ),
    Question("tone before", "audio", "tone", 2, "how did i sound", "you sounded", _TONES, _LOW),
    Question("look", "video", "look", 0, "how do i look", "you look", _LOOKS, _SOFT),
    Question(
        "order", "video", "order", 0, "what did you see", "you went",
        ("up", "down", "left", "right"), ("near", "far", "clear", "dim"),
    ),
    Question("look before", "video", "look", 2, "how did i look", "you looked", _LOOKS, _SOFT),
)  # fmt: skip
_AGAIN = {question.name: question for question in QUESTIONS}


@dataclass(frozen=True)
class Asked:
    """A reply that depends on a cue: whose, which question, and the right state."""

    dialogue_id: str
    turn: int
    question: Question
    state: int


@dataclass(frozen=True)
class CueCorpus:
    """Dialogues, what their replies must name, and the features of their utterances."""

    dialogues: tuple[Dialogue, ...]
    asked: tuple[Asked, ...]
    pictures: RaggedShards
    sounds: RaggedShards


def words() -> list[str]:
    """Every word that the corpus uses."""
    said = " ".join(
        " ".join((q.asks, q.opens, *q.answers, *q.voices, "a voice hello")) for q in QUESTIONS
    )
    return sorted(set(said.split()))


def make_corpus(folder: Path, *, dialogues: int, turns: int, split: str, seed: int) -> CueCorpus:
    """Draw a corpus and write its features as shards. The same arguments give the same bytes.

    Args:
        folder: for the shards.
        dialogues: how many.
        turns: of each; the first asks only.
        split: its name, also in the ids.
        seed: of everything.
    """
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng([seed, *split.encode()])
    made: list[Dialogue] = []
    asked: list[Asked] = []
    pictures: dict[str, Ragged] = {}
    sounds: dict[str, Ragged] = {}
    for number in range(dialogues):
        name = f"{split}-{number:05d}"
        states = [
            {kind: int(rng.integers(STATES)) for kind in ("tone", "burst", "look", "order")}
            for _ in range(turns)
        ]
        questions: list[Question] = []
        said: list[Turn] = []
        for turn in range(turns):
            answer, voice = "hello", ""
            if turn:
                question = questions[-1]
                state = states[turn - 1 - question.back][question.state]
                asked.append(Asked(name, turn, question, state))
                answer = f"{question.opens} {question.answers[state]}"
                voice = f"a {question.voices[state]} voice"
            questions.append(_next(rng, questions))
            text = f"{answer} {questions[-1].asks}"
            said.append(Turn(f"{name}-{turn:02d}", "AB"[turn % 2], text, voice))
            pictures[said[-1].utterance_id] = _pictures(rng, states[turn])
            sounds[said[-1].utterance_id] = _sounds(rng, states[turn])
        made.append(Dialogue(name, split, tuple(said)))
    return CueCorpus(
        tuple(made),
        tuple(asked),
        _shards(folder / "pictures", pictures),
        _shards(folder / "sounds", sounds),
    )


def _next(rng: np.random.Generator, before: list[Question]) -> Question:
    """Any question, but none whose answer stands in the text already."""
    free = [
        q
        for q in QUESTIONS
        if q.back <= len(before)
        # The state of two turns ago was named one turn ago if it was asked for then.
        and not (q.back and before[-q.back] is _AGAIN[q.name.removesuffix(" before")])
    ]
    return free[int(rng.integers(len(free)))]


def _frames(rng: np.random.Generator, count: int) -> np.ndarray:
    """Noise [f, d] about an offset of its own, without one in the first eight dimensions."""
    values = rng.normal(size=(count, WIDTH))
    values[:, 8:] += rng.normal(size=WIDTH - 8)
    return values


def _sounds(rng: np.random.Generator, state: dict[str, int]) -> Ragged:
    values = _frames(rng, int(rng.integers(50, 151)))
    values[:, state["tone"]] += 1.0
    burst = np.zeros(len(values))
    start = int(rng.integers(0, len(values) - 3))
    burst[start : start + 3] = 4.0
    values[:, 4 + state["burst"]] += burst - burst.mean()
    values[:, 4:8] -= values[:, 4:8].mean(axis=0)  # its noise has no mean either
    return Ragged(values, np.arange(len(values)) / SOUND_RATE)


def _pictures(rng: np.random.Generator, state: dict[str, int]) -> Ragged:
    values = _frames(rng, int(rng.integers(6, 19)))
    values[:, state["look"]] += 1.0
    marks = np.zeros((len(values), 3))
    places = np.sort(rng.choice(len(values), 3, replace=False))
    marks[places, list(ORDERS[state["order"]])] = 4.0
    values[:, 4:7] += marks
    values[:, 4:8] -= values[:, 4:8].mean(axis=0)
    return Ragged(values, np.arange(len(values)) / PICTURE_RATE)


def _shards(folder: Path, rows: dict[str, Ragged]) -> RaggedShards:
    folder.mkdir(parents=True, exist_ok=True)
    names, paths = list(rows), []
    for first in range(0, len(names), SHARD):
        paths.append(folder / f"shard-{first // SHARD:05d}.safetensors")
        write_shard(paths[-1], {name: rows[name] for name in names[first : first + SHARD]})
    return RaggedShards(paths, encoder="made", width=WIDTH)
