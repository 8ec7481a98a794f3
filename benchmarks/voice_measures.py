"""How well the measures of the voice and their levels agree with what was done to make the demo.

    python benchmarks/voice_measures.py --data data --version 0-dvc --work data/.work --out TABLE.md

Reads a finished run over the demo (to `speaker_assign`) and its truth.json, measures voices with
`describe_voices`, and compares. What was done is taken from the making, never from the sound that
is measured:

- pitch and monotony: the plain voice's contour, moved and stretched as the turn states;
- pace: the phonemes of the script over the seconds that the plain voice speaks, at the stated rate;
- reverberation and noise: C50 of the impulse response and the signal to noise ratio.

An utterance is compared with the turn that it covers; those that hold parts of several turns are
left out. Pitch is compared per speaker of a dialogue. Nothing here is fitted.
"""

from __future__ import annotations

import argparse
import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from msc_kedro.configuration import ProjectConfig
from msc_kedro.datasets.models import ModelDataset
from msc_kedro.settings import CONFIG_LOADER_ARGS
from msc_kedro.voice import bins
from msc_kedro.voice.manner import Speech

PROJECT = Path(__file__).parents[1]
PAUSE_S = 0.15  # what voice activity parts speech at
SILENT_DB = 40.0  # below the loudest
COVERED = 0.7  # of an utterance by its turn, and of the turn by the utterance


@dataclass(frozen=True)
class Made:
    """What a turn was made to be."""

    pitch_mean_hz: float
    pitch_std_hz: float
    speaking_rate_phonemes_per_s: float
    c50_db: float
    snr_db: float
    gender: str
    speaker: str


def catalog() -> dict:
    """The catalog's model entries."""
    loader = ProjectConfig(str(PROJECT / "conf"), env="local", **CONFIG_LOADER_ARGS)
    return loader["catalog"]


def opener(name: str):
    """A model of the catalog."""
    entry = {k: v for k, v in catalog()[name].items() if k not in ("type", "metadata")}
    return ModelDataset(**entry).load()


def spoken_s(speech: Speech) -> float:
    """Seconds of sound, pauses left out."""
    frame = round(0.01 * speech.sample_rate)
    count = len(speech.samples) // frame
    power = np.mean(speech.samples[: count * frame].reshape(count, frame) ** 2, axis=1)
    loud = np.flatnonzero(power > power.max() * 10 ** (-SILENT_DB / 10))
    gaps = np.diff(loud) - 1
    return float((len(loud) + gaps[gaps * 0.01 <= PAUSE_S].sum()) * 0.01)


def make(truth: dict, seed: int) -> dict[tuple[str, int], Made]:
    """What every turn was made to be, by dialogue and number of the turn."""
    from msc_kedro.listening.rate import count_phonemes
    from msc_kedro.speaking.fundamental import fundamental
    from msc_kedro.speaking.world import HIGHEST_HZ, LOWEST_HZ, OUTERMOST_HZ

    voices = {"hibari": opener("voice_female").open(), "joe": opener("voice_male").open()}
    people = {one["name"]: one for one in truth["people"]}
    made = {}
    for dialogue in truth["dialogues"]:
        for number, turn in enumerate(dialogue["turns"]):
            person, voice = people[turn["speaker"]], voices[turn["base_voice"]]
            slowest, fastest = voice.native_rate
            rate = turn["rate"] * person["rate"]
            native = min(max(rate, slowest), fastest)
            plain = voice.plain(turn["text"], rate=native, seed=seed)
            f0, _ = fundamental(plain, frame_ms=5.0, lowest_hz=LOWEST_HZ, highest_hz=HIGHEST_HZ)
            logs = np.log(f0[f0 > 0])
            spread = turn["range"] * person["range"]
            shift = (turn["semitones"] + person["semitones"]) * np.log(2) / 12
            contour = np.median(logs) + spread * (logs - np.median(logs)) + shift
            contour = np.clip(np.exp(contour), *OUTERMOST_HZ)
            made[dialogue["name"], number] = Made(
                float(contour.mean()),
                float(contour.std()),
                count_phonemes(turn["text"]) / spoken_s(plain) * rate / native,
                dialogue["room"]["c50_db"],
                dialogue["noise"]["snr_db"],
                turn["gender"],
                turn["speaker"],
            )
    return made


