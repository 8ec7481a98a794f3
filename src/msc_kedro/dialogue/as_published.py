"""How MSenC's published code arranges prompts, where it does so wrongly, to reproduce its tables.

Each fault is a function in the place of a right one; `arrangement` chooses them. Facts from the
published code (kimtaesu24/MSenC), nothing taken from it:

- padding_inside: a prompt is padded with zero vectors on the right up to the room it has (800),
  masked, and the target follows the padding. So the target's first token is predicted from padding,
  and its positions begin at 800, but in generation at the prompt's true length.
- cut_at_end: a prompt that is too long loses its end: the newest utterance, and the order to reply.
- loss_on_padding: a target is filled up with end marks to 200 tokens (30 without a description),
  and the loss counts them; every piece of the prompt, and the target, begins with a begin mark.
- speaker_lookup: who is to reply is looked up in a table that lacks each dialogue's last utterance.
  There, and before a gap in the numbering, the one who spoke last is asked to reply; and where
  history was dropped as well, each utterance is given the speaker of the one before it.

(`shared_qformer` is in `agent/as_published.py`.)
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import accumulate
from typing import TYPE_CHECKING

from msc_kedro.dialogue.arrangement import AS_BUILT, Arrangement, Fault
from msc_kedro.dialogue.packing import IGNORED, NOTHING, Pack, Segment, make_pack
from msc_kedro.dialogue.prompt import PromptStyle, Target, dialogue_prompt
from msc_kedro.dialogue.units import Unit, reply_unit
from msc_kedro.errors import MscKedroError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from msc_kedro.dialogue.prompt import DialoguePrompt, Sense, Tokens
    from msc_kedro.dialogue.turns import Dialogue
    from msc_kedro.dialogue.units import Slots

ROOM = 800  # positions of a prompt (the paper, appendix A)
TARGET_TOKENS: dict[Target, int] = {"text_description": 200, "text": 30}
_MASKED_POSITION = 1  # what transformers' generate gives to a position that is masked
_NUMBER = re.compile(r"utt(\d+)$")


def arrangement(compat: Sequence[Fault]) -> Arrangement:
    """The functions that have these faults; those of other names are agent's."""
    faults = frozenset(compat) - {"shared_qformer"}
    if not faults:
        return AS_BUILT
    prompt: Callable[..., DialoguePrompt] = dialogue_prompt
    if "loss_on_padding" in faults:
        prompt = _with_begin_marks
    if "speaker_lookup" in faults:
        prompt = partial(_speakers_looked_up, prompt)
    return Arrangement(
        prompt=prompt,
        reply_unit=partial(_unit, faults=faults),
        pack=partial(_pack, faults=faults),
        one_reply_each=True,
    )


# --- prompts -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _BeginMarks:
    """Tokens of which every piece begins with the begin mark."""

    tokens: Tokens
    bos_id: None = None  # none of its own for the whole

    @property
    def eos_id(self) -> int:
        return self.tokens.eos_id

    def encode(self, text: str) -> list[int]:
        opening = self.tokens.bos_id
        if opening is None or opening == self.eos_id:
            raise MscKedroError(
                "compat: loss_on_padding puts a begin mark before every piece; this language model "
                "has none, or ends replies with it. Leave it out, or use Mistral-7B-v0.1."
            )
        return [opening, *self.tokens.encode(text)]


def _with_begin_marks(
    dialogue: Dialogue,
    *,
    tokens: Tokens,
    style: PromptStyle,
    has: Callable[[str, Sense], bool] | None = None,
) -> DialoguePrompt:
    return dialogue_prompt(dialogue, tokens=_BeginMarks(tokens), style=style, has=has)


def _speakers_looked_up(
    prompt: Callable[..., DialoguePrompt],
    dialogue: Dialogue,
    *,
    tokens: Tokens,
    style: PromptStyle,
    has: Callable[[str, Sense], bool] | None = None,
) -> DialoguePrompt:
    made = prompt(dialogue, tokens=tokens, style=style, has=has)
    asked = [
        replace(turn, speaker=looked_up_speaker(dialogue, place)) if place else turn
        for place, turn in enumerate(dialogue.turns)
    ]
    orders = prompt(replace(dialogue, turns=tuple(asked)), tokens=tokens, style=style, has=has)
    return replace(made, orders=orders.orders)


def looked_up_speaker(dialogue: Dialogue, turn: int) -> str:
    """Who the published code asks to give the reply at `turn`, 1 or more."""
    return dialogue.turns[turn - 1 if is_lost(dialogue, turn) else turn].speaker


def is_lost(dialogue: Dialogue, turn: int) -> bool:
    """Whether the published table lacks the row of the reply at `turn`."""
    if turn == len(dialogue.turns) - 1:
        return True
    before, asked = (_NUMBER.search(dialogue.turns[t].name or "") for t in (turn - 1, turn))
    return before is not None and asked is not None and int(asked[1]) != int(before[1]) + 1


# --- units ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _PublishedUnit(Unit):
    """A unit that knows the room of its prompt."""

    room: int = ROOM


