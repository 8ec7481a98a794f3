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
from msc_kedro.pipelines.featurize.parameters import FeaturizeParameters
from msc_kedro.pipelines.featurize.shards import pictures_by
from msc_kedro.pipelines.parameters import EngineParameters
from msc_kedro.pipelines.train.job import check_encoder, training_job
from msc_kedro.pipelines.train.parameters import TrainParameters
from msc_kedro.training.adapter import Adapter

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

    from msc_kedro.training.config import HistoryRow, TrainingResult

log = logging.getLogger(__name__)

# Parameters that change what a run costs and none of its numbers: changed, it still goes on.
_COSTS_ONLY = ("activation_checkpointing", "tracking")


def train_agent(
    utterances: pd.DataFrame,
    speakers: pd.DataFrame,
    voice: pd.DataFrame,
    dialogues: pd.DataFrame,
    picture_features: RaggedShards,
    sound_features: RaggedShards,
    image_encoder: Opener,
    audio_encoder: Opener,
    language_model: Opener,
    qformer_start: Opener,
    work: Path,
    parameters: TrainParameters,
    featurize: FeaturizeParameters,
    engine: EngineParameters,
) -> tuple[Adapter, pd.DataFrame, dict[str, Any]]:
    """Train Q-Formers and LoRA to write the next turn and how it should sound.

    Returns:
        The best adapter, one row per step, and the figures of the run.
    """
    from msc_kedro.dialogue.turns import dialogues_from_tables
    from msc_kedro.training.launch import run_job
    from msc_kedro.training.tracking import tracked

    check_encoder(
        "picture",
        picture_features,
        pictures_by(image_encoder, featurize.frames_per_s, featurize.pictures),
    )
    check_encoder("sound", sound_features, audio_encoder.name)
    known = dialogues_from_tables(
        utterances=utterances, speakers=speakers, voice=voice, dialogues=dialogues
    )
    key = key_of(
        parameters.model_dump(exclude=set(_COSTS_ONLY)),
        (language_model.name, qformer_start.name),
        code_of("agent", "dialogue", "training"),
        (picture_features.encoder, sound_features.encoder),
        [[d.dialogue_id, d.split, [asdict(turn) for turn in d.turns]] for d in known],
    )
    job = training_job(
        known,
        picture_features=picture_features,
        sound_features=sound_features,
        language_model=language_model,
        qformer_start=qformer_start,
        checkpoint_folder=work / "training" / key,
        parameters=parameters,
        threads=engine.threads,
    )
    folder = work / "tracking"
    settings = parameters.model_dump(mode="json")
    with tracked(parameters.tracking, folder, run=key, settings=settings) as log_row:

        def progress(row: HistoryRow, steps: int) -> None:
            _say(row, steps)
            log_row(row)

        result, made = run_job(
            job,
            processes=parameters.processes,
            progress=progress,
        )
    _tell(result)
    summary = {
        "step0_valid_loss": result.start_valid_loss,
        "best_valid_loss": result.best_valid_loss,
        "best_step": result.best_step,
        "frozen_valid_loss": result.frozen_valid_loss,
        "steps": result.history[-1].step,
        "epochs": result.history[-1].epoch,
        "stopped_early": result.stopped_early,
        **made.figures,
    }
    history = pd.DataFrame([asdict(row) for row in result.history])
    return made.adapter(result.best_state), history, summary


def plot_losses(loss_history: pd.DataFrame, training_summary: dict[str, Any]) -> Figure:
    """The losses by step as a plotly figure, which kedro-viz shows."""
    from msc_kedro.report.losses import loss_figure, losses_of

    return loss_figure(losses_of(loss_history, training_summary))


def _say(row: HistoryRow, steps: int) -> None:
    if row.valid_loss is not None:
        learned = "" if row.train_loss is None else f"training loss {row.train_loss:.3f}, "
        log.info(
            "      step %d of %d: %svalidation loss %.3f", row.step, steps, learned, row.valid_loss
        )


def _tell(result: TrainingResult) -> None:
    """What depends on the machine: said, and kept out of what is versioned."""
    share = 100 * result.waited_s / result.seconds if result.seconds else 0.0
    log.info(
        "      trained for %.0f s, of which steps waited %.1f %% for data; memory at most %.1f GiB",
        result.seconds,
        share,
        result.peak_bytes / 2**30,
    )
