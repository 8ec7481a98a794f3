"""A tiny agent for tests: a random Llama on characters, random features, written dialogues.

Shared by the packages that need one; their conftest files take the fixtures from here.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pytest

from msc_kedro.dialogue.collate import UtteranceFeatures
from msc_kedro.dialogue.turns import Dialogue, Turn

VIDEO_WIDTH, AUDIO_WIDTH = 6, 5
SAYINGS = ("Hello there", "Oh", "Why did you go", "It rained", "No way!", "Well then", "Fine")


def write_language_model(folder: Path, *, seed: int = 0, width: int = 32, end: int = 2) -> Path:
    """A random Llama of two layers and a tokenizer of single bytes, by `save_pretrained`."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    signs = ["<pad>", "<s>", "</s>", *sorted(pre_tokenizers.ByteLevel.alphabet())]
    tokenizer = Tokenizer(models.BPE({sign: i for i, sign in enumerate(signs)}, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    # Like the embedded model's own files, the tokenizer is wrong about the end mark.
    wrapped = PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token="<s>", eos_token="<s>")
    wrapped.add_special_tokens({"additional_special_tokens": ["</s>"]})
    wrapped.save_pretrained(folder)
    config = LlamaConfig(
        vocab_size=len(signs),
        hidden_size=width,
        intermediate_size=2 * width,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=4096,
        initializer_range=0.2,
        bos_token_id=1,
        eos_token_id=end,
    )
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        LlamaForCausalLM(config).save_pretrained(folder)
    return folder


def toy_dialogue(name: str = "d", *, turns: int = 4, split: str = "train") -> Dialogue:
    """A dialogue of two speakers; names decide what is said."""
    said = [SAYINGS[(len(name) + sum(map(ord, name)) + k) % len(SAYINGS)] for k in range(turns)]
    return Dialogue(
        name,
        split,
        tuple(
            Turn(f"{name}-{k}", "AB"[k % 2], f"{text}.", f"{'slow' if k % 2 else 'fast'} voice")
            for k, text in enumerate(said)
        ),
    )


def toy_features(utterance_id: str) -> UtteranceFeatures:
    """Random features that depend on the id alone."""
    draw = np.random.default_rng(list(utterance_id.encode()))
    frames, heard = int(draw.integers(1, 6)), int(draw.integers(3, 20))
    return UtteranceFeatures(
        video=draw.normal(size=(frames, VIDEO_WIDTH)).astype(np.float32),
        times_s=(np.arange(frames) / 3).astype(np.float32),
        audio=draw.normal(size=(heard, AUDIO_WIDTH)).astype(np.float32),
        audio_times_s=(np.arange(heard) / 50).astype(np.float32),
    )


@pytest.fixture(scope="session")
def language_folder(tmp_path_factory):
    return write_language_model(tmp_path_factory.mktemp("language_model"))


def toy_agent(folder, *, stir=False, dtype="float32", lora=True, dropout=0.0, **shape):
    """A toy agent; `stir` moves LoRA off its start, where half of its gradients are 0."""
    import torch

    from msc_kedro.agent.language_model import LoraSettings, load_language_model
    from msc_kedro.agent.model import Agent, SenseConfig
    from msc_kedro.agent.qformer import QFormerConfig

    settings = LoraSettings(dropout=dropout) if lora else None
    language = load_language_model(folder, dtype=dtype, lora=settings)
    shape = {"layers": 2, "width": 16, "heads": 2, "queries": 3, "key_value_width": 8} | shape
    qformer = QFormerConfig(dropout=dropout, **shape)
    senses = {"video": SenseConfig(VIDEO_WIDTH, qformer)}
    senses["audio"] = SenseConfig(AUDIO_WIDTH, qformer)
    agent = Agent(language, senses, seed=1)
    if stir:
        draw = torch.Generator().manual_seed(5)
        for name, parameter in agent.trainable().items():
            if "lora_B" in name or ".time." in name:
                noise = torch.randn(parameter.shape, generator=draw)
                parameter.data += 0.1 * noise
    return agent


@pytest.fixture
def make_agent(language_folder):
    """Makes toy agents, as `toy_agent`."""
    return partial(toy_agent, language_folder)
