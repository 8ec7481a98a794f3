"""What training leaves behind: Q-Formers and LoRA, never the base model."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from msc_kedro.dialogue.collate import FeatureBudget
from msc_kedro.dialogue.prompt import PROMPT_VERSION, SENSES, PromptStyle
from msc_kedro.errors import MscKedroError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from torch import Tensor

    from msc_kedro.agent.language_model import LanguageModel, LoraSettings, Quantize
    from msc_kedro.agent.model import Agent, SenseConfig
    from msc_kedro.dialogue.prompt import Sense

_TENSORS, _SETTINGS = "adapter.safetensors", "adapter.json"
FORMAT = 2


@dataclass(frozen=True)
class Adapter:
    """Trained tensors with the settings they need.

    `config` holds what JSON can: base_model {name, fingerprint, width, vocabulary, dtype,
    quantize}, lora (or null), senses {modality: {encoder_width, qformer}}, encoders {modality:
    name}, feature_budget, style {modalities, target}, compat, prompt_version, format.
    """

    config: dict[str, Any]
    state: dict[str, Tensor]

    @cached_property
    def fingerprint(self) -> str:
        """Names the adapter by content: the same settings and tensors, the same fingerprint."""
        from safetensors.torch import save

        digest = hashlib.sha256(json.dumps(self.config, sort_keys=True).encode())
        digest.update(save(dict(sorted(self.state.items()))))
        return digest.hexdigest()[:20]

    @property
    def style(self) -> PromptStyle:
        """Modalities and target it was trained with."""
        found = self.config["style"]
        return PromptStyle(tuple(found["modalities"]), found["target"])

    @property
    def budget(self) -> FeatureBudget:
        """How many feature vectors it was trained to read."""
        return FeatureBudget(**self.config["feature_budget"])

    @property
    def lora(self) -> LoraSettings | None:
        """LoRA's settings, to load the language model with."""
        from msc_kedro.agent.language_model import LoraSettings

        found = self.config["lora"]
        if found is None:
            return None
        return LoraSettings(**{**found, "targets": tuple(found["targets"])})

    @property
    def quantize(self) -> Quantize | None:
        """How the base model's frozen weights were kept, to load it with."""
        found: Quantize | None = self.config["base_model"]["quantize"]
        return found

    @property
    def senses(self) -> dict[Sense, SenseConfig]:
        """The Q-Formers' settings."""
        from msc_kedro.agent.model import SenseConfig
        from msc_kedro.agent.qformer import QFormerConfig

        found = self.config["senses"]
        return {
            sense: SenseConfig(
                encoder_width=found[sense]["encoder_width"],
                qformer=QFormerConfig(**found[sense]["qformer"]),
            )
            for sense in SENSES
            if sense in found
        }


def make_adapter(
    agent: Agent,
    style: PromptStyle,
    state: dict[str, Tensor],
    *,
    encoders: Mapping[Sense, str] | None = None,
    budget: FeatureBudget | None = None,
) -> Adapter:
    """An adapter of a state of this agent.

    Matrices are kept in the type in which they are multiplied, the base model's: under autocast to
    bfloat16 the agent computes the same from them to the last bit, and the adapter is half as
    large. Resuming needs float32, and has it in the checkpoint.

    Args:
        agent: whose state it is.
        style: what its prompts showed.
        state: trained tensors.
        encoders: names of the encoders that made the features.
        budget: how many of their vectors were read; the default if None.
    """
    return adapter_of(adapter_config(agent, style, encoders=encoders, budget=budget), state)


def adapter_config(
    agent: Agent,
    style: PromptStyle,
    *,
    encoders: Mapping[Sense, str] | None = None,
    budget: FeatureBudget | None = None,
) -> dict[str, Any]:
    """What an adapter's tensors need to be used again; see `Adapter`."""
    language = agent.language
    config = {
        "format": FORMAT,
        "prompt_version": PROMPT_VERSION,
        "base_model": {
            "name": language.name,
            "fingerprint": language.fingerprint,
            "width": language.width,
            "vocabulary": language.vocabulary,
            "dtype": str(language.dtype).removeprefix("torch."),
            "quantize": language.quantize,
        },
        "lora": None if language.lora is None else asdict(language.lora),
        "senses": {sense: asdict(chosen) for sense, chosen in agent.senses.items()},
        "encoders": {s: name for s, name in (encoders or {}).items() if s in agent.senses},
        "feature_budget": asdict(budget or FeatureBudget()),
        "style": {"modalities": list(style.modalities), "target": style.target},
        "compat": list(agent.compat),
    }
    plain: dict[str, Any] = json.loads(json.dumps(config))
    return plain


