"""Any causal language model, from a folder or the hub, with LoRA."""

from __future__ import annotations

import contextlib
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import torch

from msc_kedro.errors import MscKedroError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor, nn

Dtype = Literal["auto", "bfloat16", "float32"]
Quantize = Literal["nf4"]


@dataclass(frozen=True)
class LoraSettings:
    """Low-rank adaptation as in the paper: r 8, alpha 32, dropout 0.1 on q_proj and v_proj."""

    rank: int = 8
    alpha: float = 32
    dropout: float = 0.1
    targets: tuple[str, ...] = ("q_proj", "v_proj")


@dataclass(frozen=True)
class TextTokens:
    """Text to ids and back. Satisfies `dialogue.prompt.Tokens`.

    The ids of the marks come from the model's configuration, because that is what it was trained
    to end with; a tokenizer's own are asked only where the configuration names none.
    """

    tokenizer: Any
    bos_id: int | None
    eos_id: int
    stop_ids: frozenset[int]  # a reply ends at any of these; eos_id is one

    def encode(self, text: str) -> list[int]:
        """Ids without special tokens."""
        return list(self.tokenizer(text, add_special_tokens=False)["input_ids"])

    def decode(self, ids: list[int]) -> str:
        """Text without special tokens."""
        return str(self.tokenizer.decode(ids, skip_special_tokens=True))


@dataclass(frozen=True)
class LanguageModel:
    """A loaded model: frozen weights in `dtype`, LoRA in float32 where there is any.

    With `quantize` the frozen weights of the layers are in 4 bits, and `dtype` is what they are
    multiplied in.
    """

    network: nn.Module
    tokens: TextTokens
    name: str
    fingerprint: str
    lora: LoraSettings | None
    dtype: torch.dtype
    quantize: Quantize | None = None

    @property
    def width(self) -> int:
        """Width of the token embeddings."""
        return int(self._embeddings.embedding_dim)

    @property
    def vocabulary(self) -> int:
        """Number of token embeddings."""
        return int(self._embeddings.num_embeddings)

    @property
    def context(self) -> int | None:
        """The longest sequence it was made for, None where the configuration does not say."""
        found = getattr(self.network.config, "max_position_embeddings", None)
        return None if found is None else int(found)

    @property
    def sliding_window(self) -> int | None:
        """Positions that attention reaches back, None where it reaches all."""
        found = getattr(self.network.config, "sliding_window", None)
        return None if found is None else int(found)

    @property
    def embedding_scale(self) -> float:
        """Standard deviation of the components of the token embeddings."""
        return float(self._embeddings.weight.detach().float().std())

    @property
    def _embeddings(self) -> Any:
        return self.network.get_input_embeddings()  # type: ignore[operator]

    def embed(self, token_ids: Tensor) -> Tensor:
        """Token embeddings: ids [...] -> [..., d]."""
        embedded: Tensor = self._embeddings(token_ids)
        return embedded

    @contextlib.contextmanager
    def without_lora(self) -> Iterator[None]:
        """The model as it came, while this lasts."""
        if self.lora is None:
            yield
        else:
            with self.network.disable_adapter():  # type: ignore[operator]
                yield


def native_bfloat16(device: str) -> bool:
    """Whether the device multiplies in bfloat16 itself; elsewhere it is slower than float32."""
    if device.startswith("cuda"):
        return torch.cuda.is_bf16_supported(including_emulation=False)
    found = torch.cpu.get_capabilities()
    return bool(found.get("amx_bf16") or found.get("avx512_bf16"))


def load_language_model(
    source: str | Path,
    *,
    revision: str | None = None,
    dtype: Dtype = "auto",
    lora: LoraSettings | None = None,
    quantize: Quantize | None = None,
    seed: int = 0,
    device: str = "cpu",
) -> LanguageModel:
    """Loads a causal language model and freezes it; with `lora`, hangs trainable matrices on it.

    Args:
        source: a folder as written by `save_pretrained`, or an id on the hub.
        revision: of the hub's repository.
        dtype: of the frozen weights. "auto" is bfloat16 where the device has it, else float32.
        lora: None leaves the model as it is (the paper's "without fine-tuning").
        quantize: "nf4" keeps the frozen weights in 4 bits (QLoRA, Dettmers et al. 2023), on a
            CUDA device; they are multiplied in bfloat16.
        seed: of LoRA's starting values.
        device: of torch.

    Raises:
        MscKedroError: nothing is there to load, LoRA's targets are not in the model, or the device
            or a package cannot do what `quantize` asks for.
    """
    as_loaded: dict[str, Any] = {}
    if quantize is not None:  # first of all: what cannot be is said before anything is loaded
        as_loaded = {
            "quantization_config": quantization_config(device),
            "device_map": {"": device},
        }
    from safetensors import SafetensorError
    from transformers import AutoModelForCausalLM, AutoTokenizer

    chosen = "bfloat16" if quantize is not None else dtype
    if chosen == "auto":
        chosen = "bfloat16" if native_bfloat16(device) else "float32"
    kind = torch.bfloat16 if chosen == "bfloat16" else torch.float32
    where: dict[str, Any] = {} if revision is None else {"revision": revision}
    where["trust_remote_code"] = False
    try:
        model = AutoModelForCausalLM.from_pretrained(
            source,
            dtype=kind,
            attn_implementation="sdpa",
            use_safetensors=True,
            **where,
            **as_loaded,
        )
        tokenizer = AutoTokenizer.from_pretrained(source, **where)
    except (OSError, ValueError, SafetensorError) as error:
        raise MscKedroError(
            f"no language model could be loaded from {source}: {error}\nExpected a folder with "
            "config.json, tokenizer and safetensors, or an id on the hub. See `kedro models list`."
        ) from error
    model.requires_grad_(False)
    tokens = _tokens(model, tokenizer, str(source))
    fingerprint = model_fingerprint(model)
    network = model if lora is None else add_lora(model, lora, seed)
    if quantize is None:  # else its layers lie there already, and cannot be moved
        network.to(device)
    network.eval()
    name = Path(source).name if Path(source).is_dir() else str(source)
    return LanguageModel(network, tokens, name, fingerprint, lora, kind, quantize)


