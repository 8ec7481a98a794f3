"""How fast training is: the original's way, one sample per reply, and one history for many replies.

    python benchmarks/train_throughput.py --out docs/train-speed.md
    python benchmarks/train_throughput.py --device cuda --out docs/train-speed-h200.md

All arms learn the same made dialogues in one run, in turns, forward, backward and optimizer step,
Q-Formers included. On CUDA the models are of full size, with random weights made on the device from
the published settings (Mistral-7B-v0.1, BLIP-2's Q-Former): weights do not change the speed.

MFU is of useful work: positions that are no padding, read once. Per position 4 FLOP for each weight
of the frozen layers (2 forward, 2 for the gradient of the activations; a frozen weight has none of
its own), per pair of positions that attention looks at 12 for each layer and component (3 times 2
products), and per target 4 for each weight of the head. Recomputation, padding, LoRA and the
Q-Formers are left out, so that the true use is a little higher.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from msc_kedro.agent.attention import NAME
from msc_kedro.agent.language_model import LanguageModel, LoraSettings, add_lora
from msc_kedro.agent.model import Agent, SenseConfig
from msc_kedro.agent.qformer import QFormerConfig
from msc_kedro.dialogue.collate import UtteranceFeatures, features_of_packs
from msc_kedro.dialogue.packing import Pack, fill_packs, make_pack
from msc_kedro.dialogue.prompt import DialoguePrompt, PromptStyle, dialogue_prompt
from msc_kedro.dialogue.turns import Dialogue, Turn
from msc_kedro.dialogue.units import dialogue_units, pieces_length, reply_unit
from msc_kedro.training.config import TrainingConfig
from msc_kedro.training.optimizer import make_optimizer

HISTORY, REPLY = 80, 60  # positions that a turn takes in a history, and tokens of a reply
CAP, ROOM, BATCH = 800, 200, 6  # the original: prompt, target, samples of a step
PAPER_REPLIES = 24_711  # of an epoch; ten are learned
PEAKS = {"H200": 989e12, "H100": 989e12, "A100": 312e12}  # dense bfloat16, as published


@dataclass(frozen=True)
class Size:
    """One size of agent and data."""

    name: str
    language: dict[str, int]
    qformer: QFormerConfig
    widths: tuple[int, int]  # video, audio
    frames: tuple[int, int]  # of an utterance of 2.46 s, MSC's mean
    turns: int
    token_budget: int


SMALL = Size(
    name="small",
    language={
        "vocab_size": 4096,
        "hidden_size": 256,
        "intermediate_size": 688,
        "num_hidden_layers": 6,
        "num_attention_heads": 8,
        "num_key_value_heads": 4,
    },
    qformer=QFormerConfig(layers=4, width=256, heads=4, queries=9, dropout=0.0),
    widths=(512, 384),
    frames=(8, 123),
    turns=30,
    token_budget=6000,
)
FULL = Size(
    name="Mistral-7B-v0.1, BLIP-2",
    language={},  # the defaults of MistralConfig are v0.1's
    qformer=QFormerConfig(12, 768, 12, 32, 2, 1408, 0.0, False),
    widths=(512, 1024),
    frames=(8, 123),
    turns=30,
    token_budget=6000,
)


class Words:
    """Each word is a token."""

    bos_id, eos_id, stop_ids = 1, 2, frozenset([2])

    def encode(self, text: str) -> list[int]:
        return [3 + zlib.crc32(word.encode()) % 4000 for word in text.split()]


@dataclass
class Arm:
    """One way to learn the data: its passes, and what it reads."""

    name: str
    run: Callable[[], None]
    replies: int
    positions: int  # no padding
    pairs: float
    targets: int
    seconds: list[float] = field(default_factory=list)
    peak: int = 0


def main() -> None:
    """Measures and writes the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--dialogues", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--checkpointing", action="store_true", help="activation checkpointing")
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    size = FULL if given.device == "cuda" else SMALL
    tables = [measured(size, given, quantised=False)]
    if given.device == "cuda":
        tables.append(measured(size, given, quantised=True))
    page = page_of(size, given, tables)
    print(page)
    if given.out:
        given.out.write_text(page, encoding="utf-8")


def measured(size: Size, given: argparse.Namespace, *, quantised: bool) -> list[str]:
    """One table: each arm, in turns."""
    agent = agent_of(size, given.device, quantised=quantised)
    agent.prepare(checkpointing=given.checkpointing, compiled=given.compile)
    agent.train()
    arms = arms_of(agent, size, given.dialogues)
    for arm in arms:
        if given.device == "cuda":
            arm.run()  # compiles
        reset_peak(given.device)
        arm.run()
        arm.peak = peak(given.device)
    for _ in range(given.rounds):
        for arm in arms:
            began = time.perf_counter()
            arm.run()
            arm.seconds.append(time.perf_counter() - began)
            print(f"{arm.name}: {arm.seconds[-1]:.1f} s", file=sys.stderr, flush=True)
    return table_of(agent, arms, given.device, quantised=quantised)


