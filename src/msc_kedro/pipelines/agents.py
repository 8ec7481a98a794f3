"""What train and evaluate share: the dialogues, their features, the language model."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from msc_kedro.dialogue.collate import Loader, UtteranceFeatures
    from msc_kedro.execution.ragged import RaggedShards


def feature_loader(pictures: RaggedShards, sounds: RaggedShards) -> Loader:
    """Features by utterance id; an utterance that has none of a kind gets None there."""
    from msc_kedro.dialogue.collate import UtteranceFeatures

    def load(utterance_id: str) -> UtteranceFeatures:
        seen, heard = pictures.get(utterance_id), sounds.get(utterance_id)
        return UtteranceFeatures(
            video=None if seen is None else seen.values,
            times_s=None if seen is None else seen.times_s,
            audio=None if heard is None else heard.values,
        )

    return load
