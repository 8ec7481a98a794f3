"""A checkpoint of MSenC's layout, written here at a small size."""

import pytest
import torch
from published_checkpoint import checkpoint, saved
from toy_agent import toy_dialogue, toy_features, write_language_model

from msc_kedro.agent.language_model import LoraSettings, load_language_model
from msc_kedro.dialogue.collate import features_of_packs
from msc_kedro.dialogue.prompt import PromptStyle
from msc_kedro.errors import MscKedroError
from msc_kedro.training.adapter import agent_of_adapter, load_adapter, save_adapter
from msc_kedro.training.msenc import AS_TRAINED, read_msenc

LORA = LoraSettings(rank=8, alpha=32, dropout=0.1, targets=("q_proj", "v_proj"))


def test_the_weights_are_theirs_and_the_agent_computes_as_theirs(language_folder, tmp_path):
    whole = checkpoint(language_folder)
    adapter = read_msenc(saved(whole, tmp_path / "10_epochs.tar"))
    assert adapter.config["compat"] == list(AS_TRAINED)
    assert adapter.lora == LORA
    assert not [name for name in adapter.state if name.startswith("audio.layers")]
    assert adapter.state["language.model.layers.0.self_attn.q_proj.lora_B.weight"].any()
    save_adapter(adapter, tmp_path / "adapter")

    language = load_language_model(language_folder, dtype="float32", lora=LORA)
    agent = agent_of_adapter(load_adapter(tmp_path / "adapter"), language)
    assert agent.qformers["audio"].layers is agent.qformers["video"].layers
    for sense in ("video", "audio"):
        theirs = getattr(whole, f"{sense}_q_former")
        frames = torch.randn(2, 6, theirs.feature_proj.in_features)
        with torch.no_grad():
            read = theirs.qformer(
                query_embeds=theirs.query.expand(2, -1, -1),
                encoder_hidden_states=theirs.feature_proj(frames),
            )
            expected = theirs.out_proj(read.last_hidden_state)
            found = agent.qformers[sense](frames, torch.zeros(2, 6), torch.ones(2, 6).bool())
        gap = (found - expected).norm() / expected.norm()
        assert gap < 0.02, sense  # matrices are kept in bfloat16
    ids = torch.randint(3, 100, (1, 9))
    with torch.no_grad():
        expected = whole.generator_model(ids).logits
        found = agent.network(ids).logits
    assert torch.allclose(found, expected, atol=0.05)


def test_it_answers(language_folder, tmp_path):
    adapter = read_msenc(saved(checkpoint(language_folder), tmp_path / "10_epochs.tar"))
    language = load_language_model(language_folder, dtype="float32", lora=adapter.lora)
    agent = agent_of_adapter(adapter, language)
    way = agent.arrangement
    prompt = way.prompt(toy_dialogue("d"), tokens=language.tokens, style=adapter.style)
    pack = way.pack(
        [way.reply_unit(prompt, 2, slots=agent.slots, history_tokens=400)], slots=agent.slots
    )
    assert pack.target_tokens == 200
    with torch.no_grad():
        loss = agent.loss(pack, features_of_packs([pack], toy_features))
    assert torch.isfinite(loss.total)


def test_two_q_formers_that_differ_are_not_shared(language_folder, tmp_path):
    whole = checkpoint(language_folder, shared=False)
    adapter = read_msenc(saved(whole, tmp_path / "a.tar"))
    assert "shared_qformer" not in adapter.config["compat"]
    assert (adapter.state["audio.norm.bias"] != adapter.state["video.norm.bias"]).any()


def test_a_frozen_language_model_and_one_sense(language_folder, tmp_path):
    path = saved(checkpoint(language_folder, lora=False), tmp_path / "a.tar")
    style = PromptStyle(modalities=("text", "audio"), target="text")
    adapter = read_msenc(path, style=style, compat=["shared_qformer"])
    assert adapter.lora is None and list(adapter.senses) == ["audio"]
    assert "audio.queries" in adapter.state
    language = load_language_model(language_folder, dtype="float32")
    assert agent_of_adapter(adapter, language).slots == {"audio": 5}


def test_another_base_model_is_refused(language_folder, tmp_path):
    adapter = read_msenc(saved(checkpoint(language_folder), tmp_path / "a.tar"))
    other = load_language_model(write_language_model(tmp_path / "o", seed=9), lora=adapter.lora)
    with pytest.raises(MscKedroError, match=r"trained on mistralai/Mistral-7B-v0\.1 \(fing"):
        agent_of_adapter(adapter, other)


def test_what_is_no_such_checkpoint_is_refused(tmp_path):
    with pytest.raises(MscKedroError, match="is no file"):
        read_msenc(tmp_path / "none.tar")
    torch.save({"weights": torch.ones(2)}, tmp_path / "a.tar")
    with pytest.raises(MscKedroError, match="no model_state_dict"):
        read_msenc(tmp_path / "a.tar")
    torch.save({"model_state_dict": {"x": torch.ones(2)}}, tmp_path / "a.tar")
    with pytest.raises(MscKedroError, match="no video_q_former"):
        read_msenc(tmp_path / "a.tar")


class Harmful:
    def __reduce__(self):
        return (print, ("opened",))


def test_a_pickle_that_runs_code_is_refused(tmp_path, capsys):
    torch.save({"model_state_dict": {}, "optimizer_state_dict": Harmful()}, tmp_path / "a.tar")
    with pytest.raises(MscKedroError, match="was not opened"):
        read_msenc(tmp_path / "a.tar")
    assert "opened" not in capsys.readouterr().out
