"""A corpus whose replies can only be got right by hearing and seeing, made by the program.

Every utterance has four hidden states, drawn independently of one another, each value as often as
the others: who always guesses the same is right exactly by chance. Its text holds none of them: it
answers the utterance before and asks one of six questions, and the question says which state the
reply must name, in its words and in its voice description. What carries the states:

    sound   tone    how the whole utterance sounds: a vector added to every frame
            burst   one moment of 160 ms in 1 to 3 s, taken off again from the other frames of the
                    utterance, so that the mean over frames says nothing
    face    look    how the face looks throughout: a vector added to every frame
            order   three marks, a third of the frames each, in one of four orders; the frames, and
                    so their mean, are the same in all four
    tone and look are also asked for the utterance two turns before the one that asks.

A dialogue asks each question once, in a fixed order from one of three places, so that what is left
to learn once the wording is known are the states alone. All lies in noise, and each utterance has
an offset of its own, as a voice or a face has.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from msc_kedro.dialogue.turns import Dialogue, Turn
from msc_kedro.execution.ragged import Ragged, RaggedShards, write_shard

STATES = 4  # of each kind
KINDS = ("tone", "burst", "look", "order")
CHANCE = 1 / STATES
WIDTH = 16  # of a frame, both senses
SOUND_RATE, PICTURE_RATE = 50.0, 6.0  # per second
ORDERS = ((0, 1, 2), (2, 1, 0), (1, 0, 2), (2, 0, 1))  # of the marks; 0 and 1, 2 and 3 are reverses
REVERSED = (1, 0, 3, 2)
NOISE = 0.3  # of every frame, standard deviation
HELD, MARK = 1.0, 4.0  # what lasts, and what comes in few frames
BURST = 8  # frames
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
QUESTIONS = (  # in the order in which they are asked
    Question("tone", "audio", "tone", 0, "how do i sound", "you sound", _TONES, _LOW),
    Question("look", "video", "look", 0, "how do i look", "you look", _LOOKS, _SOFT),
    Question(
        "burst", "audio", "burst", 0, "what did you hear", "you sound",
        ("amused", "weary", "hoarse", "startled"), ("quick", "slow", "halting", "even"),
    ),
    Question(
        "order", "video", "order", 0, "where do i look", "you look",
        ("up", "down", "left", "right"), ("near", "far", "clear", "dim"),
    ),
    Question("tone before", "audio", "tone", 2, "how did i sound", "you sounded", _TONES, _LOW),
    Question("look before", "video", "look", 2, "how did i look", "you looked", _LOOKS, _SOFT),
)  # fmt: skip
HARD = tuple(q for q in QUESTIONS if q.state in ("burst", "order"))
TURNS = len(QUESTIONS) + 1
# One of three questions comes first: two turns then lie before one that asks for them.
_PLANS = tuple(
    tuple(QUESTIONS[(start + turn) % len(QUESTIONS)] for turn in range(TURNS)) for start in range(3)
)


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


def make_corpus(
    folder: Path, *, dialogues: int, split: str, seed: int, drill: bool = False
) -> CueCorpus:
    """Draw a corpus and write its features as shards. The same arguments give the same bytes.

    Args:
        folder: for the shards.
        dialogues: how many, of `TURNS` turns each; the first turn asks only.
        split: its name, also in the ids.
        seed: of everything.
        drill: in their place short ones, an utterance that asks for burst or order and the answer.
    """
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng([seed, *split.encode()])
    made: list[Dialogue] = []
    asked: list[Asked] = []
    pictures: dict[str, Ragged] = {}
    sounds: dict[str, Ragged] = {}

    def dialogue(
        name: str, questions: Sequence[Question], states: Sequence[dict[str, int]]
    ) -> None:
        said: list[Turn] = []
        for turn, asks in enumerate(questions):
            answer, voice = "hello", ""
            if turn:
                question = questions[turn - 1]
                state = states[turn - 1 - question.back][question.state]
                asked.append(Asked(name, turn, question, state))
                answer = f"{question.opens} {question.answers[state]}"
                voice = f"a {question.voices[state]} voice"
            said.append(Turn(f"{name}-{turn:02d}", "AB"[turn % 2], f"{answer} {asks.asks}", voice))
            pictures[said[-1].utterance_id] = _pictures(rng, states[turn])
            sounds[said[-1].utterance_id] = _sounds(rng, states[turn])
        made.append(Dialogue(name, split, tuple(said)))

    plans = [[question] * 2 for question in HARD] if drill else _PLANS
    for place, questions in enumerate(plans):
        numbers = range(place, dialogues, len(plans))
        for number, states in zip(numbers, _states(rng, len(numbers)), strict=True):
            dialogue(f"{split}-{number:05d}", questions, states)
    return CueCorpus(
        tuple(made),
        tuple(asked),
        _shards(folder / "pictures", pictures),
        _shards(folder / "sounds", sounds),
    )


def _states(rng: np.random.Generator, count: int) -> list[list[dict[str, int]]]:
    """Of so many dialogues, per turn: each state as often as the others at each turn."""
    drawn = {
        (turn, kind): rng.permutation(np.arange(count) % STATES).tolist()
        for turn in range(TURNS)
        for kind in KINDS
    }
    return [
        [{kind: drawn[turn, kind][one] for kind in KINDS} for turn in range(TURNS)]
        for one in range(count)
    ]


def _frames(rng: np.random.Generator, count: int) -> np.ndarray:
    """Noise [f, d] about an offset of its own, without one in the first eight dimensions."""
    values = NOISE * rng.normal(size=(count, WIDTH))
    values[:, 8:] += rng.normal(size=WIDTH - 8)
    return values


def _sounds(rng: np.random.Generator, state: dict[str, int]) -> Ragged:
    values = _frames(rng, int(rng.integers(50, 151)))
    values[:, state["tone"]] += HELD
    burst = np.zeros(len(values))
    start = int(rng.integers(0, len(values) - BURST))
    burst[start : start + BURST] = MARK
    values[:, 4 + state["burst"]] += burst - burst.mean()
    values[:, 4:8] -= values[:, 4:8].mean(axis=0)  # its noise has no mean either
    return Ragged(values, np.arange(len(values)) / SOUND_RATE)


def _pictures(rng: np.random.Generator, state: dict[str, int]) -> Ragged:
    # Whole thirds: what were left over would stand at the other end when frames are reversed.
    values = _frames(rng, 3 * int(rng.integers(3, 5)))
    values[:, state["look"]] += HELD
    third = len(values) // 3
    for place, mark in enumerate(ORDERS[state["order"]]):
        values[place * third : (place + 1) * third, 4 + mark] += MARK
    values[:, 4:8] -= values[:, 4:8].mean(axis=0)
    return Ragged(values, np.arange(len(values)) / PICTURE_RATE)


def read_state(kind: str, frames: Ragged) -> int:
    """The state as one reads it who knows how the features were made: what can be known at all."""
    values = np.asarray(frames.values, float)
    if kind in ("tone", "look"):
        return int(values[:, :4].mean(axis=0).argmax())
    if kind == "burst":
        moments = np.stack(
            [values[i : len(values) - BURST + 1 + i, 4:8] for i in range(BURST)]
        ).sum(axis=0)
        return int(moments.max(axis=0).argmax())
    third = len(values) // 3
    held = values[:, 4:7].reshape(3, third, 3).mean(axis=1)  # [place, mark]
    return int(np.argmax([held[[0, 1, 2], order].sum() for order in ORDERS]))


def _shards(folder: Path, rows: dict[str, Ragged]) -> RaggedShards:
    folder.mkdir(parents=True, exist_ok=True)
    names, paths = list(rows), []
    for first in range(0, len(names), SHARD):
        paths.append(folder / f"shard-{first // SHARD:05d}.safetensors")
        write_shard(paths[-1], {name: rows[name] for name in names[first : first + SHARD]})
    return RaggedShards(paths, encoder="made", width=WIDTH)
