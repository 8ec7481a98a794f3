"""Nodes of evaluate."""

from __future__ import annotations

import logging
from dataclasses import asdict
from typing import Any

import pandas as pd

from msc_kedro.execution.ragged import RaggedShards
from msc_kedro.models.opener import Opener
from msc_kedro.pipelines.agents import feature_loader
from msc_kedro.pipelines.evaluate.parameters import EvaluateParameters
from msc_kedro.pipelines.parameters import EngineParameters
from msc_kedro.tables import empty
from msc_kedro.training.adapter import Adapter

log = logging.getLogger(__name__)


def write_replies(
    adapter: Adapter,
    utterances: pd.DataFrame,
    speakers: pd.DataFrame,
    voice: pd.DataFrame,
    dialogues: pd.DataFrame,
    picture_features: RaggedShards,
    sound_features: RaggedShards,
    language_model: Opener,
    parameters: EvaluateParameters,
    engine: EngineParameters,
) -> tuple[pd.DataFrame, list[dict[str, Any]]]:
    """Let the agent answer every test turn, and score what it wrote.

    Returns:
        The `replies` table and the scores; both empty where no test dialogue holds a reply.
    """
    import torch

    from msc_kedro.agent.generate import Decoding
    from msc_kedro.agent.language_model import load_language_model
    from msc_kedro.dialogue.turns import dialogues_from_tables
    from msc_kedro.evaluation.perplexity import gold_losses
    from msc_kedro.evaluation.replies import reply_table
    from msc_kedro.evaluation.scores import reply_scores
    from msc_kedro.training.adapter import agent_of_adapter

    torch.set_num_threads(engine.threads)
    known = dialogues_from_tables(
        utterances=utterances, speakers=speakers, voice=voice, dialogues=dialogues
    )
    test = [dialogue for dialogue in known if dialogue.split == "test"]
    if not test:
        log.warning("No test dialogue has two utterances: there is nothing to answer or to score.")
        return empty("replies"), []
    agent = agent_of_adapter(
        adapter,
        load_language_model(language_model.folder("source"), lora=adapter.lora),
        encoder_widths={"video": picture_features.width, "audio": sound_features.width},
    )
    options: dict[str, Any] = {
        "load": feature_loader(picture_features, sound_features),
        "style": adapter.style,
        "history_tokens": parameters.history_tokens,
    }
    decoding = Decoding(
        **parameters.model_dump(exclude={"history_tokens", "draws"}),
    )
    replies = reply_table(test, agent, decoding=decoding, **options)
    gold = gold_losses(test, agent, **options)
    scores = reply_scores(replies, gold=gold, seed=parameters.seed, draws=parameters.draws)
    return replies, [asdict(score) for score in scores]
