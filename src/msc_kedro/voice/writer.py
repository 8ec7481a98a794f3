"""Descriptions written by a language model, and believed only where the parser reads them back.

As in data-speech and the paper: an instruct model gets the levels as keywords and words them
freely. What it writes counts if `grammar.read` finds exactly the levels in it; otherwise it tries
again, and in the end the template writes.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from msc_kedro.voice import bins
from msc_kedro.voice.grammar import VoiceLevels, read, write

# Texts to continue a chat with, each with its own seed -> what the model wrote.
Chat = Callable[[Sequence[Sequence["Message"]], Sequence[int]], Sequence[str]]
LONGEST_WORDS = 60
_EXAMPLES = (
    VoiceLevels("female", "slightly low-pitch", "very monotone", "very fast"),
    VoiceLevels("male", None, "very expressive and animated", "very slowly", "distant-sounding"),
)


@dataclass(frozen=True)
class Message:
    """A turn of a chat with the model."""

    role: Literal["user", "assistant"]
    content: str


@dataclass(frozen=True)
class Description:
    """A description, who wrote it, and how often the model was asked for it."""

    text: str
    written_by: Literal["template", "language_model", "template after language_model"]
    tries: int


def by_template(levels: VoiceLevels, *, seed: int) -> Description:
    """The description of the template (`grammar.write`)."""
    return Description(write(levels, seed=seed), "template", 0)


def by_language_model(
    levels: Sequence[VoiceLevels],
    chat: Chat,
    *,
    seeds: Sequence[int],
    tries: int,
    version: bins.Version = bins.DEFAULT,
) -> list[Description]:
    """Descriptions in the model's own words, each read back before it is taken.

    Args:
        levels: what to say; where nothing is known the template says so without the model.
        chat: the model. It is asked for all that are still wanted at once.
        seeds: one a description, of the model's sampling and of the template behind it.
        tries: how often the model may try before the template writes.
        version: of the words of the levels.
    """
    done: dict[int, Description] = {
        place: by_template(one, seed=seeds[place])
        for place, one in enumerate(levels)
        if one == VoiceLevels()
    }
    for attempt in range(1, tries + 1):
        wanted = [place for place in range(len(levels)) if place not in done]
        if not wanted:
            break
        answers = chat(
            [prompt(levels[place], seed=seeds[place] + attempt) for place in wanted],
            [zlib.crc32(f"{seeds[place]} {attempt}".encode()) for place in wanted],
        )
        for place, answer in zip(wanted, answers, strict=True):
            text = tidy(answer)
            if agrees(text, levels[place], version=version):
                done[place] = Description(text, "language_model", attempt)
    return [
        done.get(place)
        or Description(write(one, seed=seeds[place]), "template after language_model", tries)
        for place, one in enumerate(levels)
    ]


def agrees(text: str, levels: VoiceLevels, *, version: bins.Version = bins.DEFAULT) -> bool:
    """Whether a text says exactly these levels and is fit to stand behind a reply.

    Brackets would end the description early where it is read out of the agent's reply.
    """
    fit = text and not set("()\n") & set(text) and len(text.split()) <= LONGEST_WORDS
    return bool(fit) and read(text, version=version) == levels


def tidy(answer: str) -> str:
    """The first paragraph of an answer, without quotation marks or a heading before it."""
    text = re.sub(r"^\s*(?:description|answer)\s*:\s*", "", answer.strip(), flags=re.IGNORECASE)
    text = text.split("\n")[0].strip().strip("\"'“”‘’*` ")
    text = re.sub(r"\s+", " ", text)
    return text if not text or text[-1] in ".!?" else text + "."


def prompt(levels: VoiceLevels, *, seed: int = 0) -> tuple[Message, ...]:
    """The chat that asks for a description: the order, examples, and the keywords with a draft.

    The draft is the template's: a small model that words keywords freely forgets most of them, but
    rewords a sentence well. A large one takes it as the example that it is.
    """
    turns = []
    for place, example in enumerate(_EXAMPLES):
        turns.append(Message("user", _asked(example, place)))
        turns.append(Message("assistant", write(example, seed=place + 100)))
    first = Message("user", f"{_ORDER}\n\n{turns[0].content}")
    return (first, *turns[1:], Message("user", _asked(levels, seed)))


_ORDER = (
    "Describe how a person speaks in one short sentence. You get keywords and a draft. Say it in "
    "other words, but keep every keyword just as it is and add nothing. Answer with the sentence "
    "alone."
)
_NAMES = {
    "gender": "gender",
    "pitch": "pitch of the voice",
    "monotony": "tone",
    "pace": "pace",
    "reverberation": "recording",
    "noise": "noise",
}


def _asked(levels: VoiceLevels, seed: int) -> str:
    told = [
        f"{name}: {getattr(levels, key)}"
        for key, name in _NAMES.items()
        if getattr(levels, key) is not None
    ]
    return f"Keywords: {'; '.join(told)}.\nDraft: {write(levels, seed=seed)}"
