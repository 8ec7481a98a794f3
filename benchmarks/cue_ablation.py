"""Does the agent hear and see? Replies that hang on one cue, learned with and without it.

    python benchmarks/cue_ablation.py --out docs/cue-ablation.md

A small agent, language model and all, is trained from scratch on the corpus of cue_corpus.py, per
arm and seed, and then writes its replies greedily to dialogues it has not seen. Right is a reply
whose cue word is the right one; the voice description's cue word is counted beside it.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from cue_corpus import CHANCE, QUESTIONS, REVERSED, CueCorpus, make_corpus, words
from torch import Tensor, nn

from msc_kedro.agent.generate import Decoding, ReplyRequest, reply
from msc_kedro.agent.language_model import load_language_model
from msc_kedro.agent.model import Agent, SenseConfig
from msc_kedro.agent.qformer import QFormerConfig
from msc_kedro.dialogue.collate import Loader, UtteranceFeatures
from msc_kedro.dialogue.prompt import Modality, PromptStyle, dialogue_prompt
from msc_kedro.dialogue.turns import Dialogue
from msc_kedro.pipelines.agents import feature_loader
from msc_kedro.training.config import HistoryRow, TrainingConfig
from msc_kedro.training.loop import train

QFORMER = QFormerConfig(layers=2, width=64, heads=4, queries=4, key_value_width=64, dropout=0.0)
_REVERSED = ", frames reversed"
ALL: tuple[Modality, ...] = ("text", "audio", "video")


@dataclass(frozen=True)
class Arm:
    """One way to train: the modalities, whether frames are only averaged, and how far back."""

    name: str
    modalities: tuple[Modality, ...] = ALL
    mean_pooling: bool = False
    history: bool = True


ARMS = (
    Arm("text", ("text",)),
    Arm("text, audio", ("text", "audio")),
    Arm("text, video", ("text", "video")),
    Arm("all three"),
    Arm("all three, frames averaged", mean_pooling=True),
    Arm("all three, last utterance only", history=False),
)


class MeanPooling(nn.Module):
    """In the place of a Q-Former: the mean over frames, through one linear."""

    def __init__(self, input_width: int, queries: int, output_width: int, scale: float) -> None:
        super().__init__()
        self.queries = queries
        self.back = nn.Linear(input_width, queries * output_width)
        nn.init.normal_(self.back.weight, std=scale)
        nn.init.zeros_(self.back.bias)

    def forward(self, values: Tensor, _times_s: Tensor, mask: Tensor) -> Tensor:
        """Values [u, f, d_in], mask [u, f] -> [u, q, d_out]."""
        mean = (values * mask[..., None]).sum(1) / mask.sum(1, keepdim=True).clamp(min=1)
        made: Tensor = self.back(mean).unflatten(-1, (self.queries, -1))
        return made


def write_language_model(folder: Path, *, seed: int) -> None:
    """A small Llama with random weights, and a tokenizer of the corpus' words."""
    from tokenizers import Regex, Tokenizer, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    from msc_kedro.dialogue import prompt

    plain = " ".join((prompt._INSTRUCTION, prompt._TAG, *prompt._ORDER.values(), "A B ( )"))
    split = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(Regex(r"\w+|[^\w\s]+"), "removed", invert=True)]
    )
    known = {piece for piece, _ in split.pre_tokenize_str(plain)} | set(words())
    signs = ["<unk>", "<s>", "</s>", *sorted(known)]
    tokenizer = Tokenizer(models.WordLevel({sign: i for i, sign in enumerate(signs)}, "<unk>"))
    tokenizer.pre_tokenizer = split
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>", unk_token="<unk>"
    ).save_pretrained(folder)
    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=len(signs),
        hidden_size=128,
        intermediate_size=384,
        num_hidden_layers=4,
        num_attention_heads=4,
        num_key_value_heads=4,
        max_position_embeddings=1024,
        bos_token_id=1,
        eos_token_id=2,
    )
    LlamaForCausalLM(config).save_pretrained(folder)


def make_agent(folder: Path, arm: Arm, *, seed: int) -> Agent:
    """An agent of which everything is trained."""
    language = load_language_model(folder, dtype="float32", lora=None)
    language.network.requires_grad_(True)
    senses = {
        sense: SenseConfig(encoder_width=16, qformer=QFORMER)
        for sense in ("video", "audio")
        if sense in arm.modalities
    }
    agent = Agent(language, senses, seed=seed)
    if arm.mean_pooling:
        torch.manual_seed(seed)
        for sense in senses:
            agent.qformers[sense] = MeanPooling(
                16, QFORMER.queries, language.width, language.embedding_scale
            )
    return agent


