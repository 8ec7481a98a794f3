"""A gguf file becomes a folder for transformers: same function, right marks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from msc_kedro.errors import MscKedroError
from msc_kedro.models.network import pretrained
from msc_kedro.models.prepare import checkpoint_to_safetensors, gguf_to_safetensors

MARKS = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]


def _words() -> list[str]:
    from tokenizers.pre_tokenizers import ByteLevel

    return [*MARKS, *sorted(ByteLevel.alphabet()), "he", "ll", "hell", "12"]


def _tiny_llama() -> Any:
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(_words()),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=64,
        tie_word_embeddings=True,
    )
    return LlamaForCausalLM(config).to(torch.bfloat16).float().eval()


def _interleaved(weight: np.ndarray, heads: int) -> np.ndarray:
    """Rows of q and k as gguf orders them for its rotation of neighbours."""
    halves = weight.reshape(heads, 2, weight.shape[0] // heads // 2, weight.shape[1])
    return halves.swapaxes(1, 2).reshape(weight.shape)


def _write_gguf(path: Path, model: Any, *, pre: str = "smollm") -> None:
    from gguf import GGUFWriter

    config = model.config
    writer = GGUFWriter(path, "llama")
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_rope_dimension_count(config.hidden_size // config.num_attention_heads)
    writer.add_rope_freq_base(config.rope_theta)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_vocab_size(config.vocab_size)
    words = _words()
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(pre)
    writer.add_token_list(words)
    writer.add_token_types([3] * len(MARKS) + [1] * (len(words) - len(MARKS)))
    writer.add_token_merges(["h e", "l l", "he ll", "1 2"])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_unk_token_id(0)
    writer.add_pad_token_id(2)
    names = {
        "input_layernorm": "attn_norm",
        "self_attn.q_proj": "attn_q",
        "self_attn.k_proj": "attn_k",
        "self_attn.v_proj": "attn_v",
        "self_attn.o_proj": "attn_output",
        "post_attention_layernorm": "ffn_norm",
        "mlp.gate_proj": "ffn_gate",
        "mlp.up_proj": "ffn_up",
        "mlp.down_proj": "ffn_down",
    }
    heads = {"attn_q": config.num_attention_heads, "attn_k": config.num_key_value_heads}
    state = {name: tensor.numpy() for name, tensor in model.state_dict().items()}
    writer.add_tensor("token_embd.weight", state["model.embed_tokens.weight"])
    writer.add_tensor("output_norm.weight", state["model.norm.weight"])
    for layer in range(config.num_hidden_layers):
        for ours, theirs in names.items():
            weight = state[f"model.layers.{layer}.{ours}.weight"]
            if theirs in heads:
                weight = _interleaved(weight, heads[theirs])
            writer.add_tensor(f"blk.{layer}.{theirs}.weight", np.ascontiguousarray(weight))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Path]:
    fetched, target = tmp_path_factory.mktemp("fetched"), tmp_path_factory.mktemp("target")
    model = _tiny_llama()
    _write_gguf(fetched / "tiny.gguf", model)
    gguf_to_safetensors(fetched, target)
    return model, target


def test_the_model_computes_the_same(prepared: tuple[Any, Path]) -> None:
    import torch
    from transformers import AutoModelForCausalLM

    model, target = prepared
    loaded = AutoModelForCausalLM.from_pretrained(target, dtype=torch.float32).eval()
    ids = torch.randint(3, model.config.vocab_size, (2, 12), generator=torch.manual_seed(1))
    with torch.no_grad():
        assert torch.allclose(loaded(ids).logits, model(ids).logits, atol=1e-5)


def test_every_file_names_the_same_marks(prepared: tuple[Any, Path]) -> None:
    from transformers import AutoConfig, AutoTokenizer, GenerationConfig

    target = prepared[1]
    tokenizer = AutoTokenizer.from_pretrained(target)
    marks = (tokenizer.bos_token, tokenizer.eos_token, tokenizer.pad_token, tokenizer.unk_token)
    assert marks == ("<|im_start|>", "<|im_end|>", "<|im_end|>", "<|endoftext|>")
    for config in (AutoConfig.from_pretrained(target), GenerationConfig.from_pretrained(target)):
        assert (config.bos_token_id, config.eos_token_id, config.pad_token_id) == (1, 2, 2)


@pytest.mark.parametrize("text", ["hello 2012\n\nwell…  two ▁ spaces", " it's", "", "12"])
def test_text_goes_in_and_out_unchanged(prepared: tuple[Any, Path], text: str) -> None:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(prepared[1])
    ids = tokenizer(text)["input_ids"]
    assert tokenizer.decode(ids) == text  # and with it: no mark was added
    assert "12" not in tokenizer.convert_ids_to_tokens(ids)  # digits are single, as in SmolLM
    marked = tokenizer(f"{text}<|im_end|>")["input_ids"]
    assert marked == [*ids, 2]
    assert tokenizer.decode(marked, skip_special_tokens=True) == text


def test_the_tokenizer_gives_what_the_model_takes(prepared: tuple[Any, Path]) -> None:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(prepared[1])
    assert set(tokenizer("hello")) == {"input_ids", "attention_mask"}
    assert tokenizer.model_max_length == 64


def test_another_kind_of_tokenizer_is_refused(tmp_path: Path) -> None:
    _write_gguf(tmp_path / "other.gguf", _tiny_llama(), pre="qwen2")
    with pytest.raises(MscKedroError, match=r"its tokenizer is \('gpt2', 'qwen2'\)"):
        gguf_to_safetensors(tmp_path, tmp_path / "out")


def test_no_gguf_file(tmp_path: Path) -> None:
    with pytest.raises(MscKedroError, match="holds 0 gguf files"):
        gguf_to_safetensors(tmp_path, tmp_path)


@pytest.mark.real
def test_the_embedded_language_model(model_folder: Callable[[str], Path]) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder = model_folder("language_model")
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    assert (tokenizer.bos_token_id, tokenizer.eos_token_id) == (1, 2)
    prompt = tokenizer("The capital of France is", return_tensors="pt")
    reply = model.generate(**prompt, max_new_tokens=3, do_sample=False)
    assert "Paris" in tokenizer.decode(reply[0])


def test_a_published_checkpoint_becomes_safetensors(tmp_path: Path) -> None:
    """With the names of weights that old torch gave its weight norm, as WavLM-Large has them."""
    import torch
    from transformers import WavLMConfig, WavLMModel

    config = WavLMConfig(
        hidden_size=8,
        intermediate_size=8,
        num_hidden_layers=1,
        num_attention_heads=2,
        conv_dim=(4,) * 7,
        num_conv_pos_embeddings=4,
        num_conv_pos_embedding_groups=2,
    )
    torch.manual_seed(0)
    network = WavLMModel(config)
    fetched, target = tmp_path / "fetched", tmp_path / "target"
    fetched.mkdir()
    target.mkdir()
    network.config.save_pretrained(fetched)
    old = {"parametrizations.weight.original0": "weight_g"} | {
        "parametrizations.weight.original1": "weight_v"
    }
    state = network.state_dict()
    for new, name in old.items():
        state = {key.replace(new, name): value for key, value in state.items()}
    assert any(key.endswith("weight_g") for key in state)
    torch.save(state, fetched / "pytorch_model.bin")
    checkpoint_to_safetensors(fetched, target)
    assert sorted(p.name for p in target.iterdir()) == ["config.json", "model.safetensors"]
    read = pretrained("WavLMModel", target, device="cpu")
    for name, value in network.state_dict().items():
        assert torch.equal(read.state_dict()[name], value), name


def test_a_published_checkpoint_with_code_in_it(tmp_path: Path) -> None:
    import pickle

    (tmp_path / "pytorch_model.bin").write_bytes(pickle.dumps(print))
    with pytest.raises(MscKedroError, match="was not opened"):
        checkpoint_to_safetensors(tmp_path, tmp_path / "target")
    assert not (tmp_path / "target").exists()