def arms_of(agent: Agent, size: Size, count: int) -> list[Arm]:
    """The arms over `count` dialogues."""
    draw = np.random.default_rng(0)
    slots = agent.slots
    said = HISTORY - 3 - sum(slots.values())  # "### Speaker A:" is three words
    described = REPLY - 1 - said
    features: dict[str, UtteranceFeatures] = {}
    prompts: list[DialoguePrompt] = []
    for number in range(count):
        turns = tuple(
            Turn(
                f"{number}-{turn}",
                "AB"[turn % 2],
                " ".join(f"w{draw.integers(999)}" for _ in range(said)),
                # Its bracket joins it to the last word of the text.
                " ".join("slow" for _ in range(described + 1)) if described > 0 else "",
            )
            for turn in range(size.turns)
        )
        for turn in turns:
            video, audio = (
                draw.normal(size=(frames, width)).astype(np.float16)
                for frames, width in zip(size.frames, size.widths, strict=True)
            )
            seen, heard = np.arange(len(video)) / 3, np.arange(len(audio)) / 50
            features[turn.utterance_id] = UtteranceFeatures(video, seen, audio, heard)
        dialogue = Dialogue(str(number), "train", turns)
        prompts.append(dialogue_prompt(dialogue, tokens=Words(), style=PromptStyle()))
    assert pieces_length(prompts[0].turns[0], slots) == HISTORY, "a turn in the history"
    assert len(prompts[0].targets[1].ids) == REPLY, "a reply"
    load = features.__getitem__
    budget = size.token_budget

    def whole(window: bool) -> list[Pack]:
        units = [
            unit
            for prompt in prompts
            for unit in dialogue_units(
                prompt, slots=slots, token_budget=budget, history_tokens=CAP, window=window
            )
        ]
        return packs_of(units)

    def single(history: int | None) -> list[Pack]:
        units = [
            reply_unit(prompt, turn, slots=slots, history_tokens=history)
            for prompt in prompts
            for turn in range(1, size.turns)
        ]
        return packs_of(units)

    def packs_of(units: Sequence[Any]) -> list[Pack]:
        filled = fill_packs(units, token_budget=budget)
        return [make_pack([units[i] for i in pack], slots=slots) for pack in filled]

    optimizer = make_optimizer(agent.trainable(), TrainingConfig())

    def learn(packs: Sequence[Pack]) -> Callable[[], None]:
        def run() -> None:
            for pack in packs:
                loss = agent.loss(pack, features_of_packs([pack], load))
                (loss.total / loss.tokens).backward()
                optimizer.step()
                optimizer.zero_grad()
            synchronise(agent)

        return run

    def arm(name: str, packs: Sequence[Pack]) -> Arm:
        return Arm(
            name,
            learn(packs),
            replies=sum(len(pack.branches) for pack in packs),
            positions=sum(len(pack.token_ids) for pack in packs),
            pairs=sum(pairs_of(pack) for pack in packs),
            targets=sum(pack.target_tokens for pack in packs),
        )

    capped = [
        make_pack([reply_unit(prompt, turn, slots=slots, history_tokens=CAP)], slots=slots)
        for prompt in prompts
        for turn in range(1, size.turns)
    ]

    def original() -> None:
        for start in range(0, len(capped), BATCH):
            original_loss(agent, capped[start : start + BATCH], load).backward()
            optimizer.step()
            optimizer.zero_grad()
        synchronise(agent)

    made = arm(f"the original's way (history of {CAP})", capped)
    made.run = original
    return [
        made,
        arm(f"per reply, history of {CAP}", single(CAP)),
        arm("per reply, whole history", single(None)),
        arm("packed, whole history", whole(window=False)),
        arm(f"packed, each reply sees {CAP}", whole(window=True)),
    ]


