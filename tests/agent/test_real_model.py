"""The embedded language model itself, with Q-Formers at their default size."""

import numpy as np
import pytest
import torch

from msc_kedro.dialogue.collate import UtteranceFeatures, features_of_packs
from msc_kedro.dialogue.packing import make_pack
from msc_kedro.dialogue.prompt import PromptStyle, dialogue_prompt
from msc_kedro.dialogue.turns import Dialogue, Turn
from msc_kedro.dialogue.units import dialogue_units

pytestmark = pytest.mark.real

TALK = Dialogue(
    "d",
    "train",
    (
        Turn("d-0", "A", "Did you turn the oven off before we left?", "A man speaks fast."),
        Turn("d-1", "B", "I think so, but now I am not sure.", "A woman speaks slowly."),
        Turn("d-2", "A", "Then we have to go back and look.", "A man speaks fast."),
    ),
)


def features(name):
    draw = np.random.default_rng(int(name[-1]))
    return UtteranceFeatures(
        video=draw.normal(size=(7, 1280)).astype(np.float16),
        times_s=np.arange(7, dtype=np.float32) / 3,
        audio=draw.normal(size=(120, 384)).astype(np.float16),
        audio_times_s=np.arange(120, dtype=np.float32) / 50,
    )


def test_the_embedded_model_reads_a_dialogue_and_learns(model_folder):
    from msc_kedro.agent.language_model import LoraSettings, load_language_model
    from msc_kedro.agent.model import Agent, SenseConfig
    from msc_kedro.agent.qformer import QFormerConfig

    language = load_language_model(model_folder("language_model"), lora=LoraSettings())
    senses = {
        "video": SenseConfig(1280, QFormerConfig()),
        "audio": SenseConfig(384, QFormerConfig()),
    }
    agent = Agent(language, senses, seed=0)
    tokens = language.tokens
    assert tokens.decode([tokens.eos_id]) == ""
    assert tokens.tokenizer.convert_ids_to_tokens(tokens.eos_id) == "<|im_end|>"

    def pack_of(style):
        prompt = dialogue_prompt(TALK, tokens=tokens, style=style)
        units = dialogue_units(prompt, slots=agent.slots, token_budget=512, history_tokens=400)
        return make_pack(units, slots=agent.slots)

    text_only = pack_of(PromptStyle(modalities=("text",)))
    with torch.no_grad(), agent.untrained():
        frozen = agent.loss(text_only, {})
    assert 2 < float(frozen.total) / frozen.tokens < 6  # a language model, not noise (ln V is 10.8)

    pack = pack_of(PromptStyle())
    batch = features_of_packs([pack], features)
    agent.eval()
    optimizer = torch.optim.AdamW(agent.trainable().values(), lr=1e-3)
    losses = []
    for _ in range(8):
        loss = agent.loss(pack, batch)
        mean = loss.total / loss.tokens
        mean.backward()
        optimizer.step()
        optimizer.zero_grad()
        losses.append(mean.item())
    assert losses[0] < float(frozen.total) / frozen.tokens + 2  # slots do not start out wild
    assert losses[-1] < losses[0] - 0.5