def _unit(
    prompt: DialoguePrompt,
    turn: int,
    *,
    slots: Slots,
    history_tokens: int | None,
    faults: frozenset[Fault],
) -> Unit:
    room = ROOM if history_tokens is None else history_tokens
    whole = "cut_at_end" in faults
    unit = reply_unit(prompt, turn, slots=slots, history_tokens=None if whole else room)
    if "speaker_lookup" in faults and unit.first_turn > 0 and is_lost(prompt.dialogue, turn):
        # The first piece of a turn names its speaker.
        shifted = [
            (before[0], *pieces[1:])
            for before, pieces in zip(prompt.turns, prompt.turns[1:], strict=False)
        ]
        prompt = replace(prompt, turns=(prompt.turns[0], *shifted))
    target = len(prompt.targets[turn].ids)
    shown = min(unit.length - target, room)
    padded = "padding_inside" in faults and shown < room
    if "loss_on_padding" in faults:
        target = TARGET_TOKENS[prompt.style.target]
    length = shown + padded + target
    return _PublishedUnit(prompt, unit.first_turn, (turn,), length, room=room)


# --- packs ---------------------------------------------------------------------------------------


def _pack(
    units: Sequence[_PublishedUnit],
    *,
    slots: Slots,
    with_targets: bool = True,
    faults: frozenset[Fault],
) -> Pack:
    import numpy as np

    made = [_one(unit, slots, with_targets, faults) for unit in units]
    rows = [0, *accumulate(len(pack.token_ids) for pack in made)]
    utterances = [0, *accumulate(len(pack.utterance_ids) for pack in made)]
    columns = []
    for pack, before in zip(made, utterances, strict=False):
        shown = _columns(pack)
        shown[2][shown[2] >= 0] += before
        columns.append(shown)
    return _of_columns(
        np.concatenate(columns, axis=1),
        [
            _moved(segment, by)
            for pack, by in zip(made, rows, strict=False)
            for segment in pack.segments
        ],
        [name for pack in made for name in pack.utterance_ids],
    )


def _one(unit: _PublishedUnit, slots: Slots, with_targets: bool, faults: frozenset[Fault]) -> Pack:
    """The pack of one reply.

    Of the padding inside only the last position is kept: nothing attends to any of it, and only
    that one is predicted from. So this is the published computation, not one like it.
    """
    import numpy as np

    whole = make_pack([unit], slots=slots)
    reply = whole.branches[0]
    end = min(reply.target_start, unit.room)  # of the prompt
    padded = "padding_inside" in faults and end < unit.room
    parts = [_columns(whole)[:, :end]]
    if padded:
        place = unit.room - 1 if with_targets else _MASKED_POSITION
        parts.append(np.asarray([[NOTHING], [-1], [-1], [-1], [place], [IGNORED]]))
    shown = end + padded
    target = filled = 0
    if with_targets:
        ids = whole.token_ids[reply.target_start :]
        if "loss_on_padding" in faults:
            most = TARGET_TOKENS[unit.prompt.style.target]
            ids = np.concatenate([ids[:1], ids[1:][-(most - 1) :]])  # too long: its start is lost
            target, ids = len(ids), np.append(ids, np.full(most - len(ids), ids[-1]))
        else:
            target = len(ids)
        filled = len(ids)
        nowhere = np.full((3, filled), -1)
        positions = np.arange(filled) + (unit.room if padded else end)
        parts.append(np.vstack([ids, nowhere, positions, ids]))

    def segment(start: int, stop: int, sees: tuple[tuple[int, int], ...]) -> Segment:
        blank = replace(reply, utterance_id=None, turn=None, start=start, stop=stop)
        return replace(blank, target_start=stop, sees=sees)

    seen = (0, end if padded or with_targets else end - 1)
    segments = [segment(*seen, ())]
    if padded:
        segments.append(replace(segment(end, shown, (seen,)), sees_itself=False))
    elif not with_targets:
        segments.append(segment(seen[1], end, (seen,)))
    if with_targets:
        segments.append(replace(segment(shown, shown + target, (seen,)), target_start=shown))
    # The branch is where the reply is written.
    segments[-1] = replace(segments[-1], utterance_id=reply.utterance_id, turn=reply.turn)
    if filled > target:
        padding = segment(shown + target, shown + filled, (seen, (shown, shown + target)))
        segments.append(replace(padding, sees_itself=False))
    return _of_columns(np.concatenate(parts, axis=1), segments, whole.utterance_ids)


def _columns(pack: Pack) -> NDArray[np.int64]:
    """A pack's columns: int64 [6, s]."""
    import numpy as np

    return np.vstack(
        [
            pack.token_ids,
            pack.slot_sense,
            pack.slot_utterance,
            pack.slot_query,
            pack.position_ids,
            pack.labels,
        ]
    ).astype(np.int64)


def _of_columns(
    columns: NDArray[np.int64], segments: Sequence[Segment], utterance_ids: Sequence[str]
) -> Pack:
    tokens, senses, utterances, queries, positions, labels = (one.copy() for one in columns)
    return Pack(
        token_ids=tokens,
        slot_sense=senses.astype("int8"),
        slot_utterance=utterances,
        slot_query=queries,
        position_ids=positions,
        labels=labels,
        segments=tuple(segments),
        utterance_ids=tuple(utterance_ids),
    )


def _moved(segment: Segment, by: int) -> Segment:
    """A segment of a pack that begins `by` positions further on."""
    return replace(
        segment,
        start=segment.start + by,
        stop=segment.stop + by,
        target_start=segment.target_start + by,
        sees=tuple((first + by, last + by) for first, last in segment.sees),
    )