def original_loss(agent: Agent, packs: Sequence[Pack], load: Any) -> torch.Tensor:
    """The original's step: padded, with all logits, and one utterance to a Q-Former's call."""
    device, language = agent.device, agent.language
    rows, labels = [], []
    mask = torch.zeros(len(packs), CAP + ROOM, dtype=torch.long, device=device)
    with agent.autocast():
        for row, pack in enumerate(packs):
            vectors = {}
            for sense in agent.senses:
                for name in pack.utterances_with(sense):
                    found = load(name)
                    values = found.video if sense == "video" else found.audio
                    shown = torch.from_numpy(values).float().to(device)[None]
                    times = torch.zeros(shown.shape[:2], device=device)
                    full = torch.ones(shown.shape[:2], dtype=torch.bool, device=device)
                    vectors[sense, name] = agent.qformers[sense](shown, times, full)[0]
            target = pack.branches[0].target_start
            ids = torch.as_tensor(pack.token_ids, device=device)
            prompt = language.embed(ids[:target]).clone()
            for place in range(target):
                if (kind := pack.slot_sense[place]) >= 0:
                    sense = ("video", "audio")[kind]
                    name = pack.utterance_ids[pack.slot_utterance[place]]
                    made = vectors[sense, name][pack.slot_query[place]]
                    prompt[place] = made.to(prompt.dtype)
            said = torch.full((ROOM,), Words.eos_id, device=device)
            said[: len(ids) - target] = ids[target:]
            empty = prompt.new_zeros(CAP - target, prompt.shape[1])
            rows.append(torch.cat([prompt, empty, language.embed(said)]))
            labels.append(torch.cat([said.new_full((CAP,), -100), said]))
            mask[row, :target] = 1
            mask[row, CAP:] = 1
        output = agent.network(
            inputs_embeds=torch.stack(rows),
            attention_mask=mask,
            labels=torch.stack(labels),
            use_cache=False,
        )
    loss: torch.Tensor = output.loss
    return loss


def agent_of(size: Size, device: str, *, quantised: bool) -> Agent:
    """An agent of random weights, made on the device."""
    from transformers import LlamaConfig, LlamaForCausalLM, MistralConfig, MistralForCausalLM

    torch.manual_seed(0)
    dtype = torch.bfloat16 if device == "cuda" else torch.float32
    kind, settings = (
        (LlamaForCausalLM, LlamaConfig(max_position_embeddings=8192, **size.language))
        if size.language
        else (MistralForCausalLM, MistralConfig())
    )
    settings._attn_implementation = "sdpa"
    torch.set_default_dtype(dtype)
    with torch.device(device):
        model = kind(settings)
    torch.set_default_dtype(torch.float32)
    model.requires_grad_(False)
    if quantised:
        quantise(model)
    lora = LoraSettings(dropout=0.0)
    network = add_lora(model, lora, 0).to(device)
    language = LanguageModel(network, Words(), size.name, "", lora, dtype)  # type: ignore[arg-type]
    video, audio = (SenseConfig(width, size.qformer) for width in size.widths)
    agent = Agent(language, {"video": video, "audio": audio}, seed=0)
    assert agent.takes_layouts and network.config._attn_implementation == NAME
    return agent


def quantise(model: Any) -> None:
    """The layers' linears in NF4, as bitsandbytes loads them, one at a time."""
    import bitsandbytes as bnb

    for layer in model.model.layers:
        for part in (layer.self_attn, layer.mlp):
            for name, linear in list(part.named_children()):
                if not isinstance(linear, torch.nn.Linear):
                    continue
                made = bnb.nn.Linear4bit(
                    linear.in_features,
                    linear.out_features,
                    bias=False,
                    compute_dtype=torch.bfloat16,
                    compress_statistics=True,
                    quant_type="nf4",
                )
                made.weight = bnb.nn.Params4bit(
                    linear.weight.data.cpu(),
                    requires_grad=False,
                    compress_statistics=True,
                    quant_type="nf4",
                )
                setattr(part, name, made.cuda())
    torch.cuda.empty_cache()


def pairs_of(pack: Pack) -> float:
    """Pairs of positions that attention has to look at."""
    total = 0.0
    for segment in pack.segments:
        own = segment.stop - segment.start
        total += own * (own + 1) / 2 + own * sum(last - first for first, last in segment.sees)
    return total


def useful_flops(agent: Agent, arm: Arm) -> float:
    """Of one pass over the data; the formula stands at the top."""
    config = agent.network.config
    width = config.hidden_size
    head_width = getattr(config, "head_dim", None) or width // config.num_attention_heads
    keys = config.num_key_value_heads * head_width
    queries = config.num_attention_heads * head_width
    layer = 2 * width * (queries + keys) + 3 * width * config.intermediate_size
    return (
        4.0 * config.num_hidden_layers * layer * arm.positions
        + 12.0 * config.num_hidden_layers * queries * arm.pairs
        + 4.0 * width * config.vocab_size * arm.targets
    )