def matched(utterances: pd.DataFrame, truth: dict) -> dict[str, tuple[str, int]]:
    """The turn that each utterance covers, by utterance id."""
    turns = {one["name"]: one["turns"] for one in truth["dialogues"]}
    found = {}
    for one in utterances.itertuples():
        for number, turn in enumerate(turns[one.video]):
            common = min(one.end_s, turn["end_s"]) - max(one.start_s, turn["start_s"])
            longest = max(one.end_s - one.start_s, turn["end_s"] - turn["start_s"])
            if common > COVERED * longest:
                found[one.utterance_id] = (one.video, number)
    return found


def agreement(true: Iterable[str], seen: Iterable[str], words: tuple[str, ...]) -> dict:
    """Accuracy, quadratic weighted kappa, accuracy by chance and the counts [true, seen]."""
    place = {word: number for number, word in enumerate(words)}
    counts = np.zeros((len(words), len(words)))
    for a, b in zip(true, seen, strict=True):
        counts[place[a], place[b]] += 1
    shares = counts / counts.sum()
    by_chance = np.outer(shares.sum(axis=1), shares.sum(axis=0))
    rank = np.arange(len(words))
    weights = (rank[:, None] - rank) ** 2
    expected = float((weights * by_chance).sum())
    return {
        "n": int(counts.sum()),
        "accuracy": float(np.trace(shares)),
        "chance": float(np.trace(by_chance)),
        "near": float(shares[weights <= 1].sum()),
        "kappa": 1 - float((weights * shares).sum()) / expected if expected else float("nan"),
        "counts": counts.astype(int),
    }


