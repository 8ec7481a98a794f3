"""A dialogue in parts that a sequence has room for: a trunk, and the replies that hang on it.

A trunk is the instruction and turns that follow one another; `packing.py` lays it out with its
replies as branches. A dialogue that is too long for one unit goes on in further ones; one sample
per reply is a unit with one reply.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING

from msc_kedro.dialogue.prompt import DialoguePrompt, Piece, Sense, TextPiece
from msc_kedro.errors import MscKedroError

if TYPE_CHECKING:
    from collections.abc import Iterable

Slots = Mapping[Sense, int]  # vectors per utterance and modality


@dataclass(frozen=True)
class Unit:
    """A part of a dialogue that is packed as one: a trunk and the replies that hang on it."""

    prompt: DialoguePrompt
    first_turn: int  # the oldest turn kept in the trunk
    replies: tuple[int, ...]  # the turns that are learned, consecutive
    length: int  # positions it takes
    sees_from: tuple[int, ...] | None = None  # per reply, its oldest turn; None: the trunk's

    def oldest(self, reply: int) -> int:
        """The oldest turn that a reply of this unit attends to."""
        return (
            self.first_turn if self.sees_from is None else self.sees_from[reply - self.replies[0]]
        )


def pieces_length(pieces: Iterable[Piece], slots: Slots) -> int:
    """How many positions pieces take."""
    return sum(
        len(piece.ids) if isinstance(piece, TextPiece) else slots[piece.modality]
        for piece in pieces
    )


def dialogue_units(
    prompt: DialoguePrompt,
    *,
    slots: Slots,
    token_budget: int,
    history_tokens: int,
    window: bool = False,
) -> tuple[Unit, ...]:
    """A dialogue as units of at most `token_budget` positions, in which each reply stands once.

    A dialogue that fits is one unit with its whole history. A longer one goes on in further units:
    each starts with the newest whole utterances that fit `history_tokens` (counted as for
    `reply_unit`), and keeps them for all its replies.

    Args:
        prompt: the dialogue.
        slots: vectors per utterance and modality.
        token_budget: the most positions of a unit.
        history_tokens: see above.
        window: each reply attends to no more than `reply_unit` would keep for it.

    Raises:
        MscKedroError: a reply with the least history (the turn before it) exceeds the budget.
    """
    last_turn = len(prompt.turns) - 1
    turn_ends = [0, *accumulate(pieces_length(pieces, slots) for pieces in prompt.turns)]
    branch_ends = [0, *accumulate(_branch_length(prompt, k) for k in range(last_turn + 1))]
    head = pieces_length(prompt.instruction, slots)

    def length(first_turn: int, first: int, last: int) -> int:
        return (
            head
            + (turn_ends[last] - turn_ends[first_turn])
            + (branch_ends[last + 1] - branch_ends[first])
        )

    units: list[Unit] = []
    first_turn, first = 0, 1
    while first <= last_turn:
        while length(first_turn, first, first) > token_budget:
            first_turn += 1
            if first_turn >= first:
                raise _too_long(
                    prompt, first, length(first - 1, first, first), token_budget, "token_budget"
                )
        last = first
        while last < last_turn and length(first_turn, first, last + 1) <= token_budget:
            last += 1
        replies = tuple(range(first, last + 1))
        sees_from = None
        if window:
            kept = (_oldest_kept(prompt, reply, slots, history_tokens) for reply in replies)
            sees_from = tuple(max(first_turn, oldest) for oldest in kept)
        units.append(Unit(prompt, first_turn, replies, length(first_turn, first, last), sees_from))
        first = last + 1
        first_turn = _oldest_kept(prompt, first, slots, history_tokens) if first <= last_turn else 0
    return tuple(units)


def reply_unit(
    prompt: DialoguePrompt, turn: int, *, slots: Slots, history_tokens: int | None
) -> Unit:
    """One reply by itself, the oldest whole utterances dropped until its prompt fits.

    Args:
        prompt: the dialogue.
        turn: the reply, 1 or more.
        slots: vectors per utterance and modality.
        history_tokens: positions that instruction, history and order may take together; the
            target comes on top. None keeps the whole history.

    Raises:
        MscKedroError: the turn before the reply does not fit by itself.
    """
    first_turn = 0
    if history_tokens is not None:
        first_turn = _oldest_kept(prompt, turn, slots, history_tokens)
        found = _prompt_length(prompt, first_turn, turn, slots)
        if found > history_tokens:
            raise _too_long(prompt, turn, found, history_tokens, "history_tokens")
    length = _prompt_length(prompt, first_turn, turn, slots) + len(prompt.targets[turn].ids)
    return Unit(prompt, first_turn, (turn,), length)


def _branch_length(prompt: DialoguePrompt, turn: int) -> int:
    return len(prompt.orders[turn].ids) + len(prompt.targets[turn].ids)


def _prompt_length(prompt: DialoguePrompt, first_turn: int, turn: int, slots: Slots) -> int:
    return (
        pieces_length(prompt.instruction, slots)
        + sum(pieces_length(pieces, slots) for pieces in prompt.turns[first_turn:turn])
        + len(prompt.orders[turn].ids)
    )


def _oldest_kept(prompt: DialoguePrompt, turn: int, slots: Slots, history_tokens: int) -> int:
    """The oldest turn whose history still fits; at the least the turn before the reply."""
    room = history_tokens - _prompt_length(prompt, turn, turn, slots)
    first_turn = turn - 1
    room -= pieces_length(prompt.turns[first_turn], slots)
    while first_turn > 0:
        room -= pieces_length(prompt.turns[first_turn - 1], slots)
        if room < 0:
            break
        first_turn -= 1
    return first_turn


def _too_long(
    prompt: DialoguePrompt, turn: int, found: int, expected: int, name: str
) -> MscKedroError:
    asked = prompt.dialogue.turns[turn].utterance_id
    return MscKedroError(
        f"dialogue {prompt.dialogue.dialogue_id}: the reply {asked} needs {found} positions with "
        f"the one utterance before it; {name} is {expected}. Raise {name}, or use fewer queries."
    )