def without_history(dialogues: Sequence[Dialogue]) -> list[Dialogue]:
    """Each reply as a dialogue of two turns: the last utterance, and the reply to it."""
    return [
        replace(one, dialogue_id=f"{one.dialogue_id}/{turn}", turns=one.turns[turn - 1 : turn + 1])
        for one in dialogues
        for turn in range(1, len(one.turns))
    ]


def answer(agent: Agent, arm: Arm, corpus: CueCorpus, load: Loader, *, told: str) -> pd.DataFrame:
    """A row per reply: dialogue, part, the right state, and what text and description named."""
    style = PromptStyle(arm.modalities)
    prompts = {
        one.dialogue_id: dialogue_prompt(one, tokens=agent.language.tokens, style=style)
        for one in corpus.dialogues
    }
    alone = {}
    if not arm.history:
        alone = {one.dialogue_id: one for one in without_history(corpus.dialogues)}
    requests = []
    for asked in corpus.asked:
        if arm.history:
            requests.append(ReplyRequest(prompts[asked.dialogue_id], asked.turn))
        else:
            short = alone[f"{asked.dialogue_id}/{asked.turn}"]
            prompt = dialogue_prompt(short, tokens=agent.language.tokens, style=style)
            requests.append(ReplyRequest(prompt, 1))
    written = reply(agent, requests, load, decoding=Decoding(max_new_tokens=24, batch_size=128))
    rows = []
    for asked, got in zip(corpus.asked, written, strict=True):
        text, description = got.text.split(), got.description.split()
        rows.append(
            {
                "arm": told,
                "dialogue_id": asked.dialogue_id,
                "part": asked.question.name,
                "sense": asked.question.sense,
                "state": asked.state,
                "said": _place(asked.question.answers, text[2:3]),
                "voiced": _place(asked.question.voices, description[1:2]),
            }
        )
    return pd.DataFrame(rows)


def _place(cues: Sequence[str], word: Sequence[str]) -> int:
    return cues.index(word[0]) if word and word[0] in cues else -1


def shuffled(load: Loader, names: Sequence[str], *, seed: int) -> Loader:
    """Every utterance gets the features of another one."""
    turned = np.random.default_rng(seed).permutation(len(names))
    other = {names[turned[i]]: names[turned[i - 1]] for i in range(len(names))}
    return lambda name: load(other[name])


def backwards(load: Loader) -> Loader:
    """Frames in the opposite order, at the times at which the others were."""

    def turned(name: str) -> UtteranceFeatures:
        found = load(name)
        video, audio = found.video, found.audio
        return replace(
            found,
            video=None if video is None else video[::-1].copy(),
            audio=None if audio is None else audio[::-1].copy(),
        )

    return turned


def interval(right: pd.Series, dialogues: pd.Series, *, draws: int = 2000) -> tuple[float, float]:
    """95 % percentile bootstrap of a mean; dialogues (of a seed) are drawn, with replacement."""
    grouped = right.groupby(dialogues).agg(["sum", "count"]).to_numpy(float)
    rng = np.random.default_rng(0)
    drawn = grouped[rng.integers(len(grouped), size=(draws, len(grouped)))].sum(axis=1)
    low, high = np.percentile(drawn[:, 0] / drawn[:, 1], [2.5, 97.5])
    return float(low), float(high)


def expected(arm: Arm, answers: pd.DataFrame) -> float | None:
    """Share right of a model that uses all it is given and guesses the rest."""
    if arm.mean_pooling:
        known = ~answers["part"].isin(("burst", "order"))
    elif not arm.history:
        known = ~answers["part"].str.endswith("before")
    else:
        known = answers["sense"].isin(arm.modalities)
    return float(np.where(known, 1.0, CHANCE).mean())


