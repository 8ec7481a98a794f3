"""What training leaves behind: Q-Formers and LoRA, never the base model."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from msc_kedro.dialogue.prompt import PROMPT_VERSION, SENSES, PromptStyle
from msc_kedro.errors import MscKedroError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from torch import Tensor

    from msc_kedro.agent.language_model import LanguageModel, LoraSettings
    from msc_kedro.agent.model import Agent, SenseConfig
    from msc_kedro.dialogue.prompt import Sense

_TENSORS, _SETTINGS = "adapter.safetensors", "adapter.json"
_FORMAT = 1


@dataclass(frozen=True)
class Adapter:
    """Trained tensors with the settings they need.

    `config` holds what JSON can: base_model {name, fingerprint, width, vocabulary}, lora (or
    null), senses {modality: {encoder_width, qformer}}, style {modalities, target}, prompt_version,
    format.
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
    def lora(self) -> LoraSettings | None:
        """LoRA's settings, to load the language model with."""
        from msc_kedro.agent.language_model import LoraSettings

        found = self.config["lora"]
        if found is None:
            return None
        return LoraSettings(**{**found, "targets": tuple(found["targets"])})

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


def make_adapter(agent: Agent, style: PromptStyle, state: dict[str, Tensor]) -> Adapter:
    """An adapter of a state of this agent."""
    language = agent.language
    config = {
        "format": _FORMAT,
        "prompt_version": PROMPT_VERSION,
        "base_model": {
            "name": language.name,
            "fingerprint": language.fingerprint,
            "width": language.width,
            "vocabulary": language.vocabulary,
        },
        "lora": None if language.lora is None else asdict(language.lora),
        "senses": {sense: asdict(chosen) for sense, chosen in agent.senses.items()},
        "style": {"modalities": list(style.modalities), "target": style.target},
    }
    return Adapter(json.loads(json.dumps(config)), state)


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
    for name, expected in (("format", _FORMAT), ("prompt_version", PROMPT_VERSION)):
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
) -> Agent:
    """Puts the trained agent together.

    Args:
        adapter: what was trained.
        language: its base model, loaded with `adapter.lora`.
        encoder_widths: of the features at hand, checked against the adapter's where given.

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
    agent = Agent(language, senses, seed=0)
    agent.load_trainable_state(adapter.state)
    agent.eval()
    return agent
