"""How many vectors of the history the Q-Formers read for one reply.

Where a history is read once for many replies, each utterance has a budget of its own
(`collate.FeatureBudget`). Where each reply is a sample by itself, the paper gives the history of
that reply one budget (appendix A): its last 50 frames and its last 800 vectors of sound.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from msc_kedro.dialogue.prompt import SENSES, Piece, SlotPiece

if TYPE_CHECKING:
    from collections.abc import Callable

    from msc_kedro.dialogue.collate import FeatureBudget, Loader
    from msc_kedro.dialogue.prompt import DialoguePrompt, Sense

    Lengths = Callable[[str, Sense], int]  # vectors that an utterance has of a modality


def lengths_of(load: Loader) -> Lengths:
    """How many vectors utterances have, by loading each once."""
    known: dict[str, dict[Sense, int]] = {}

    def length(utterance_id: str, sense: Sense) -> int:
        if utterance_id not in known:
            found = load(utterance_id)
            held = {"video": found.video, "audio": found.audio}
            known[utterance_id] = {
                name: 0 if (values := held[name]) is None else len(values) for name in SENSES
            }
        return known[utterance_id][sense]

    return length


def limit_history(
    prompt: DialoguePrompt, turn: int, *, lengths: Lengths, budget: FeatureBudget
) -> DialoguePrompt:
    """The prompt for one reply, in which its history shares one budget per modality.

    From the newest utterance back each takes what it has, the one at the edge its last vectors, and
    those before it none: they have no slots of that modality, their text stays.

    Args:
        prompt: the dialogue.
        turn: the reply, 1 or more.
        lengths: vectors that an utterance has of a modality.
        budget: for the history as a whole.
    """
    left = {"video": budget.video_frames, "audio": budget.audio_vectors}
    turns = list(prompt.turns)
    for place in reversed(range(turn)):
        kept: list[Piece] = []
        for piece in turns[place]:
            if isinstance(piece, SlotPiece):
                found = lengths(piece.utterance_id, piece.modality)
                shown = min(found, left[piece.modality])
                left[piece.modality] -= shown
                if shown:
                    kept.append(replace(piece, last=shown if shown < found else None))
            else:
                kept.append(piece)
        turns[place] = tuple(kept)
    return replace(prompt, turns=tuple(turns))