def adapter_of(config: dict[str, Any], state: Mapping[str, Tensor]) -> Adapter:
    """An adapter of settings and a trained state; see `make_adapter`."""
    import torch

    dtype: torch.dtype = getattr(torch, config["base_model"]["dtype"])
    kept = {
        name: tensor.to(dtype) if is_multiplied(name, tensor) else tensor
        for name, tensor in state.items()
    }
    return Adapter(config, kept)


def is_multiplied(name: str, tensor: Tensor) -> bool:
    """Whether it is the matrix of a linear layer, and not a norm, a bias or the queries."""
    return tensor.ndim == 2 and name.endswith(".weight")


def save_adapter(adapter: Adapter, folder: Path) -> None:
    """Writes `adapter.safetensors` and `adapter.json`; same adapter, same bytes."""
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    save_file(dict(sorted(adapter.state.items())), folder / _TENSORS)
    settings = json.dumps(adapter.config, indent=2, sort_keys=True)
    (folder / _SETTINGS).write_text(settings + "\n", encoding="utf-8")


def load_adapter(folder: Path) -> Adapter:
    """Reads an adapter. No pickle is ever opened.

    Raises:
        MscKedroError: a file is missing or is none, or another version of the program wrote it.
    """
    from msc_kedro.models.weights import load_tensors

    missing = [name for name in (_TENSORS, _SETTINGS) if not (folder / name).is_file()]
    if missing:
        raise MscKedroError(
            f"{folder} is no adapter: {missing[0]} is missing. Run `kedro run --pipeline train`."
        )
    config = json.loads((folder / _SETTINGS).read_text(encoding="utf-8"))
    for name, expected in (("format", FORMAT), ("prompt_version", PROMPT_VERSION)):
        if config.get(name) != expected:
            raise MscKedroError(
                f"{folder}: {name} is {config.get(name)}, this program reads {expected}. "
                "Train again: `kedro run --pipeline train`."
            )
    return Adapter(config, load_tensors(folder / _TENSORS))


def agent_of_adapter(
    adapter: Adapter,
    language: LanguageModel,
    *,
    encoder_widths: Mapping[Sense, int] | None = None,
    encoders: Mapping[Sense, str] | None = None,
) -> Agent:
    """Puts the trained agent together.

    Args:
        adapter: what was trained.
        language: its base model, loaded with `adapter.lora`.
        encoder_widths: of the features at hand, checked against the adapter's where given.
        encoders: their names, checked likewise.

    Raises:
        MscKedroError: base model, LoRA or encoders are others than the adapter's.
    """
    from msc_kedro.agent.model import Agent

    base = adapter.config["base_model"]
    for name, found in (
        ("width", language.width),
        ("vocabulary", language.vocabulary),
        ("fingerprint", language.fingerprint),
    ):
        if found != base[name]:
            raise MscKedroError(
                f"the adapter was trained on {base['name']} ({name} {base[name]}); found "
                f"{language.name} ({name} {found}). Load that base model, or train again: "
                "`kedro run --pipeline train`."
            )
    if language.lora != adapter.lora:
        raise MscKedroError(
            f"the adapter needs LoRA as {adapter.lora}; the language model was loaded with "
            f"{language.lora}. Load it with the adapter's settings."
        )
    senses = adapter.senses
    for sense, width in (encoder_widths or {}).items():
        if sense in senses and senses[sense].encoder_width != width:
            raise MscKedroError(
                f"the adapter reads {sense} features {senses[sense].encoder_width} wide; found "
                f"{width}: they come from another encoder. Run `kedro run --pipeline featurize` "
                "with the adapter's recipe, or train again."
            )
    for sense, name in (encoders or {}).items():
        expected = adapter.config["encoders"].get(sense)
        if sense in senses and expected not in (None, name):
            raise MscKedroError(
                f"the adapter was trained on {sense} features of the encoder {expected}; found "
                f"those of {name}. Run `kedro run --pipeline featurize` with the adapter's recipe, "
                "or train again."
            )
    agent = Agent(language, senses, seed=0, compat=adapter.config["compat"])
    agent.load_trainable_state(adapter.state)
    agent.eval()
    return agent
