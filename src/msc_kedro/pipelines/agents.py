"""What train and evaluate share: the dialogues, their features, the language model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from msc_kedro.dialogue.budgets import Lengths
    from msc_kedro.dialogue.collate import Loader, UtteranceFeatures
    from msc_kedro.dialogue.prompt import Sense
    from msc_kedro.execution.ragged import RaggedShards


@dataclass(frozen=True)
class _Features:
    """Loads by utterance id. A class and no closure, so that it can go to another process."""

    pictures: RaggedShards
    sounds: RaggedShards

    def __call__(self, utterance_id: str) -> UtteranceFeatures:
        from msc_kedro.dialogue.collate import UtteranceFeatures

        seen, heard = self.pictures.get(utterance_id), self.sounds.get(utterance_id)
        return UtteranceFeatures(
            video=None if seen is None else seen.values,
            times_s=None if seen is None else seen.times_s,
            audio=None if heard is None else heard.values,
            audio_times_s=None if heard is None else heard.times_s,
        )


@dataclass(frozen=True)
class _Lengths:
    pictures: Mapping[str, int]
    sounds: Mapping[str, int]

    def __call__(self, utterance_id: str, sense: Sense) -> int:
        return (self.pictures if sense == "video" else self.sounds).get(utterance_id, 0)


def feature_loader(pictures: RaggedShards, sounds: RaggedShards) -> Loader:
    """Features by utterance id; an utterance that has none of a kind gets None there."""
    return _Features(pictures, sounds)


def feature_lengths(pictures: RaggedShards, sounds: RaggedShards) -> Lengths:
    """How many vectors utterances have, without reading any."""
    return _Lengths(pictures.lengths(), sounds.lengths())
