"""Steps that turn fetched files into what is loaded, once."""

from __future__ import annotations

import io
import shutil
from contextlib import redirect_stderr
from pathlib import Path
from typing import Any

from msc_kedro.errors import MscKedroError

_CONTROL = 3  # gguf's type of a token that is a mark, not text
_SPECIAL = ("bos", "eos", "unk", "pad")
_FIELDS = {"unk": "unknown", "pad": "padding"}


def checkpoint_to_safetensors(fetched: Path, target: Path) -> None:
    """A model of transformers that was published as `pytorch_model.bin`, as safetensors.

    The checkpoint is a pickle, so it is read once, as plain tensors or not at all; what is loaded
    from then on holds no code. Other files stay as they are.

    Args:
        fetched: holds pytorch_model.bin and the model's small files.
        target: an empty folder.

    Raises:
        MscKedroError: it holds more than plain tensors.
    """
    from safetensors.torch import save_file

    from msc_kedro.models.weights import load_checkpoint_file

    for file in fetched.iterdir():
        if file.name != "pytorch_model.bin":
            shutil.copyfile(file, target / file.name)
    weights = load_checkpoint_file(fetched / "pytorch_model.bin")
    alone = {name: tensor.clone().contiguous() for name, tensor in weights.items()}
    save_file(alone, target / "model.safetensors", metadata={"format": "pt"})


def blip2_qformer(fetched: Path, target: Path) -> None:
    """Of a checkpoint of BLIP-2 the Q-Former and its queries alone: 0.4 GB of 15.

    Args:
        fetched: config.json and safetensors; of shards with an index only those that hold these
            tensors need to be there. Without a config.json the shape is the published one.
        target: an empty folder.

    Raises:
        MscKedroError: a file is missing or is none.
    """
    from safetensors.torch import save_file

    from msc_kedro.models.weights import load_some_tensors

    taken = load_some_tensors(fetched, ("qformer.", "query_tokens"))
    if not taken:
        raise MscKedroError(
            f"{fetched} holds no Q-Former. Expected the files of Salesforce/blip2-opt-2.7b."
        )
    if (fetched / "config.json").is_file():
        shutil.copyfile(fetched / "config.json", target / "config.json")
    else:  # what it leaves out is taken as published
        (target / "config.json").write_text('{"qformer_config": {}}\n', encoding="utf-8")
    save_file(dict(sorted(taken.items())), target / "model.safetensors", metadata={"format": "pt"})


def gguf_to_safetensors(fetched: Path, target: Path) -> None:
    """A language model's gguf file as a folder that transformers loads at once.

    The quantised weights are laid out once and kept in bfloat16: rounding to it moves a weight by
    at most 1/256 of itself, far less than the quantisation has already moved it, and the model was
    published in bfloat16; the folder is half as large and loads into either type.

    The tokenizer is built from the file's own table and not by transformers, which gives this kind
    of file the tokenizer class of Llama: its end mark is then the begin mark, it has no padding
    mark, and it puts a begin mark before every text.

    Args:
        fetched: holds one .gguf file, with byte-level BPE as in SmolLM.
        target: an empty folder.

    Raises:
        MscKedroError: there is not one gguf file, it is none, or its tokenizer is of another kind.
    """
    import torch
    from transformers import AutoModelForCausalLM

    found = sorted(fetched.glob("*.gguf"))
    if len(found) != 1:
        raise MscKedroError(
            f"{fetched} holds {len(found)} gguf files, expected one; see `files` in models.yml"
        )
    table = _tokenizer_table(found[0])
    tokenizer = _tokenizer(table, found[0].name)
    with redirect_stderr(io.StringIO()):  # bars of transformers that cannot be switched off
        model = AutoModelForCausalLM.from_pretrained(
            str(fetched), gguf_file=found[0].name, dtype=torch.float32
        )
    tokenizer.model_max_length = model.config.max_position_embeddings
    for config in (model.config, model.generation_config):
        for mark in ("bos", "eos", "pad"):
            setattr(config, f"{mark}_token_id", getattr(tokenizer, f"{mark}_token_id"))
    model.config._name_or_path = ""
    with redirect_stderr(io.StringIO()):
        model.to(torch.bfloat16).save_pretrained(target)
        tokenizer.save_pretrained(target)


def _tokenizer_table(path: Path) -> dict[str, Any]:
    from gguf import GGUFReader

    try:
        reader = GGUFReader(path)
    except ValueError as error:
        raise MscKedroError(
            f"{path.name} is no gguf file ({error}). Take another from a source you trust: see "
            "`kedro models list`."
        ) from error
    start = "tokenizer."
    return {
        name.removeprefix(start).removeprefix("ggml."): field.contents()
        for name, field in reader.fields.items()
        if name.startswith(start)
    }


def _tokenizer(table: dict[str, Any], name: str) -> Any:
    """Byte-level BPE with single digits, as SmolLM's own tokenizer.json has it."""
    from tokenizers import (  # type: ignore[import-untyped]
        AddedToken,
        Tokenizer,
        decoders,
        models,
        pre_tokenizers,
    )
    from transformers import PreTrainedTokenizerFast

    kind = (table.get("model"), table.get("pre"))
    if kind != ("gpt2", "smollm"):
        raise MscKedroError(
            f"{name}: its tokenizer is {kind}, expected ('gpt2', 'smollm'). Use a model folder "
            "with its own tokenizer files instead of this gguf."
        )
    words: list[str] = table["tokens"]
    merges = [tuple(merge.split(" ", 1)) for merge in table["merges"]]
    backend = Tokenizer(
        models.BPE(vocab={word: number for number, word in enumerate(words)}, merges=merges)
    )
    backend.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Digits(individual_digits=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False),
        ]
    )
    backend.decoder = decoders.ByteLevel()
    marks = [
        word for word, kind in zip(words, table["token_type"], strict=True) if kind == _CONTROL
    ]
    backend.add_special_tokens([AddedToken(mark, special=True, normalized=False) for mark in marks])
    special = {}
    for mark in _SPECIAL:
        number = table.get(f"{_FIELDS.get(mark, mark)}_token_id")
        if number is not None:
            special[f"{mark}_token"] = words[number]
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=backend,
        clean_up_tokenization_spaces=False,
        model_input_names=["input_ids", "attention_mask"],
        **special,
    )
    tokenizer.chat_template = table.get("chat_template")
    return tokenizer
