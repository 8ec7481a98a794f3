"""One history, many replies: a dialogue is read once and every reply learned from it.

A *trunk* holds the instruction and the turns; each reply is a *branch* (order and target) that
attends to the trunk up to and including the turn before it, and to itself. Its positions go on from
there, so each branch is computed as if it stood alone. Several dialogues lie in one sequence; no
position is padding. One sample per reply, and the prompt for generation, are the same thing with
one branch.

A branch may be kept from the older turns (`dialogue_units(..., window=True)` in `units.py`): it
then attends to the instruction and to the turns that one sample per reply would have kept. Two
things still differ from that sample: the turns it sees have themselves read the older ones, and the
instruction stands further away, by the positions of the turns between.

Legend: s positions of a pack.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from msc_kedro.dialogue.prompt import SENSES, Piece, Sense, TextPiece

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from msc_kedro.dialogue.units import Slots, Unit

IGNORED = -100  # label of a position that teaches nothing
NOTHING = -1  # token id of a zero vector: padding as published
_LAST = "\x1f"  # between an utterance and how many of its vectors are meant; in no id
_OPEN_PACKS = 64  # how many packs may still take a unit; bounds the search in large corpora


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
