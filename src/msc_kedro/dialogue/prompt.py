"""The prompt, made by one function for training and for generation alike.

Its order is that of the paper's appendix C: an instruction; per utterance the speaker, the video,
the audio, the text; then the order to answer as the next speaker. What is to be learned is
`text(description)`, or the text alone, and the end mark. The words are kept short, because a small
model pays for every token.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, Protocol, get_args

from msc_kedro.errors import MscKedroError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from msc_kedro.dialogue.turns import Dialogue, Turn

Modality = Literal["text", "audio", "video"]
Sense = Literal["video", "audio"]  # what comes as slots, in the order the prompt shows it
Target = Literal["text_description", "text"]
MODALITIES: tuple[Modality, ...] = get_args(Modality)
SENSES: tuple[Sense, ...] = get_args(Sense)
PROMPT_VERSION = 1  # goes into the adapter; raise it with any change of wording or order

_MARK = "\n###"  # opens every part but the first; a reply never goes past it
_INSTRUCTION = "### Instruction: Give the next reply of the conversation."
_TAG = _MARK + " Speaker {speaker}:"
_ORDER: dict[Target, str] = {
    "text_description": _MARK + " Reply as: text(voice description). Speaker {speaker}:",
    "text": _MARK + " Reply as: text. Speaker {speaker}:",
}


class Tokens(Protocol):
    """What the prompt needs of a tokenizer."""

    @property
    def bos_id(self) -> int | None:
        """The id that opens a sequence, or None where the model has none."""

    @property
    def eos_id(self) -> int:
        """The id that ends a reply."""

    def encode(self, text: str) -> list[int]:
        """Ids of a text, without special tokens."""


@dataclass(frozen=True)
class TextPiece:
    """Token ids that stand in the prompt as they are."""

    ids: tuple[int, ...]


@dataclass(frozen=True)
class SlotPiece:
    """A place for the vectors that a Q-Former makes of one utterance's frames."""

    modality: Sense
    utterance_id: str
    last: int | None = None  # reads no more than this many of its frames, the last ones


Piece = TextPiece | SlotPiece


@dataclass(frozen=True)
class PromptStyle:
    """What the prompt shows of an utterance, and what the agent is to answer with."""

    modalities: tuple[Modality, ...] = MODALITIES
    target: Target = "text_description"

    def __post_init__(self) -> None:
        unknown = [name for name in self.modalities if name not in MODALITIES]
        if unknown or not self.modalities:
            raise MscKedroError(
                f"modalities: found {list(self.modalities)}, expected one or more of "
                f"{list(MODALITIES)}."
            )

    def showing(self, modalities: tuple[Modality, ...] | None) -> PromptStyle:
        """The same with some of the modalities only, the others taken away; None keeps all.

        Raises:
            MscKedroError: one is not among those of this style.
        """
        if modalities is None:
            return self
        strangers = [name for name in modalities if name not in self.modalities]
        if strangers:
            raise MscKedroError(
                f"evaluate.modalities: {strangers} are not among {list(self.modalities)}, which "
                "the adapter was trained with. Leave them out, or train with them."
            )
        return replace(self, modalities=tuple(m for m in self.modalities if m in modalities))


@dataclass(frozen=True)
class DialoguePrompt:
    """A dialogue in pieces.

    A prompt for the reply at turn k (k >= 1) is `instruction`, `turns[:k]`, `orders[k]`; what is
    learned there is `targets[k]`. `orders[0]` and `targets[0]` are there to keep the numbering and
    are not used: nothing precedes the first turn.
    """

    dialogue: Dialogue
    style: PromptStyle
    instruction: tuple[Piece, ...]
    turns: tuple[tuple[Piece, ...], ...]
    orders: tuple[TextPiece, ...]
    targets: tuple[TextPiece, ...]  # each ends with the end mark


def target_text(turn: Turn, target: Target) -> str:
    """What the agent should write for a turn: `text(description)`, or the text alone."""
    described = target == "text_description" and turn.description
    return f"{turn.text}({turn.description})" if described else turn.text


def dialogue_prompt(
    dialogue: Dialogue,
    *,
    tokens: Tokens,
    style: PromptStyle,
    has: Callable[[str, Sense], bool] | None = None,
) -> DialoguePrompt:
    """The pieces of a dialogue. Each is tokenised by itself; one BOS opens the whole.

    Args:
        dialogue: the turns. To ask for a reply that nobody has given yet, append a turn that names
            the speaker and leaves the text empty.
        tokens: the language model's tokens.
        style: modalities shown, and the kind of target.
        has: whether an utterance has frames of a modality; one that has none gets no slots. None
            means that all are there.
    """
    opening = () if tokens.bos_id is None else (tokens.bos_id,)
    instruction = TextPiece((*opening, *tokens.encode(_INSTRUCTION)))
    order = _ORDER[style.target]

    def turn_pieces(turn: Turn) -> tuple[Piece, ...]:
        pieces: list[Piece] = [TextPiece(tuple(tokens.encode(_TAG.format(speaker=turn.speaker))))]
        pieces += [
            SlotPiece(sense, turn.utterance_id)
            for sense in SENSES
            if sense in style.modalities and (has is None or has(turn.utterance_id, sense))
        ]
        if "text" in style.modalities and turn.text:
            pieces.append(TextPiece(tuple(tokens.encode(f" {turn.text}"))))
        return tuple(pieces)

    return DialoguePrompt(
        dialogue=dialogue,
        style=style,
        instruction=(instruction,),
        turns=tuple(turn_pieces(turn) for turn in dialogue.turns),
        orders=tuple(
            TextPiece(tuple(tokens.encode(order.format(speaker=turn.speaker))))
            for turn in dialogue.turns
        ),
        targets=tuple(
            TextPiece((*tokens.encode(target_text(turn, style.target)), tokens.eos_id))
            for turn in dialogue.turns
        ),
    )


@dataclass(frozen=True)
class ParsedReply:
    """A reply as read back from what the model wrote."""

    text: str
    description: str  # "" where none could be read


def parse_reply(written: str) -> ParsedReply:
    """Reads `text(description)` back. Never fails; an empty string gives an empty reply.

    The description is, in this order: the bracket that closes at the very end, with its matching
    opening; a bracket that was never closed (the reply was cut off); the last bracket that
    touches the word before it (the model went on after its description: what follows is dropped).
    A bracket set off by a space, with words after it, belongs to the text. Where the model went on
    to write the prompt's next part itself, only what stands before that is read.
    """
    written = written.split(_MARK)[0].strip()
    groups, unclosed = _brackets(written)
    if groups and groups[-1][1] == len(written) - 1:
        start, stop = groups[-1]
    elif unclosed is not None:
        start, stop = unclosed, len(written)
    else:
        touching = [group for group in groups if group[0] == 0 or written[group[0] - 1] != " "]
        if not touching:
            return ParsedReply(written, "")
        start, stop = touching[-1]
    return ParsedReply(written[:start].strip(), written[start + 1 : stop].strip())


def _brackets(written: str) -> tuple[Sequence[tuple[int, int]], int | None]:
    """The outermost closed brackets, as (opening, closing), and the first one never closed."""
    groups: list[tuple[int, int]] = []
    open_at: list[int] = []
    for index, sign in enumerate(written):
        if sign == "(":
            open_at.append(index)
        elif sign == ")" and open_at:
            start = open_at.pop()
            while groups and groups[-1][0] > start:  # brackets inside this one
                groups.pop()
            groups.append((start, index))
    return groups, open_at[0] if open_at else None
