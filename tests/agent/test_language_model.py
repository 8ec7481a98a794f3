import pytest
import torch
from toy_agent import write_language_model

from msc_kedro.agent.language_model import LoraSettings, load_language_model
from msc_kedro.errors import MscKedroError


def test_the_models_configuration_names_the_end_mark(language_folder):
    tokens = load_language_model(language_folder, dtype="float32").tokens
    assert tokens.tokenizer.eos_token_id == 1  # wrong, as in the embedded model's files
    assert (tokens.bos_id, tokens.eos_id) == (1, 2)
    assert tokens.stop_ids == {2}


def test_pieces_carry_no_special_tokens(language_folder):
    tokens = load_language_model(language_folder, dtype="float32").tokens
    ids = tokens.encode("Hi you")
    assert len(ids) == 6 and not {0, 1, 2} & set(ids)
    assert tokens.decode([*ids, 2]) == "Hi you"


def test_only_lora_is_trained_and_in_float32(language_folder):
    model = load_language_model(language_folder, dtype="bfloat16", lora=LoraSettings())
    trained = {n: p for n, p in model.network.named_parameters() if p.requires_grad}
    assert len(trained) == 8  # A and B of q and v in two layers
    assert all("lora_" in name and p.dtype == torch.float32 for name, p in trained.items())
    frozen = [p for p in model.network.parameters() if not p.requires_grad]
    assert all(p.dtype == torch.bfloat16 for p in frozen)


def test_lora_starts_the_same_for_the_same_seed(language_folder):
    def weights(seed):
        network = load_language_model(
            language_folder, dtype="float32", lora=LoraSettings(), seed=seed
        ).network
        return torch.cat([p.flatten() for p in network.parameters() if p.requires_grad])

    assert torch.equal(weights(0), weights(0))
    assert not torch.equal(weights(0), weights(1))


def test_the_fingerprint_is_the_models_not_the_folders(language_folder, tmp_path):
    one = load_language_model(language_folder, dtype="float32")
    same = load_language_model(language_folder, dtype="bfloat16", lora=LoraSettings())
    other = load_language_model(write_language_model(tmp_path, seed=7), dtype="float32")
    assert one.fingerprint == same.fingerprint != other.fingerprint


def test_a_folder_without_a_model_is_refused(tmp_path):
    with pytest.raises(MscKedroError, match="no language model could be loaded"):
        load_language_model(tmp_path)


def test_lora_on_layers_that_are_not_there_is_refused(language_folder):
    with pytest.raises(MscKedroError, match=r"no layers named \['c_attn'\]"):
        load_language_model(language_folder, lora=LoraSettings(targets=("c_attn",)))
