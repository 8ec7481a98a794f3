"""Attention by blocks is attention under the dense mask."""

import numpy as np
import pytest
import torch
from torch.nn.functional import scaled_dot_product_attention
from toy_agent import toy_dialogue, toy_features

from msc_kedro.agent.attention import mask_function, pack_attention, pack_layout
from msc_kedro.dialogue.collate import features_of_packs
from msc_kedro.dialogue.packing import attention_mask, make_pack
from msc_kedro.dialogue.prompt import PromptStyle, dialogue_prompt
from msc_kedro.dialogue.units import dialogue_units

SLOTS = {"video": 3, "audio": 2}
CPU = torch.device("cpu")


class Letters:
    bos_id = 1
    eos_id = 2

    def encode(self, text):
        return [ord(sign) for sign in text]


def pack_of(*lengths, window=False, tokens=None, slots=SLOTS):
    units = []
    for index, turns in enumerate(lengths):
        dialogue = toy_dialogue("d" * (index + 1), turns=turns)
        prompt = dialogue_prompt(dialogue, tokens=tokens or Letters(), style=PromptStyle())
        units += dialogue_units(
            prompt, slots=slots, token_budget=5000, history_tokens=200, window=window
        )
    return make_pack(units, slots=slots)


def states(length, *, heads=4, groups=2, dtype=torch.float32, seed=0):
    draw = torch.Generator().manual_seed(seed)
    shapes = [(1, heads, length, 8), *[(1, heads // groups, length, 8)] * 2]
    return [torch.randn(shape, generator=draw).to(dtype).requires_grad_() for shape in shapes]


@pytest.mark.parametrize("window", [False, True])
@pytest.mark.parametrize("lengths", [(2,), (6,), (4, 7, 2)])
def test_blocks_give_what_the_dense_mask_gives(lengths, window):
    pack = pack_of(*lengths, window=window)
    mask = torch.from_numpy(attention_mask(pack))
    query, key, value = states(len(mask))
    expected = scaled_dot_product_attention(
        query, key, value, attn_mask=mask[None, None], enable_gqa=True
    ).transpose(1, 2)
    found, _ = pack_attention(
        torch.nn.Identity(), query, key, value, None, layout=pack_layout(pack, CPU)
    )
    assert torch.allclose(found, expected, atol=1e-6)
    pull = torch.randn(found.shape, generator=torch.Generator().manual_seed(1))
    wanted = torch.autograd.grad(expected, [query, key, value], pull)
    got = torch.autograd.grad(found, [query, key, value], pull)
    for one, other in zip(got, wanted, strict=True):
        assert torch.allclose(one, other, atol=3e-6)


def test_in_bfloat16_it_is_as_exact_as_the_dense_mask():
    pack = pack_of(5, 3)
    mask = torch.from_numpy(attention_mask(pack))[None, None]
    exact = states(mask.shape[-1])
    rough = [state.detach().to(torch.bfloat16).requires_grad_() for state in exact]
    expected = scaled_dot_product_attention(*exact, attn_mask=mask, enable_gqa=True)
    dense = scaled_dot_product_attention(*rough, attn_mask=mask, enable_gqa=True)
    found, _ = pack_attention(torch.nn.Identity(), *rough, None, layout=pack_layout(pack, CPU))
    assert found.dtype == torch.bfloat16
    gap = (found.transpose(1, 2).float() - expected).norm() / expected.norm()
    assert gap < 1.5 * (dense.float() - expected).norm() / expected.norm() < 0.01


def test_no_mask_is_ever_made(make_agent, monkeypatch):
    agent = make_agent(stir=True)
    pack = pack_of(6, tokens=agent.language.tokens, slots=agent.slots)
    features = features_of_packs([pack], toy_features)
    expected = agent.target_logits(pack, features)
    monkeypatch.setattr("msc_kedro.agent.model.attention_mask", None)
    assert torch.equal(agent.target_logits(pack, features), expected)
    monkeypatch.undo()
    agent.takes_layouts = False  # as for a model that looks no attention up
    assert torch.allclose(agent.target_logits(pack, features), expected, atol=1e-4)


@pytest.mark.parametrize("window", [False, True])
def test_the_block_mask_for_cuda_is_the_dense_mask(window):
    pack = pack_of(6, 3, window=window)
    allowed = mask_function(pack, CPU)
    length = len(pack.token_ids)
    rows, columns = torch.meshgrid(torch.arange(length), torch.arange(length), indexing="ij")
    found = allowed(torch.tensor(0), torch.tensor(0), rows, columns)
    assert np.array_equal(found.numpy(), attention_mask(pack))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_flex_attention_gives_what_the_dense_mask_gives():
    pack = pack_of(4, 7, 2)
    cuda = torch.device("cuda")
    mask = torch.from_numpy(attention_mask(pack))[None, None].to(cuda)
    exact = [state.detach().to(cuda).requires_grad_() for state in states(mask.shape[-1])]
    expected = scaled_dot_product_attention(*exact, attn_mask=mask, enable_gqa=True)
    layout = pack_layout(pack, cuda)
    found, _ = pack_attention(torch.nn.Identity(), *exact, None, layout=layout)
    assert torch.allclose(found.transpose(1, 2), expected, atol=2e-3)
    pull = torch.randn_like(expected)
    wanted = torch.autograd.grad(expected, exact, pull)
    got = torch.autograd.grad(found.transpose(1, 2), exact, pull)
    for one, other in zip(got, wanted, strict=True):
        assert torch.allclose(one, other, atol=5e-3)