def described(arguments: argparse.Namespace) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The `voice` table of the run, and its utterances with the names of their videos."""
    from msc_kedro.pipelines.describe.nodes import describe_voices
    from msc_kedro.pipelines.describe.parameters import DescribeParameters
    from msc_kedro.pipelines.parameters import EngineParameters

    def table(layer: str, name: str) -> pd.DataFrame:
        folder = arguments.data / layer / "demo" / f"{name}.parquet" / arguments.version
        return pd.read_parquet(folder / f"{name}.parquet")

    utterances, speakers = table("03_primary", "utterances"), table("03_primary", "speakers")
    folder = arguments.data / "02_intermediate" / "demo" / "sound" / arguments.version / "sound"
    voice, _, _ = describe_voices(
        utterances,
        speakers,
        table("03_primary", "dialogues"),
        {file.stem: file for file in sorted(folder.rglob("*.flac"))},
        opener("pitch_tracker"),
        opener("gender_classifier"),
        opener("room_meter"),
        None,
        arguments.work,
        DescribeParameters(
            measures=bins.MEASURES,
            words="v02",
            edges="published",
            writer="template",
            tries=1,
            temperature=1.0,
            seed=0,
        ),
        EngineParameters(threads=arguments.threads, shard_utterances=64),
    )
    sources = table("02_intermediate", "sources").set_index("source_id")["path"]
    known = utterances.assign(video=[Path(sources[s]).stem for s in utterances["source_id"]])
    return voice, known.merge(speakers[["utterance_id", "speaker"]], on="utterance_id")


def compared(voice: pd.DataFrame, known: pd.DataFrame, truth: dict, seed: int) -> pd.DataFrame:
    """Per utterance the figures as made (`true_*`) and as measured (`seen_*`)."""
    made, turn_of = make(truth, seed), matched(known, truth)
    both = known.merge(voice, on="utterance_id")
    rows = []
    for one in both[both["utterance_id"].isin(turn_of)].itertuples():
        turn = made[turn_of[one.utterance_id]]
        rows.append(
            {
                "utterance_id": one.utterance_id,
                "video": one.video,
                "turn": turn_of[one.utterance_id][1],
                "person": (one.video, turn.speaker),
                **{f"true_{name}": value for name, value in vars(turn).items()},
                "seen_pitch_mean_hz": one.pitch_mean_hz,
                "seen_speaker_pitch_hz": one.speaker_pitch_hz,
                "seen_pitch_std_hz": one.pitch_std_hz,
                "seen_speaking_rate_phonemes_per_s": one.speaking_rate_phonemes_per_s,
                "seen_c50_db": one.c50_db,
                "seen_snr_db": one.snr_db,
                "seen_gender": one.gender,
            }
        )
    table = pd.DataFrame(rows)
    by_person = pd.DataFrame(
        [{"person": (name, t.speaker), "hz": t.pitch_mean_hz} for (name, _), t in made.items()]
    )
    table["true_speaker_pitch_hz"] = table["person"].map(by_person.groupby("person")["hz"].mean())
    return table


MEASURES = {
    "pitch": "speaker_pitch_hz",
    "monotony": "pitch_std_hz",
    "pace": "speaking_rate_phonemes_per_s",
    "reverberation": "c50_db",
    "noise": "snr_db",
}


def report(table: pd.DataFrame) -> str:
    """The figures in Markdown."""
    lines = [
        f"{len(table)} utterances of the demo that cover one turn each; pitch by speaker and "
        "dialogue. Levels and edges: data-speech v02.",
        "",
        "| measure | N | exact | at most one apart | chance | quadratic kappa | median error |",
        "|---|--:|--:|--:|--:|--:|--:|",
    ]
    grids = []
    for measure, column in MEASURES.items():
        rows = table.dropna(subset=[f"seen_{column}", "seen_gender"])
        if measure == "pitch":
            rows = rows.drop_duplicates(["person", "seen_speaker_pitch_hz"])
        gender = rows["true_gender"] if measure == "pitch" else [None] * len(rows)
        seen_gender = rows["seen_gender"] if measure == "pitch" else [None] * len(rows)
        true, seen = (
            [
                bins.level(measure, value, gender=g)
                for value, g in zip(rows[f"{side}_{column}"], genders, strict=True)
            ]
            for side, genders in (("true", gender), ("seen", seen_gender))
        )
        found = agreement(true, seen, bins.words(measure))
        error = (rows[f"seen_{column}"] - rows[f"true_{column}"]).abs().median()
        lines.append(
            f"| {measure} | {found['n']} | {found['accuracy']:.2f} | {found['near']:.2f} | "
            f"{found['chance']:.2f} | {found['kappa']:.2f} | {error:.2f} |"
        )
        words = bins.words(measure)
        grids += ["", f"{measure}: made (rows), measured (columns)", ""]
        grids += ["| | " + " | ".join(words) + " |", "|---|" + "--:|" * len(words)]
        for word, row in zip(words, found["counts"], strict=True):
            grids.append(f"| {word} | " + " | ".join(map(str, row)) + " |")
    right = (table["seen_gender"] == table["true_gender"]).mean()
    lines.append(f"| gender | {len(table)} | {right:.2f} | | | | |")
    return "\n".join([*lines, *grids]) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=PROJECT / "data")
    parser.add_argument("--version", default="0-dvc", help="of the tables that are read")
    parser.add_argument("--work", type=Path, required=True, help="where measures are kept")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=7, help="demo.seed")
    parser.add_argument("--table", type=Path, help="figures per utterance, CSV")
    parser.add_argument("--out", type=Path, help="the tables, Markdown")
    arguments = parser.parse_args()
    truth = json.loads((arguments.data / "01_raw" / "demo" / "truth.json").read_text())
    table = compared(*described(arguments), truth, arguments.seed)
    if arguments.table:
        table.to_csv(arguments.table, index=False)
    text = report(table)
    print(text)
    if arguments.out:
        arguments.out.write_text(text)


if __name__ == "__main__":
    main()