def quantization_config(device: str) -> Any:
    """What transformers needs to load weights as QLoRA does: NF4, its scales quantised once more.

    Raises:
        MscKedroError: the device is no CUDA device, or bitsandbytes is not installed.
    """
    from importlib.util import find_spec

    if not device.startswith("cuda"):
        raise MscKedroError(
            f"train.quantize: nf4 needs a CUDA device; found {device}. Set train.quantize to null, "
            "or run where there is one."
        )
    if find_spec("bitsandbytes") is None:
        raise MscKedroError(
            "train.quantize: nf4 needs the package bitsandbytes, which is not installed. Install "
            "it (`pip install 'msc-kedro[qlora]'`), or set train.quantize to null."
        )
    from transformers import BitsAndBytesConfig

    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=torch.bfloat16,
    )


def model_fingerprint(model: Any) -> str:
    """Tells one base model from another, whatever dtype or folder it was loaded from.

    sha256 of the layers, the width and a sample of the token embeddings as bfloat16.
    """
    weight = model.get_input_embeddings().weight.detach()
    return embeddings_fingerprint(weight, layers=model.config.num_hidden_layers)


def embeddings_fingerprint(weight: Tensor, *, layers: int) -> str:
    """`model_fingerprint` of a model of which only the token embeddings [v, d] are at hand."""
    sample = weight[:: max(1, len(weight) // 512)].to(torch.bfloat16).cpu().contiguous()
    digest = hashlib.sha256()
    digest.update(f"{layers} {tuple(weight.shape)}".encode())
    digest.update(sample.view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def _tokens(model: Any, tokenizer: Any, source: str) -> TextTokens:
    def ids(*candidates: object) -> list[int]:
        for candidate in candidates:
            if isinstance(candidate, int):
                return [candidate]
            if isinstance(candidate, (list, tuple)) and candidate:
                return [int(one) for one in candidate]
        return []

    generation = getattr(model, "generation_config", None)
    asked = getattr(generation, "eos_token_id", None)
    ends = ids(model.config.eos_token_id, asked, tokenizer.eos_token_id)
    opens = ids(model.config.bos_token_id, tokenizer.bos_token_id)
    if not ends:
        raise MscKedroError(
            f"{source} names no end-of-sequence token in config.json, generation_config.json or "
            "its tokenizer; a reply could not end. Set eos_token_id in config.json."
        )
    return TextTokens(
        tokenizer=tokenizer,
        bos_id=opens[0] if opens else None,
        eos_id=ends[0],
        stop_ids=frozenset([*ends, *ids(asked)]),
    )


def add_lora(model: Any, lora: LoraSettings, seed: int) -> Any:
    """The model wrapped by peft, with trainable matrices in float32 drawn from the seed.

    Raises:
        MscKedroError: the model has no layers of the names in `lora.targets`.
    """
    from peft import LoraConfig, get_peft_model

    settings = LoraConfig(
        r=lora.rank,
        lora_alpha=lora.alpha,
        lora_dropout=lora.dropout,
        target_modules=list(lora.targets),
        task_type="CAUSAL_LM",
    )
    with torch.random.fork_rng(devices=[]):  # drawn on the CPU, so alike on every device
        torch.default_generator.manual_seed(seed)
        try:
            network = get_peft_model(model, settings)
        except ValueError as error:
            raise MscKedroError(
                f"LoRA found no layers named {list(lora.targets)} in {type(model).__name__}: "
                f"{error}\nSet the targets to names of its linear layers."
            ) from error
    for parameter in network.parameters():
        if parameter.requires_grad:
            parameter.data = parameter.data.float()
    return network
