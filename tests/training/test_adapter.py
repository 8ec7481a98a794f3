import json

import pytest
import torch
from toy_agent import toy_dialogue, toy_features, write_language_model

from msc_kedro.agent.language_model import LoraSettings, load_language_model
from msc_kedro.dialogue.collate import features_of_packs
from msc_kedro.dialogue.packing import make_pack
from msc_kedro.dialogue.prompt import PromptStyle, dialogue_prompt
from msc_kedro.dialogue.units import reply_unit
from msc_kedro.errors import MscKedroError
from msc_kedro.training.adapter import (
    Adapter,
    agent_of_adapter,
    is_multiplied,
    load_adapter,
    make_adapter,
    save_adapter,
)

STYLE = PromptStyle(modalities=("text", "audio", "video"))


@pytest.fixture
def saved(make_agent, tmp_path):
    agent = make_agent(stir=True).eval()
    save_adapter(make_adapter(agent, STYLE, agent.trainable_state()), tmp_path / "one")
    return agent, tmp_path / "one"


def test_the_agent_comes_back_whole(saved, language_folder):
    agent, folder = saved
    adapter = load_adapter(folder)
    language = load_language_model(language_folder, dtype="float32", lora=adapter.lora)
    again = agent_of_adapter(adapter, language, encoder_widths={"video": 6, "audio": 5})
    assert adapter.style == STYLE
    prompt = dialogue_prompt(toy_dialogue("d"), tokens=language.tokens, style=adapter.style)
    pack = make_pack(
        [reply_unit(prompt, 2, slots=again.slots, history_tokens=None)], slots=again.slots
    )
    features = features_of_packs([pack], toy_features)
    assert torch.equal(again.target_logits(pack, features), agent.target_logits(pack, features))


def test_the_same_adapter_is_the_same_bytes(saved, tmp_path):
    _, folder = saved
    save_adapter(load_adapter(folder), tmp_path / "two")
    for name in ("adapter.json", "adapter.safetensors"):
        assert (tmp_path / "two" / name).read_bytes() == (folder / name).read_bytes()
    size = (folder / "adapter.safetensors").stat().st_size
    assert size < 200_000  # the base model is not in it


def test_another_base_model_is_refused(saved, tmp_path):
    adapter = load_adapter(saved[1])
    for kwargs, match in (
        ({"width": 48}, r"width 32\); found .* \(width 48"),
        ({"seed": 3}, "fing"),
    ):
        folder = write_language_model(tmp_path / match[:5], **kwargs)
        language = load_language_model(folder, dtype="float32", lora=adapter.lora)
        with pytest.raises(MscKedroError, match=match):
            agent_of_adapter(adapter, language)


def test_another_encoder_is_refused(saved, language_folder):
    adapter = load_adapter(saved[1])
    language = load_language_model(language_folder, lora=adapter.lora)
    with pytest.raises(MscKedroError, match=r"audio features 5 wide; found 1024.*featurize"):
        agent_of_adapter(adapter, language, encoder_widths={"audio": 1024})


def test_another_encoder_of_the_same_width_is_refused(make_agent, language_folder):
    agent = make_agent()
    made = {"video": "clip 1a2b 3.0/s", "audio": "wavlm 9f"}
    adapter = make_adapter(agent, STYLE, agent.trainable_state(), encoders=made)
    language = load_language_model(language_folder, dtype="float32", lora=adapter.lora)
    agent_of_adapter(adapter, language, encoders=made)
    with pytest.raises(MscKedroError, match=r"encoder wavlm 9f; found those of whisper 7c.*feat"):
        agent_of_adapter(adapter, language, encoders={**made, "audio": "whisper 7c"})


def test_in_bfloat16_nothing_of_use_is_lost(make_agent, language_folder):
    """Matrices are multiplied in it anyway: the saved ones give the same logits, bit by bit."""
    agent = make_agent(stir=True, dtype="bfloat16").eval()
    adapter = make_adapter(agent, STYLE, agent.trainable_state())
    kinds = {name: tensor.dtype for name, tensor in adapter.state.items()}
    assert kinds["video.layers.0.widen.weight"] == torch.bfloat16
    assert kinds["video.queries"] == kinds["video.norm.weight"] == torch.float32
    assert kinds["language.model.layers.0.self_attn.q_proj.lora_A.weight"] == torch.bfloat16
    language = load_language_model(language_folder, dtype="bfloat16", lora=adapter.lora)
    again = agent_of_adapter(adapter, language)
    assert all(p.dtype == torch.float32 for p in again.trainable().values())
    prompt = dialogue_prompt(toy_dialogue("d"), tokens=language.tokens, style=STYLE)
    unit = reply_unit(prompt, 2, slots=agent.slots, history_tokens=None)
    pack = make_pack([unit], slots=agent.slots)
    features = features_of_packs([pack], toy_features)
    with torch.no_grad():
        assert torch.equal(again.target_logits(pack, features), agent.target_logits(pack, features))


def test_an_adapter_of_the_papers_size_is_under_450_megabytes():
    """By shapes alone: two Q-Formers of BLIP-2's shape, and LoRA on Mistral-7B-v0.1."""
    from transformers import MistralConfig, MistralForCausalLM

    from msc_kedro.agent.blip2 import blip2_shape
    from msc_kedro.agent.language_model import add_lora
    from msc_kedro.agent.qformer import QFormer

    with torch.device("meta"):
        base = MistralForCausalLM(MistralConfig(sliding_window=4096))
        network = add_lora(base, LoraSettings(), seed=0)
        made = {
            f"{sense}.{name}": tensor
            for sense, width in (("video", 512), ("audio", 1024))
            for name, tensor in QFormer(
                blip2_shape(), input_width=width, output_width=4096, output_scale=0.02
            ).named_parameters()
        }
    made |= {n: p for n, p in network.named_parameters() if "lora_" in n}
    assert sum(p.numel() for n, p in made.items() if "lora_" in n) == 32 * 8 * (8192 + 5120)
    size = sum(p.numel() * (2 if is_multiplied(n, p) else 4) for n, p in made.items())
    assert 430e6 < size < 450e6
    assert sum(p.numel() for p in base.parameters()) > 7e9  # and the base model is not in it


def test_other_lora_settings_are_refused(saved, language_folder):
    adapter = load_adapter(saved[1])
    language = load_language_model(language_folder, lora=LoraSettings(rank=4))
    with pytest.raises(MscKedroError, match="rank=4"):
        agent_of_adapter(adapter, language)


def test_a_folder_without_an_adapter_is_refused(tmp_path):
    with pytest.raises(MscKedroError, match="kedro run --pipeline train"):
        load_adapter(tmp_path)


def test_another_prompt_version_is_refused(saved):
    settings = saved[1] / "adapter.json"
    found = json.loads(settings.read_text()) | {"prompt_version": 0}
    settings.write_text(json.dumps(found))
    with pytest.raises(MscKedroError, match="prompt_version is 0, this program reads 1"):
        load_adapter(saved[1])


def test_a_fingerprint_is_of_settings_and_tensors(saved):
    _, folder = saved
    one, again = load_adapter(folder), load_adapter(folder)
    assert one.fingerprint == again.fingerprint
    name = sorted(again.state)[0]
    moved = {**again.state, name: again.state[name] + 1e-3}
    plain = {**again.config, "style": {"modalities": ["text"], "target": "text"}}
    others = {Adapter(again.config, moved).fingerprint, Adapter(plain, again.state).fingerprint}
    assert len({one.fingerprint, *others}) == 3
