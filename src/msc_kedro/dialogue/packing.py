"""One history, many replies: a dialogue is read once and every reply learned from it.

A *trunk* holds the instruction and the turns; each reply is a *branch* (order and target) that
attends to the trunk up to and including the turn before it, and to itself. Its positions go on from
there, so each branch is computed as if it stood alone. Several dialogues lie in one sequence; no
position is padding. One sample per reply, and the prompt for generation, are the same thing with
one branch.

A branch may be kept from the older turns (`dialogue_units(..., window=True)`): it then attends to
the instruction and to the turns that one sample per reply would have kept. Two things still differ
from that sample: the turns it sees have themselves read the older ones, and the instruction stands
further away, by the positions of the turns between.

Legend: s positions of a pack.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING

from msc_kedro.dialogue.prompt import SENSES, DialoguePrompt, Piece, Sense, TextPiece
from msc_kedro.errors import MscKedroError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import numpy as np
    from numpy.typing import NDArray

IGNORED = -100  # label of a position that teaches nothing
NOTHING = -1  # token id of a zero vector: padding as published
_LAST = "\x1f"  # between an utterance and how many of its vectors are meant; in no id
_OPEN_PACKS = 64  # how many packs may still take a unit; bounds the search in large corpora

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


@dataclass(frozen=True)
class Segment:
    """A trunk (turn None) or a branch of a pack; all places are positions in the pack."""

    dialogue_id: str
    utterance_id: str | None  # of the reply
    turn: int | None  # which turn of the dialogue the branch answers for
    first_turn: int  # the oldest turn of its history
    start: int
    stop: int
    target_start: int  # where the target begins; equals stop where there is none
    sees: tuple[tuple[int, int], ...]  # stretches of trunk a branch attends to; none for a trunk
    sees_itself: bool = True  # False for padding as published: nothing attends to it


@dataclass(frozen=True)
class Pack:
    """A sequence for the language model.

    Attributes:
        token_ids: int64 [s], 0 at slots, `NOTHING` where a zero vector stands.
        slot_sense: int8 [s], index into `SENSES`, -1 at tokens.
        slot_utterance: int64 [s], index into `utterance_ids`, -1 at tokens.
        slot_query: int64 [s], which of the utterance's vectors stands there, -1 at tokens.
        position_ids: int64 [s].
        labels: int64 [s], the token itself on targets and their end marks, -100 elsewhere; the
            position before one predicts it and always lies in the same branch.
        segments: trunks and branches, in order, together covering the sequence.
        utterance_ids: the utterances whose slots stand in the pack; as `excerpt` where a prompt
            shows a part of one.
    """

    token_ids: NDArray[np.int64]
    slot_sense: NDArray[np.int8]
    slot_utterance: NDArray[np.int64]
    slot_query: NDArray[np.int64]
    position_ids: NDArray[np.int64]
    labels: NDArray[np.int64]
    segments: tuple[Segment, ...]
    utterance_ids: tuple[str, ...]

    @property
    def target_tokens(self) -> int:
        """How many positions have a label."""
        return int((self.labels != IGNORED).sum())

    @property
    def branches(self) -> tuple[Segment, ...]:
        """The replies, in order."""
        return tuple(segment for segment in self.segments if segment.turn is not None)

    def utterances_with(self, sense: Sense) -> tuple[str, ...]:
        """The utterances that have slots of this modality, in order of appearance."""
        held = self.slot_utterance[self.slot_sense == SENSES.index(sense)]
        return tuple(self.utterance_ids[index] for index in dict.fromkeys(held.tolist()))


def excerpt(utterance_id: str, last: int | None) -> str:
    """A name for the last vectors of an utterance; the utterance's own where all are meant."""
    return utterance_id if last is None else f"{utterance_id}{_LAST}{last}"


def of_excerpt(name: str) -> tuple[str, int | None]:
    """The utterance and the number of vectors that `excerpt` was given."""
    utterance_id, found, last = name.partition(_LAST)
    return utterance_id, int(last) if found else None


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


