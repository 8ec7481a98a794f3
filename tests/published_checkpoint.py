"""A small file of the layout in which MSenC's training saves its model."""

from __future__ import annotations

import copy

import torch
from toy_agent import AUDIO_WIDTH, VIDEO_WIDTH

WIDTH, KEYS = 32, 24


class QFormerOfTheirs(torch.nn.Module):
    def __init__(self, inputs, qformer, query):
        super().__init__()
        self.qformer, self.query = qformer, query
        self.feature_proj = torch.nn.Linear(inputs, KEYS, bias=False)
        self.out_proj = torch.nn.Linear(WIDTH, 32, bias=False)


def checkpoint(folder, *, shared=True, lora=True):
    """The published model: names, sharing and doubled prefixes as its training saves them."""
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM, Blip2QFormerConfig, Blip2QFormerModel

    torch.manual_seed(4)
    qformer = Blip2QFormerModel(
        Blip2QFormerConfig(
            hidden_size=WIDTH,
            num_hidden_layers=3,
            num_attention_heads=1,
            intermediate_size=4 * WIDTH,
            encoder_hidden_size=KEYS,
        )
    )
    query = torch.nn.Parameter(torch.randn(1, 5, WIDTH))
    other = qformer if shared else copy.deepcopy(qformer)
    if not shared:
        with torch.no_grad():
            other.layernorm.bias += 1
    language = AutoModelForCausalLM.from_pretrained(folder)
    whole = torch.nn.Module()
    whole.generator_model = language
    if lora:
        settings = LoraConfig(r=8, lora_alpha=32, target_modules=["q_proj", "v_proj"])
        whole.lora_model = get_peft_model(language, settings)
        whole.generator_mode = whole.lora_model.base_model.model
        for name, parameter in language.named_parameters():
            if "lora_B" in name:
                torch.nn.init.normal_(parameter, std=0.1)
    whole.video_q_former = QFormerOfTheirs(VIDEO_WIDTH, qformer, query)
    whole.audio_q_former = QFormerOfTheirs(AUDIO_WIDTH, other, query)
    return whole.eval()


def saved(whole, path):
    optimizer = {"state": {}, "param_groups": [{"lr": 5e-5, "params": [0]}]}
    torch.save({"model_state_dict": whole.state_dict(), "optimizer_state_dict": optimizer}, path)
    return path
