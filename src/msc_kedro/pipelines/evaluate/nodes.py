"""Nodes of evaluate."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from msc_kedro.execution.files import code_of, key_of
from msc_kedro.execution.ragged import RaggedShards
from msc_kedro.execution.shards import map_shards
from msc_kedro.models.opener import Opener
from msc_kedro.pipelines.agents import feature_loader
from msc_kedro.pipelines.evaluate.parameters import EvaluateParameters
from msc_kedro.pipelines.parameters import EngineParameters
from msc_kedro.tables import empty
from msc_kedro.training.adapter import Adapter

if TYPE_CHECKING:
    from msc_kedro.agent.model import Agent
    from msc_kedro.dialogue.turns import Dialogue

log = logging.getLogger(__name__)

_SHARD_DIALOGUES = 4
_GOLD = ["loss_nats", "tokens"]


def write_replies(
    adapter: Adapter,
    utterances: pd.DataFrame,
    speakers: pd.DataFrame,
    voice: pd.DataFrame,
    dialogues: pd.DataFrame,
    picture_features: RaggedShards,
    sound_features: RaggedShards,
    language_model: Opener,
    work: Path,
    parameters: EvaluateParameters,
    engine: EngineParameters,
) -> tuple[pd.DataFrame, list[dict[str, Any]]]:
    """Let the agent answer every test turn, and score what it wrote.

    Returns:
        The `replies` table and the scores; both empty where no test dialogue holds a reply.
    """
    import torch

    from msc_kedro.dialogue.turns import dialogues_from_tables
    from msc_kedro.evaluation.scores import reply_scores

    torch.set_num_threads(engine.threads)
    known = dialogues_from_tables(
        utterances=utterances, speakers=speakers, voice=voice, dialogues=dialogues
    )
    test = [dialogue for dialogue in known if dialogue.split == "test"]
    if not test:
        log.warning("No test dialogue has two utterances: there is nothing to answer or to score.")
        return empty("replies"), []
    features = {"video": picture_features, "audio": sound_features}
    files = _answered(test, adapter, features, language_model, work, parameters)
    answered = pd.concat([pd.read_parquet(file) for file in files], ignore_index=True)
    replies = answered.drop(columns=_GOLD)
    gold = answered[["utterance_id", "dialogue_id", *_GOLD]]
    scores = reply_scores(replies, gold=gold, seed=parameters.seed, draws=parameters.draws)
    return replies, [asdict(score) for score in scores]


def _answered(
    dialogues: Sequence[Dialogue],
    adapter: Adapter,
    features: dict[Any, RaggedShards],
    language_model: Opener,
    work: Path,
    parameters: EvaluateParameters,
) -> tuple[Path, ...]:
    """Files with the replies to a few dialogues each, and the losses of the true replies."""
    from msc_kedro.agent.generate import Decoding
    from msc_kedro.agent.language_model import load_language_model
    from msc_kedro.evaluation.perplexity import gold_losses
    from msc_kedro.evaluation.replies import reply_table
    from msc_kedro.models.network import chosen_device
    from msc_kedro.training.adapter import agent_of_adapter

    others = {"history_tokens", "modalities", "device", "draws"}
    decoding = Decoding(**parameters.model_dump(exclude=others))
    options: dict[str, Any] = {
        "load": feature_loader(features["video"], features["audio"]),
        "style": adapter.style.showing(parameters.modalities),
        "history_tokens": parameters.history_tokens,
        "budget": adapter.budget,
    }
    made_by = (
        adapter.fingerprint,
        language_model.name,
        [kind.encoder for kind in features.values()],
        code_of("agent", "dialogue", "evaluation"),
        parameters.model_dump(exclude={"draws"}),
    )

    @cache
    def agent() -> Agent:  # put together only where a file is missing
        language = load_language_model(
            language_model.folder("source"),
            lora=adapter.lora,
            quantize=adapter.quantize,
            device=chosen_device(parameters.device),
        )
        return agent_of_adapter(
            adapter,
            language,
            encoder_widths={sense: kind.width for sense, kind in features.items()},
            encoders={sense: kind.encoder for sense, kind in features.items()},
        )

    def answer(shard: Sequence[Dialogue], file: Path) -> None:
        replies = reply_table(shard, agent(), decoding=decoding, **options)
        gold = gold_losses(shard, agent(), **options)[["utterance_id", *_GOLD]]
        replies.merge(gold, on="utterance_id", validate="1:1").to_parquet(file, index=False)

    return map_shards(
        answer,
        [
            dialogues[first : first + _SHARD_DIALOGUES]
            for first in range(0, len(dialogues), _SHARD_DIALOGUES)
        ],
        key=lambda shard: key_of("replies", made_by, [asdict(dialogue) for dialogue in shard]),
        folder=work / "replies",
        suffix=".parquet",
        title="writing replies",
    )