def fill_packs(units: Sequence[Unit], *, token_budget: int) -> tuple[tuple[int, ...], ...]:
    """Which units share a pack: first fit, in the order given. Returns indices into `units`."""
    packs: list[list[int]] = []
    room: list[int] = []
    for index, unit in enumerate(units):
        start = max(0, len(packs) - _OPEN_PACKS)
        place = next((p for p in range(start, len(packs)) if room[p] >= unit.length), None)
        if place is None:
            packs.append([index])
            room.append(token_budget - unit.length)
        else:
            packs[place].append(index)
            room[place] -= unit.length
    return tuple(tuple(pack) for pack in packs)


def make_pack(units: Sequence[Unit], *, slots: Slots, with_targets: bool = True) -> Pack:
    """Lays units one after another. Without targets the pack is a prompt for generation."""
    import numpy as np

    rows: list[tuple[int, int, int, int, int, int]] = []  # one per position, columns as in Pack
    utterances: dict[str, int] = {}
    segments: list[Segment] = []

    def lay(pieces: Iterable[Piece], position: int, *, learned: bool = False) -> int:
        for piece in pieces:
            if isinstance(piece, TextPiece):
                for token in piece.ids:
                    rows.append((token, -1, -1, -1, position, token if learned else IGNORED))
                    position += 1
            else:
                name = excerpt(piece.utterance_id, piece.last)
                utterance = utterances.setdefault(name, len(utterances))
                sense = SENSES.index(piece.modality)
                for query in range(slots[piece.modality]):
                    rows.append((0, sense, utterance, query, position, IGNORED))
                    position += 1
        return position

    for unit in units:
        prompt, dialogue = unit.prompt, unit.prompt.dialogue
        start = len(rows)
        position = head = lay(prompt.instruction, 0)
        turn_end = {unit.first_turn - 1: head}  # positions of the trunk up to and with a turn
        for turn in range(unit.first_turn, unit.replies[-1]):
            position = turn_end[turn] = lay(prompt.turns[turn], position)
        segments.append(
            Segment(
                dialogue_id=dialogue.dialogue_id,
                utterance_id=None,
                turn=None,
                first_turn=unit.first_turn,
                start=start,
                stop=len(rows),
                target_start=len(rows),
                sees=(),
            )
        )
        for reply in unit.replies:
            branch_start, seen = len(rows), turn_end[reply - 1]
            oldest = unit.oldest(reply)
            sees: tuple[tuple[int, int], ...] = ((start, start + seen),)
            if oldest > unit.first_turn:
                sees = (
                    (start, start + head),
                    (start + turn_end[oldest - 1], start + seen),
                )
            position = lay((prompt.orders[reply],), seen)
            target_start = len(rows)
            if with_targets:
                lay((prompt.targets[reply],), position, learned=True)
            segments.append(
                Segment(
                    dialogue_id=dialogue.dialogue_id,
                    utterance_id=dialogue.turns[reply].utterance_id,
                    turn=reply,
                    first_turn=oldest,
                    start=branch_start,
                    stop=len(rows),
                    target_start=target_start,
                    sees=sees,
                )
            )
    columns = np.asarray(rows, dtype=np.int64).reshape(-1, 6).T
    return Pack(
        token_ids=columns[0].copy(),
        slot_sense=columns[1].astype(np.int8),
        slot_utterance=columns[2].copy(),
        slot_query=columns[3].copy(),
        position_ids=columns[4].copy(),
        labels=columns[5].copy(),
        segments=tuple(segments),
        utterance_ids=tuple(utterances),
    )


def attention_mask(pack: Pack, *, window: int | None = None) -> NDArray[np.bool_]:
    """Who attends to whom: bool [s, s], True where row i may look at column j.

    Args:
        pack: the sequence.
        window: a sliding window (Mistral-7B-v0.1: 4096): only positions closer than this.
    """
    import numpy as np

    spans = [segment.stop - segment.start for segment in pack.segments]
    own = np.repeat(np.arange(len(spans)), spans)
    place = np.arange(len(own))
    mask = (own[:, None] == own[None, :]) & (place[None, :] <= place[:, None])
    mask &= np.repeat([segment.sees_itself for segment in pack.segments], spans)[:, None]
    for segment in pack.segments:
        for first, last in segment.sees:
            mask[segment.start : segment.stop, first:last] = True
    if window is not None:
        mask &= pack.position_ids[:, None] - pack.position_ids[None, :] < window
    return np.asarray(mask, dtype=np.bool_)


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
