"""The parameters and the data of a run as a job that other processes can be handed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msc_kedro.errors import MscKedroError
from msc_kedro.execution.ragged import RaggedShards
from msc_kedro.models.opener import Opener
from msc_kedro.pipelines.agents import feature_lengths, feature_loader
from msc_kedro.pipelines.train.parameters import TrainParameters

if TYPE_CHECKING:
    from torch import Tensor

    from msc_kedro.agent.model import Agent
    from msc_kedro.dialogue.collate import FeatureBudget
    from msc_kedro.dialogue.prompt import Sense
    from msc_kedro.dialogue.turns import Dialogue
    from msc_kedro.training.adapter import Adapter
    from msc_kedro.training.config import TrainingConfig
    from msc_kedro.training.launch import Job


@dataclass(frozen=True)
class Made:
    """What is to be known of an agent when it is gone: an adapter's settings, and figures."""

    config: dict[str, Any]
    figures: dict[str, Any]

    def adapter(self, state: Mapping[str, Tensor]) -> Adapter:
        """The adapter of a trained state."""
        from msc_kedro.training.adapter import adapter_of

        return adapter_of(self.config, state)


def check_encoder(kind: str, features: RaggedShards, expected: str) -> None:
    """Refuses features that the recipe's encoder did not make, or of which shards differ in width.

    Raises:
        MscKedroError: says what was expected, what was found, and what to run.
    """
    if features.encoder != expected:
        raise MscKedroError(
            f"{kind}_features were made by another encoder than this recipe's.\n"
            f"Expected: {expected}\nFound:    {features.encoder}\n"
            "Run `kedro run --pipeline featurize` with this recipe, or train with the recipe that "
            "made them (--env)."
        )
    widths = features.widths()
    wrong = sorted(name for name, width in widths.items() if width not in (0, features.width))
    if wrong:
        raise MscKedroError(
            f"{kind}_features: vectors are {widths[wrong[0]]} wide in {wrong[0]}, expected "
            f"{features.width}. Run `kedro run --pipeline featurize`."
        )


def training_job(
    dialogues: Sequence[Dialogue],
    *,
    picture_features: RaggedShards,
    sound_features: RaggedShards,
    language_model: Opener,
    qformer_start: Opener,
    checkpoint_folder: Path,
    parameters: TrainParameters,
    threads: int,
) -> Job:
    """The job of a run."""
    from msc_kedro.dialogue.collate import FeatureBudget
    from msc_kedro.training.launch import Job

    budget = parameters.feature_budget.model_dump()
    if budget["over"] == "auto":
        budget["over"] = "history" if parameters.packing == "reply" else "utterance"
    widths: dict[Sense, int] = {"video": picture_features.width, "audio": sound_features.width}
    encoders: dict[Sense, str] = {
        "video": picture_features.encoder,
        "audio": sound_features.encoder,
    }
    return Job(
        make_agent=partial(
            make_agent, language_model, start_of(qformer_start, parameters), widths, parameters
        ),
        describe=partial(describe, parameters, encoders, FeatureBudget(**budget)),
        train_dialogues=[dialogue for dialogue in dialogues if dialogue.split == "train"],
        valid_dialogues=[dialogue for dialogue in dialogues if dialogue.split == "valid"],
        load=feature_loader(picture_features, sound_features),
        lengths=feature_lengths(picture_features, sound_features),
        config=config_of(parameters),
        budget=FeatureBudget(**budget),
        checkpoint_folder=checkpoint_folder,
        device=parameters.device,
        threads=threads,
        shard_base=parameters.shard_base,
    )


def start_of(qformer_start: Opener, parameters: TrainParameters) -> Path | None:
    """The checkpoint that Q-Formers start from, None where they are drawn from the seed.

    Raises:
        MscKedroError: one is asked for that the recipe does not name.
    """
    if parameters.qformer.init is None:
        return None
    if not qformer_start.folders:
        raise MscKedroError(
            "train.qformer.init is blip2, but this recipe names no checkpoint to start from. Put "
            "the model `qformer` into its models.yml and catalog_models.yml, as conf/paper does, "
            "or set init to null."
        )
    return qformer_start.folder()


def make_agent(
    language_model: Opener,
    start: Path | None,
    widths: Mapping[Sense, int],
    parameters: TrainParameters,
    device: str,
) -> Agent:
    """The agent as it begins, on a device."""
    from msc_kedro.agent.blip2 import read_blip2
    from msc_kedro.agent.language_model import LoraSettings, load_language_model
    from msc_kedro.agent.model import Agent, SenseConfig
    from msc_kedro.agent.qformer import QFormerConfig

    lora = parameters.lora
    blip2 = None if start is None else read_blip2(start)
    language = load_language_model(
        language_model.folder("source"),
        dtype=parameters.dtype,
        quantize=parameters.quantize,
        lora=None if lora is None else LoraSettings(**lora.model_dump()),
        seed=parameters.seed,
        device=device,
    )
    shape = QFormerConfig(**parameters.qformer.model_dump(exclude={"init"}))
    senses = {
        sense: SenseConfig(encoder_width=width, qformer=shape)
        for sense, width in widths.items()
        if sense in parameters.modalities
    }
    agent = Agent(language, senses, seed=parameters.seed, compat=parameters.compat)
    if blip2 is not None:
        for qformer in agent.qformers.values():
            blip2.put_into(qformer)
    return agent


def describe(
    parameters: TrainParameters,
    encoders: Mapping[Sense, str],
    budget: FeatureBudget,
    agent: Agent,
) -> Made:
    """Reads off the agent what outlives it."""
    from msc_kedro.training.adapter import adapter_config

    style = config_of(parameters).style
    return Made(
        config=adapter_config(agent, style, encoders=encoders, budget=budget),
        figures={
            "trainable_parameters": sum(p.numel() for p in agent.trainable().values()),
            "total_parameters": sum(p.numel() for p in agent.parameters()),
            "dtype": str(agent.language.dtype).removeprefix("torch."),
        },
    )


def config_of(parameters: TrainParameters) -> TrainingConfig:
    """The loop's own settings."""
    from dataclasses import fields

    from msc_kedro.dialogue.prompt import PromptStyle
    from msc_kedro.training.config import TrainingConfig

    given = parameters.model_dump()
    own = {field.name: given[field.name] for field in fields(TrainingConfig) if field.name in given}
    return TrainingConfig(style=PromptStyle(parameters.modalities, parameters.target), **own)
