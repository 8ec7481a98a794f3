"""Modality dropout: some utterances of a step come without their video, or without their audio."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING

from msc_kedro.dialogue.prompt import Piece, SlotPiece

if TYPE_CHECKING:
    from collections.abc import Callable

    from msc_kedro.dialogue.units import Unit


def drop_slots(*, share: float, seed: str) -> Callable[[Unit], Unit]:
    """What takes slots out of units, before they are packed.

    Whether an utterance keeps its slots of a modality is drawn from the seed, its id and the
    modality alone: the same in whatever unit it stands, and again after a crash. A unit only gets
    shorter, so packs that were planned for the whole still fit.

    Args:
        share: of the slots of each modality that are left out, in [0, 1].
        seed: names the run and the step.
    """

    def kept(piece: Piece) -> bool:
        if not isinstance(piece, SlotPiece):
            return True
        drawn = hashlib.sha256(f"{seed} {piece.modality} {piece.utterance_id}".encode()).digest()
        return int.from_bytes(drawn[:8], "big") / 2**64 >= share

    def drop(unit: Unit) -> Unit:
        turns = tuple(tuple(filter(kept, pieces)) for pieces in unit.prompt.turns)
        return replace(unit, prompt=replace(unit.prompt, turns=turns))

    return drop if share else lambda unit: unit
