"""The Q-Former of BLIP-2, taken out of the published checkpoint (Li et al. 2023).

Of `Salesforce/blip2-opt-2.7b` only the tensors of its Q-Former, the layer norm before it and the
learned queries are read; the language model and the image encoder beside them never are. The front,
time and back linears are new: BLIP-2 has none of that shape, so they keep their own beginnings.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from msc_kedro.agent.qformer import QFormer, QFormerConfig
from msc_kedro.errors import MscKedroError
from msc_kedro.models.weights import load_some_tensors

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

PARTS = ("qformer.", "query_tokens")  # the beginnings of the tensors' names
_ATTENTION = {
    "query": "attention.query",
    "key": "attention.key",
    "value": "attention.value",
    "output": "output.dense",
    "norm": "output.LayerNorm",
}
_FEED_FORWARD = {
    "widen": "intermediate_query.dense",
    "narrow": "output_query.dense",
    "norm": "output_query.LayerNorm",
}


@dataclass(frozen=True)
class Blip2Start:
    """Where a Q-Former starts from: the shape it must have, and tensors by our own names."""

    shape: dict[str, int]
    tensors: Mapping[str, Tensor]

    def put_into(self, qformer: QFormer) -> None:
        """Copies the tensors in; two Q-Formers that start here share nothing.

        Raises:
            MscKedroError: the Q-Former has another shape, or standardises its input.
        """
        config = qformer.config
        wrong = {
            name: (getattr(config, name), expected)
            for name, expected in self.shape.items()
            if getattr(config, name) != expected
        }
        if wrong:
            told = "; ".join(f"{n} is {have}, expected {want}" for n, (have, want) in wrong.items())
            raise MscKedroError(
                f"train.qformer.init is blip2, but the Q-Former has another shape: {told}. Set "
                "these under train.qformer, or init to null."
            )
        own = dict(qformer.named_parameters())
        with torch.no_grad():
            for name, tensor in self.tensors.items():
                own[name].copy_(tensor)


def read_blip2(folder: Path) -> Blip2Start:
    """Reads the Q-Former of a BLIP-2 checkpoint.

    Args:
        folder: config.json and safetensors, in one file or in shards with their index. Of shards
            only those that hold tensors of the Q-Former need to be there.

    Raises:
        MscKedroError: a file or a tensor is missing, or the checkpoint is of another kind.
    """
    settings = folder / "config.json"
    if not settings.is_file():
        raise MscKedroError(f"{folder} is no BLIP-2 checkpoint: config.json is missing.")
    whole = json.loads(settings.read_text(encoding="utf-8"))
    shape = _shape(whole, settings)
    found = load_some_tensors(folder, PARTS)
    tensors: dict[str, Tensor] = {}
    missing = []
    names = tensor_names(layers=shape["layers"], cross_every=shape["cross_every"])
    for ours, theirs in names.items():
        if theirs in found:
            tensors[ours] = found[theirs].float()
        else:
            missing.append(theirs)
    if missing:
        raise MscKedroError(
            f"{folder} lacks {len(missing)} tensors of BLIP-2's Q-Former, the first is "
            f"{missing[0]}. Take it from Salesforce/blip2-opt-2.7b: `kedro models fetch qformer`."
        )
    tensors["queries"] = tensors["queries"].reshape(-1, shape["width"])
    return Blip2Start({**shape, "queries": len(tensors["queries"])}, tensors)


def blip2_shape() -> QFormerConfig:
    """The shape of the published Q-Former."""
    return QFormerConfig(
        layers=12,
        width=768,
        heads=12,
        queries=32,
        cross_every=2,
        key_value_width=1408,
        dropout=0.1,
        normalise_input=False,
    )


def _shape(whole: dict[str, Any], settings: Path) -> dict[str, int]:
    """Our names for the Q-Former's settings; what the file leaves out is as published."""
    published = blip2_shape()
    found = whole.get("qformer_config")
    if not isinstance(found, dict):
        raise MscKedroError(
            f"{settings} names no qformer_config: it is not BLIP-2's. Expected the files of "
            "Salesforce/blip2-opt-2.7b."
        )
    theirs = {
        "layers": "num_hidden_layers",
        "width": "hidden_size",
        "heads": "num_attention_heads",
        "cross_every": "cross_attention_frequency",
        "key_value_width": "encoder_hidden_size",
    }
    shape = {o: int(found.get(t, getattr(published, o))) for o, t in theirs.items()}
    if int(found.get("intermediate_size", 4 * shape["width"])) != 4 * shape["width"]:
        raise MscKedroError(
            f"{settings}: intermediate_size is {found['intermediate_size']}, expected four times "
            f"the width, {4 * shape['width']}: another Q-Former than BLIP-2's."
        )
    return shape


def tensor_names(*, layers: int, cross_every: int) -> dict[str, str]:
    """Our name of each tensor to BLIP-2's."""
    pairs = {"norm": "qformer.layernorm"}
    for layer in range(layers):
        ours, theirs = f"layers.{layer}", f"qformer.encoder.layer.{layer}"
        pairs |= {f"{ours}.attention.{o}": f"{theirs}.attention.{t}" for o, t in _ATTENTION.items()}
        if layer % cross_every == 0:
            pairs |= {
                f"{ours}.cross.{o}": f"{theirs}.crossattention.{t}" for o, t in _ATTENTION.items()
            }
        pairs |= {f"{ours}.{o}": f"{theirs}.{t}" for o, t in _FEED_FORWARD.items()}
    named = {
        f"{ours}.{end}": f"{theirs}.{end}"
        for ours, theirs in pairs.items()
        for end in ("weight", "bias")
    }
    return {**named, "queries": "query_tokens"}
