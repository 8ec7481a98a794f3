"""Reads a checkpoint of MSenC (kimtaesu24/MSenC) into an adapter.

The published file is a dictionary of torch: `model_state_dict` is the whole model, language model
included, under several names for the same tensors; `optimizer_state_dict` is left alone. Taken are
`{video,audio}_q_former.{query, qformer.*, feature_proj, out_proj}` and LoRA's matrices below
`generator_model.`. Only plain tensors are read, by memory map: what is not taken stays on the disk.
"""

from __future__ import annotations

import re
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msc_kedro.dialogue.collate import FeatureBudget
from msc_kedro.dialogue.prompt import PROMPT_VERSION, SENSES, PromptStyle
from msc_kedro.errors import MscKedroError
from msc_kedro.training.adapter import FORMAT, Adapter, adapter_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor

    from msc_kedro.dialogue.arrangement import Fault
    from msc_kedro.dialogue.prompt import Sense

BASE = "mistralai/Mistral-7B-v0.1"
AS_TRAINED: tuple[Fault, ...] = (
    "shared_qformer",
    "padding_inside",
    "cut_at_end",
    "loss_on_padding",
    "speaker_lookup",
)
_HEAD_WIDTH = 64  # BLIP-2: 12 heads of 64
_LANGUAGE = "generator_model."
_LORA = re.compile(r"(?P<layer>.+\.(?P<target>\w+))\.lora_(?P<part>[AB])\.default\.weight")
_LAYER = re.compile(r"model\.layers\.(\d+)\.")


def read_msenc(
    path: Path,
    *,
    base: str = BASE,
    style: PromptStyle | None = None,
    compat: Sequence[Fault] = AS_TRAINED,
) -> Adapter:
    """The adapter of a published checkpoint.

    Args:
        path: the file, as `torch.save` wrote it.
        base: name of its language model; that it is that one is told by its embeddings.
        style: what it was trained with, which the file does not say.
        compat: faults that it was trained with. `shared_qformer` is left out where the file's two
            Q-Formers differ.

    Raises:
        MscKedroError: it is no such checkpoint, or holds more than plain tensors.
    """
    style = style or PromptStyle()
    state = _state(path)
    senses: dict[Sense, Mapping[str, Tensor]] = {
        sense: _below(state, f"{sense}_q_former.")
        for sense in SENSES
        if sense in style.modalities and any(k.startswith(f"{sense}_q_former.") for k in state)
    }
    missing = [sense for sense in SENSES if sense in style.modalities and sense not in senses]
    if missing:
        raise _wrong(path, f"it has no {missing[0]}_q_former")
    faults = [
        fault for fault in compat if fault != "shared_qformer" or _are_shared(senses.values())
    ]
    kept: dict[str, Tensor] = {}
    shapes: dict[str, Any] = {}
    for sense, tensors in senses.items():
        shape, ours = _qformer(path, tensors)
        own_only = "shared_qformer" in faults and sense == "audio" and "video" in senses
        shapes[sense] = {"encoder_width": ours["front.weight"].shape[1], "qformer": asdict(shape)}
        kept |= {
            f"{sense}.{name}": tensor
            for name, tensor in ours.items()
            if not own_only or name.split(".")[0] in ("front", "time", "back")
        }
    language = _below(state, _LANGUAGE)
    lora, matrices = _lora(language)
    kept |= matrices
    config = {
        "format": FORMAT,
        "prompt_version": PROMPT_VERSION,
        "base_model": _base_model(path, language, base),
        "lora": lora,
        "senses": shapes,
        "encoders": {},  # the file does not name them
        "feature_budget": asdict(FeatureBudget(over="history")),  # the paper, appendix A
        "style": {"modalities": list(style.modalities), "target": style.target},
        "compat": faults,
    }
    return adapter_of(config, {k: v.float().clone().contiguous() for k, v in kept.items()})


