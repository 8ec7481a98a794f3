"""Nodes of train."""

from __future__ import annotations

import logging
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from msc_kedro.execution.files import code_of, key_of
from msc_kedro.execution.ragged import RaggedShards
from msc_kedro.models.opener import Opener
from msc_kedro.pipelines.agents import feature_loader
from msc_kedro.pipelines.parameters import EngineParameters
from msc_kedro.pipelines.train.parameters import TrainParameters
from msc_kedro.training.adapter import Adapter

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

    from msc_kedro.agent.language_model import LanguageModel
    from msc_kedro.agent.model import Agent
    from msc_kedro.training.config import HistoryRow

log = logging.getLogger(__name__)


def train_agent(
    utterances: pd.DataFrame,
    speakers: pd.DataFrame,
    voice: pd.DataFrame,
    dialogues: pd.DataFrame,
    picture_features: RaggedShards,
    sound_features: RaggedShards,
    language_model: Opener,
    work: Path,
    parameters: TrainParameters,
    engine: EngineParameters,
) -> tuple[Adapter, pd.DataFrame, dict[str, Any]]:
    """Train Q-Formers and LoRA to write the next turn and how it should sound.

    Returns:
        The best adapter, one row per step, and the figures of the run.
    """
    import torch

    from msc_kedro.dialogue.turns import dialogues_from_tables
    from msc_kedro.training.adapter import make_adapter
    from msc_kedro.training.loop import train

    torch.set_num_threads(engine.threads)
    known = dialogues_from_tables(
        utterances=utterances, speakers=speakers, voice=voice, dialogues=dialogues
    )
    agent = _agent(language_model, picture_features, sound_features, parameters)
    config = _config(parameters)
    result = train(
        agent,
        train_dialogues=[dialogue for dialogue in known if dialogue.split == "train"],
        valid_dialogues=[dialogue for dialogue in known if dialogue.split == "valid"],
        load=feature_loader(picture_features, sound_features),
        config=config,
        checkpoint_folder=work
        / "training"
        / key_of(
            parameters.model_dump(),
            language_model.fingerprint,
            code_of("agent", "dialogue", "training"),
            (picture_features.encoder, sound_features.encoder),
            [[d.dialogue_id, d.split, [asdict(turn) for turn in d.turns]] for d in known],
        ),
        progress=_say,
    )
    trainable = sum(tensor.numel() for tensor in agent.trainable().values())
    summary = {
        "step0_valid_loss": result.start_valid_loss,
        "best_valid_loss": result.best_valid_loss,
        "best_step": result.best_step,
        "frozen_valid_loss": result.frozen_valid_loss,
        "steps": result.history[-1].step,
        "epochs": result.history[-1].epoch,
        "stopped_early": result.stopped_early,
        "trainable_parameters": trainable,
        "total_parameters": sum(p.numel() for p in agent.parameters()),
        "dtype": str(agent.language.dtype).removeprefix("torch."),
    }
    history = pd.DataFrame([asdict(row) for row in result.history])
    return make_adapter(agent, config.style, result.best_state), history, summary


def plot_losses(loss_history: pd.DataFrame, training_summary: dict[str, Any]) -> Figure:
    """The losses by step as a plotly figure, which kedro-viz shows."""
    from msc_kedro.report.losses import loss_figure, losses_of

    return loss_figure(losses_of(loss_history, training_summary))


def _agent(
    language_model: Opener,
    pictures: RaggedShards,
    sounds: RaggedShards,
    parameters: TrainParameters,
) -> Agent:
    from msc_kedro.agent.language_model import LoraSettings, load_language_model
    from msc_kedro.agent.model import Agent, SenseConfig
    from msc_kedro.agent.qformer import QFormerConfig

    lora = parameters.lora
    language: LanguageModel = load_language_model(
        language_model.folder("source"),
        dtype=parameters.dtype,
        lora=None if lora is None else LoraSettings(**lora.model_dump()),
        seed=parameters.seed,
    )
    widths = {"video": pictures.width, "audio": sounds.width}
    shape = QFormerConfig(**parameters.qformer.model_dump())
    senses = {
        sense: SenseConfig(encoder_width=width, qformer=shape)
        for sense, width in widths.items()
        if sense in parameters.modalities
    }
    return Agent(language, senses, seed=parameters.seed)  # type: ignore[arg-type]


def _config(parameters: TrainParameters) -> Any:
    from msc_kedro.dialogue.prompt import PromptStyle
    from msc_kedro.training.config import TrainingConfig

    taken = parameters.model_dump(exclude={"modalities", "target", "dtype", "lora", "qformer"})
    return TrainingConfig(style=PromptStyle(parameters.modalities, parameters.target), **taken)


def _say(row: HistoryRow, steps: int) -> None:
    if row.valid_loss is not None:
        learned = "" if row.train_loss is None else f"training loss {row.train_loss:.3f}, "
        log.info(
            "      step %d of %d: %svalidation loss %.3f", row.step, steps, learned, row.valid_loss
        )