def table(answers: pd.DataFrame) -> str:
    """Markdown: a row per arm, a column per part."""
    parts = [question.name for question in QUESTIONS]
    lines = [
        "| arm | all | expected | " + " | ".join(parts) + " | voice, all |",
        "|" + "---|" * (len(parts) + 4),
    ]
    arms = {arm.name: arm for arm in ARMS}
    for told, rows in answers.groupby("arm", sort=False):
        right, voiced = rows["said"] == rows["state"], rows["voiced"] == rows["state"]
        drawn = rows["dialogue_id"] + " " + rows["seed"].astype(str)
        arm = arms.get(str(told))
        cells = [_cell(right, drawn), "" if arm is None else f"{expected(arm, rows):.3f}"]
        cells += [_cell(right[rows["part"] == p], drawn[rows["part"] == p]) for p in parts]
        lines.append(f"| {told} | " + " | ".join((*cells, _cell(voiced, drawn))) + " |")
    turned = answers[
        (answers["arm"] == "all three, reversed frames") & (answers["part"] == "order")
    ]
    if len(turned):
        mirrored = turned["state"].map(dict(enumerate(REVERSED)))
        share = float((turned["said"] == mirrored).mean())
        lines += ["", f"Reversed frames, order: {share:.3f} name the order in which they now come."]
    return "\n".join(lines)


def _cell(right: pd.Series, drawn: pd.Series) -> str:
    low, high = interval(right.astype(float), drawn)
    return f"{right.mean():.3f} ({low:.3f}-{high:.3f})"


def run(
    work: Path, *, seeds: int, dialogues: int, epochs: int, arms: Sequence[Arm] = ARMS,
    say: Callable[[str], None] = print,
) -> pd.DataFrame:  # fmt: skip
    """Train and test every arm with every seed; the answers of all, a row per reply."""
    made = []
    for seed in range(seeds):
        folder = work / str(seed)
        corpora = {
            split: make_corpus(folder / split, dialogues=count, turns=8, split=split, seed=seed)
            for split, count in (("train", dialogues), ("valid", 32), ("test", 150))
        }
        loaders = {name: feature_loader(one.pictures, one.sounds) for name, one in corpora.items()}

        def load(name: str, loaders: dict[str, Loader] = loaders) -> UtteranceFeatures:
            return loaders[name.split("-")[0]](name)

        write_language_model(folder / "model", seed=seed)
        config = TrainingConfig(
            epochs=epochs,
            token_budget=1600,
            learning_rate=2e-3,
            warmup_steps=50,
            eval_every_steps=100,
            seed=seed,
        )
        for arm in arms:
            began = time.perf_counter()
            agent = make_agent(folder / "model", arm, seed=seed)
            given = [corpora[split].dialogues for split in ("train", "valid")]
            if not arm.history:
                given = [without_history(one) for one in given]

            def progress(row: HistoryRow, steps: int, arm: Arm = arm, seed: int = seed) -> None:
                if row.valid_loss is not None:
                    told = "-" if row.train_loss is None else f"{row.train_loss:.3f}"
                    say(f"{arm.name} {seed} {row.step}/{steps} {told} {row.valid_loss:.3f}")

            train(
                agent,
                train_dialogues=given[0],
                valid_dialogues=given[1],
                load=load,
                config=replace(config, style=PromptStyle(arm.modalities)),
                progress=progress,
            )
            tested: dict[str, Loader] = {arm.name: load}
            if arm == Arm("all three"):
                names = [t.utterance_id for d in corpora["test"].dialogues for t in d.turns]
                tested |= {
                    f"{arm.name}{_REVERSED}": backwards(load),
                    f"{arm.name}, shuffled": shuffled(load, names, seed=seed),
                }
            for told, chosen in tested.items():
                found = answer(agent, arm, corpora["test"], chosen, told=told).assign(seed=seed)
                made.append(found)
                share = (found["said"] == found["state"]).mean()
                say(f"{told}, seed {seed}: {share:.3f}, {time.perf_counter() - began:.0f} s")
    return pd.concat(made)


def main() -> None:
    """Read the arguments, run, print and write the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--dialogues", type=int, default=600)
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--arms", nargs="*", help="names; all by default")
    parser.add_argument("--work", type=Path, help="for shards and models; a temporary folder")
    parser.add_argument("--out", type=Path, help="page to write the table to")
    given = parser.parse_args()
    arms = [arm for arm in ARMS if not given.arms or arm.name in given.arms]
    with tempfile.TemporaryDirectory() as temporary:
        answers = run(
            given.work or Path(temporary),
            seeds=given.seeds,
            dialogues=given.dialogues,
            epochs=given.epochs,
            arms=arms,
        )
    shown = table(answers)
    print(shown)
    if given.out:
        given.out.write_text(f"# Does it hear and see?\n\n{shown}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