def _state(path: Path) -> Mapping[str, Tensor]:
    import torch

    from msc_kedro.models.weights import load_checkpoint_file

    if not path.is_file():
        raise MscKedroError(f"{path} is no file. Download the checkpoint, and give its path.")
    content = load_checkpoint_file(path, mapped=True)
    state = content.get("model_state_dict") if isinstance(content, dict) else None
    if not isinstance(state, dict):
        raise _wrong(path, "it has no model_state_dict")
    if not all(isinstance(tensor, torch.Tensor) for tensor in state.values()):
        raise _wrong(path, "its model_state_dict holds more than tensors")
    return state


def _below(state: Mapping[str, Tensor], start: str) -> dict[str, Tensor]:
    return {k.removeprefix(start): v for k, v in state.items() if k.startswith(start)}


def _qformer(path: Path, tensors: Mapping[str, Tensor]) -> tuple[Any, dict[str, Tensor]]:
    """Shape and tensors of one Q-Former by our names; time, which it did not see, is silent."""
    import torch

    from msc_kedro.agent.blip2 import tensor_names
    from msc_kedro.agent.qformer import TIME_FEATURES, QFormerConfig

    def taken(name: str) -> Tensor:
        if name not in tensors:
            raise _wrong(path, f"a Q-Former lacks {name}")
        return tensors[name]

    query, front = taken("query"), taken("feature_proj.weight")
    width = query.shape[-1]
    layers = {int(k.split(".")[3]) for k in tensors if k.startswith("qformer.encoder.layer.")}
    shape = QFormerConfig(
        layers=len(layers),
        width=width,
        heads=max(1, width // _HEAD_WIDTH),
        queries=query.shape[-2],
        key_value_width=front.shape[0],
        normalise_input=False,
    )
    ours = {
        own: taken("query" if theirs == "query_tokens" else theirs)
        for own, theirs in tensor_names(layers=shape.layers, cross_every=shape.cross_every).items()
    }
    ours["queries"] = ours["queries"].reshape(-1, width)
    return shape, {
        **ours,
        "front.weight": front,
        "time.weight": torch.zeros(front.shape[0], TIME_FEATURES),
        "back.weight": taken("out_proj.weight"),
    }


def _are_shared(qformers: Any) -> bool:
    """Whether all have the same tensors but for the linears around them."""
    import torch

    def inside(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        return {k: v for k, v in tensors.items() if k == "query" or k.startswith("qformer.")}

    found = [inside(tensors) for tensors in qformers]
    return all(
        one.keys() == found[0].keys() and all(torch.equal(one[k], found[0][k]) for k in one)
        for one in found[1:]
    )


def _lora(language: Mapping[str, Tensor]) -> tuple[dict[str, Any] | None, dict[str, Tensor]]:
    """LoRA's settings, and its matrices by our names; the file does not keep alpha and dropout."""
    from msc_kedro.agent.language_model import LoraSettings

    matrices: dict[str, Tensor] = {}
    targets: set[str] = set()
    rank = 0
    for name, tensor in language.items():
        if found := _LORA.fullmatch(name):
            targets.add(found["target"])
            matrices[f"language.{found['layer']}.lora_{found['part']}.weight"] = tensor
            rank = tensor.shape[0] if found["part"] == "A" else rank
    if not matrices:
        return None, {}
    settings = asdict(LoraSettings(rank=rank, targets=tuple(sorted(targets))))
    return {**settings, "targets": list(settings["targets"])}, matrices


def _base_model(path: Path, language: Mapping[str, Tensor], name: str) -> dict[str, Any]:
    from msc_kedro.agent.language_model import embeddings_fingerprint

    weight = language.get("model.embed_tokens.weight")
    layers = {int(found[1]) for key in language if (found := _LAYER.match(key))}
    if weight is None or not layers:
        raise _wrong(path, "its language model is not there")
    vocabulary, width = weight.shape
    return {
        "name": name,
        "fingerprint": embeddings_fingerprint(weight, layers=len(layers)),
        "width": width,
        "vocabulary": vocabulary,
        "dtype": "bfloat16",
        "quantize": None,
    }


def _wrong(path: Path, why: str) -> MscKedroError:
    return MscKedroError(
        f"{path} is no checkpoint of MSenC: {why}. Expected what its training writes: "
        "model_state_dict with video_q_former, audio_q_former and generator_model."
    )
