"""QLoRA: as far as a machine without a GPU can tell, and on one that has it."""

import importlib.metadata
import importlib.util

import pytest
import torch
from toy_agent import toy_dialogue, write_language_model

from msc_kedro.agent import language_model
from msc_kedro.agent.language_model import LoraSettings, load_language_model, quantization_config
from msc_kedro.dialogue.packing import make_pack
from msc_kedro.dialogue.prompt import PromptStyle, dialogue_prompt
from msc_kedro.dialogue.units import reply_unit
from msc_kedro.errors import MscKedroError

HERE = importlib.util.find_spec("bitsandbytes") is not None


def test_without_a_gpu_it_is_refused_before_anything_is_loaded(tmp_path):
    with pytest.raises(
        MscKedroError, match=r"nf4 needs a CUDA device; found cpu.*quantize to null"
    ):
        load_language_model(tmp_path / "not there", quantize="nf4", device="cpu")


@pytest.mark.skipif(HERE, reason="bitsandbytes is installed")
def test_without_bitsandbytes_it_is_refused_before_anything_is_loaded(tmp_path):
    with pytest.raises(
        MscKedroError, match=r"bitsandbytes, which is not installed.*msc-kedro\[qlora"
    ):
        load_language_model(tmp_path / "not there", quantize="nf4", device="cuda")


def test_the_configuration_is_qloras(monkeypatch):
    known = importlib.metadata.version
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: name)
    monkeypatch.setattr(
        importlib.metadata, "version", lambda n: "0.50.2" if n == "bitsandbytes" else known(n)
    )
    made = quantization_config("cuda:0")
    assert made.load_in_4bit and made.bnb_4bit_quant_type == "nf4"
    assert made.bnb_4bit_use_double_quant and made.bnb_4bit_compute_dtype == torch.bfloat16


def test_it_reaches_transformers(monkeypatch, language_folder):
    """All but the quantising itself: what is asked for, and that nothing is moved afterwards."""
    import transformers

    asked = {}
    load = transformers.AutoModelForCausalLM.from_pretrained

    def from_pretrained(source, **given):
        asked.update(given)
        given = {k: v for k, v in given.items() if k not in ("quantization_config", "device_map")}
        model = load(source, **given)
        model.to = None  # moving a model of bitsandbytes raises
        return model

    monkeypatch.setattr(language_model, "quantization_config", lambda device: f"nf4 on {device}")
    monkeypatch.setattr(transformers.AutoModelForCausalLM, "from_pretrained", from_pretrained)
    found = load_language_model(
        language_folder, quantize="nf4", dtype="float32", lora=LoraSettings(), device="cuda:0"
    )
    assert asked["quantization_config"] == "nf4 on cuda:0"
    assert asked["device_map"] == {"": "cuda:0"} and asked["dtype"] == torch.bfloat16
    assert (found.quantize, found.dtype) == ("nf4", torch.bfloat16)
    assert all(p.dtype == torch.float32 for p in found.network.parameters() if p.requires_grad)


@pytest.mark.gpu
@pytest.mark.skipif(not (HERE and torch.cuda.is_available()), reason="needs CUDA and bitsandbytes")
def test_it_learns_on_a_gpu(tmp_path):
    from msc_kedro.agent.model import Agent

    folder = write_language_model(tmp_path, width=128)
    language = load_language_model(folder, quantize="nf4", lora=LoraSettings(), device="cuda")
    plain = load_language_model(folder, dtype="bfloat16", lora=LoraSettings(), device="cuda")
    assert language.fingerprint == plain.fingerprint
    agent = Agent(language, {}, seed=0)
    style = PromptStyle(modalities=("text",))
    prompt = dialogue_prompt(toy_dialogue("d"), tokens=language.tokens, style=style)
    pack = make_pack([reply_unit(prompt, 2, slots={}, history_tokens=None)], slots={})
    optimizer = torch.optim.AdamW(agent.trainable().values(), lr=1e-2)
    losses = []
    for _ in range(10):
        loss = agent.loss(pack, {})
        (loss.total / loss.tokens).backward()
        optimizer.step()
        optimizer.zero_grad()
        losses.append(float(loss.total.detach()))
    assert losses[-1] < losses[0]
    assert any("4bit" in type(m).__name__ for m in language.network.modules())