def peak_flops(device: str, dtype: torch.dtype) -> tuple[float, str]:
    """FLOP/s of this machine: published, or the best of some products of matrices."""
    if device == "cuda":
        name = torch.cuda.get_device_name()
        for key, found in PEAKS.items():
            if key in name:
                return found, f"{found / 1e12:.0f} TFLOP/s, published"
    side = 8192 if device == "cuda" else 1536
    left = torch.randn(side, side, device=device).to(dtype)
    best = 0.0
    for _ in range(5):
        began = time.perf_counter()
        left @ left
        if device == "cuda":
            torch.cuda.synchronize()
        best = max(best, 2 * side**3 / (time.perf_counter() - began))
    return best, f"{best / 1e9:.0f} GFLOP/s, measured on products of matrices"


def reset_peak(device: str) -> None:
    """Begins to measure memory anew."""
    if device == "cuda":
        torch.cuda.reset_peak_memory_stats()
    else:
        Path("/proc/self/clear_refs").write_text("5")


def peak(device: str) -> int:
    """Bytes at most since then."""
    if device == "cuda":
        return int(torch.cuda.max_memory_allocated())
    status = Path("/proc/self/status").read_text().splitlines()
    return 1024 * int(next(line.split()[1] for line in status if line.startswith("VmHWM")))


def synchronise(agent: Agent) -> None:
    """Waits for the device."""
    if agent.device.type == "cuda":
        torch.cuda.synchronize()


def table_of(agent: Agent, arms: Sequence[Arm], device: str, *, quantised: bool) -> list[str]:
    """Markdown lines."""
    best, how = peak_flops(device, agent.language.dtype)
    base = next(arm for arm in arms if arm.name == "per reply, whole history")
    lines = [
        f"## {'QLoRA' if quantised else 'LoRA'}, {str(agent.language.dtype)[6:]}",
        "",
        "| arm | replies/s | times per reply, whole history | useful positions/s | MFU "
        "| peak memory | positions a reply | useful GFLOP a reply |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for arm in arms:
        seconds = statistics.median(arm.seconds)
        flops = useful_flops(agent, arm)
        ratio = statistics.median(
            b / a * arm.replies / base.replies
            for a, b in zip(arm.seconds, base.seconds, strict=True)
        )
        lines.append(
            f"| {arm.name} | {arm.replies / seconds:.2f} | {ratio:.2f} "
            f"| {arm.positions / seconds:,.0f} | {100 * flops / seconds / best:.0f} % "
            f"| {arm.peak / 2**30:.1f} GiB | {arm.positions / arm.replies:.0f} "
            f"| {flops / arm.replies / 1e9:.2f} |"
        )
    by_name = {arm.name: arm for arm in arms}
    capped, packed = by_name[f"per reply, history of {CAP}"], by_name["packed, whole history"]
    bound = useful_flops(agent, capped) / useful_flops(agent, packed)
    took = statistics.median(a / b for a, b in zip(capped.seconds, packed.seconds, strict=True))
    hours = 10 * PAPER_REPLIES / packed.replies * statistics.median(packed.seconds) / 3600
    lines += [
        "",
        f"Packed with the whole history is {took:.1f} times as fast as one sample per reply with a "
        f"history of {CAP}; the arithmetic bound of that (useful FLOP of the one by the other's) "
        f"is {bound:.1f}. Peak of the machine: {how}.",
    ]
    if device == "cuda":
        lines.append(f"Ten epochs over MSC ({PAPER_REPLIES:,} replies), packed: {hours:.2f} hours.")
    return lines


def page_of(size: Size, given: argparse.Namespace, tables: list[list[str]]) -> str:
    """The whole page."""
    explained = "\n\n".join((__doc__ or "").strip().split("\n\n")[2:])
    where = torch.cuda.get_device_name() if given.device == "cuda" else "CPU"
    lines = [
        "# Speed of training",
        "",
        f"By `benchmarks/train_throughput.py --device {given.device}` on {where}, {given.threads} "
        f"threads, torch {torch.__version__}: {size.name} agent, {given.dialogues} dialogue(s) of "
        f"{size.turns} turns, {HISTORY} positions of a turn in a history, {REPLY} tokens a reply, "
        f"{size.frames[0]} frames and {size.frames[1]} vectors of sound each; median of "
        f"{given.rounds} rounds in which the arms take turns.",
        "",
        explained,
    ]
    for table in tables:
        lines += ["", *table]
    if given.device == "cpu":
        lines += [
            "",
            "## On CUDA",
            "",
            "LoRA and QLoRA of Mistral-7B with BLIP-2's Q-Formers: not measured, there was no GPU. "
            "`--device cuda` measures them.",
        ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
