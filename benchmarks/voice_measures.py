"""How well the measures of the voice and their levels agree with what was done to make the demo.

Part of voice_and_features.py (--voice). Reads a finished run over the demo (to `speaker_assign`)
and its truth.json, measures voices with `describe_voices`, and compares. What was done is taken
from the making, never from the sound that is measured:

- pitch and monotony: the plain voice's contour, moved and stretched as the turn states;
- pace: the phonemes of the script over the seconds that the plain voice speaks, at the stated rate,
  so a slow voice's 1.2 is what it comes to;
- reverberation and noise: C50 of the impulse response and the signal to noise ratio, both of what
  lies below 8 kHz. truth.json counts all that the video holds, up to 12 or 24 kHz, where there is
  mostly direct sound, for walls are dull, and a third to two thirds of white noise; everything
  here hears 16 kHz.

An utterance is compared with the turn that it covers; those that hold parts of several turns are
left out. Pitch is compared per speaker of a dialogue. Nothing here is fitted.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from msc_kedro.configuration import ProjectConfig
from msc_kedro.corpora.demo.acoustics import EARLY_S, ROOMS, coloured, impulse_response
from msc_kedro.datasets.models import ModelDataset
from msc_kedro.listening.sound import SAMPLE_RATE
from msc_kedro.settings import CONFIG_LOADER_ARGS
from msc_kedro.voice import bins
from msc_kedro.voice.manner import Speech

PROJECT = Path(__file__).parents[1]
PAUSE_S = 0.15  # what is longer is no speech
SILENT_DB = 40.0  # below the loudest
ERROR, DRAWS = 0.05, 100  # of pace: standard deviation in parts of it, and how often drawn
COVERED = 0.7  # of an utterance by its turn, and of the turn by the utterance


@dataclass(frozen=True)
class Made:
    """What a turn was made to be."""

    pitch_mean_hz: float
    pitch_std_hz: float
    spoken_s: float
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


def below_8_khz(samples: np.ndarray, sample_rate: int) -> float:
    """Energy of what is heard at 16 kHz."""
    power = np.abs(np.fft.rfft(samples, 1 << len(samples).bit_length())) ** 2
    hertz = np.fft.rfftfreq(2 * (len(power) - 1), 1 / sample_rate)
    return float(power[hertz < SAMPLE_RATE / 2].sum() / len(power))


def as_heard(dialogue: dict) -> tuple[float, float]:
    """C50 and signal to noise ratio below 8 kHz; speech is taken to lie there."""
    rate, noise = dialogue["sample_rate"], dialogue["noise"]
    response = impulse_response(ROOMS[dialogue["room"]["name"]], sample_rate=rate)
    early = round(EARLY_S * rate)
    c50 = 10 * np.log10(below_8_khz(response[:early], rate) / below_8_khz(response[early:], rate))
    sound = coloured(noise["colour"], 10 * rate, rate, np.random.default_rng(0))
    share = below_8_khz(sound, rate) / below_8_khz(sound, SAMPLE_RATE)
    return float(c50), noise["snr_db"] - float(10 * np.log10(share))


def make(truth: dict, seed: int) -> dict[tuple[str, int], Made]:
    """What every turn was made to be, by dialogue and number of the turn."""
    from msc_kedro.listening.rate import count_phonemes
    from msc_kedro.speaking.fundamental import fundamental
    from msc_kedro.speaking.world import HIGHEST_HZ, LOWEST_HZ, OUTERMOST_HZ

    voices = {"hibari": opener("voice_female").open(), "joe": opener("voice_male").open()}
    people = {one["name"]: one for one in truth["people"]}
    made = {}
    for dialogue in truth["dialogues"]:
        c50_db, snr_db = as_heard(dialogue)
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
            spoken = spoken_s(plain) * native / rate
            made[dialogue["name"], number] = Made(
                float(contour.mean()),
                float(contour.std()),
                spoken,
                count_phonemes(turn["text"]) / spoken,
                c50_db,
                snr_db,
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


def described(
    data: Path, version: str, work: Path, threads: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The `voice` table of the run, and its utterances with the names of their videos."""
    from msc_kedro.pipelines.describe.nodes import describe_voices
    from msc_kedro.pipelines.describe.parameters import DescribeParameters
    from msc_kedro.pipelines.parameters import EngineParameters

    def table(layer: str, name: str) -> pd.DataFrame:
        folder = data / layer / "demo" / f"{name}.parquet" / version
        return pd.read_parquet(folder / f"{name}.parquet")

    utterances, speakers = table("03_primary", "utterances"), table("03_primary", "speakers")
    folder = data / "02_intermediate" / "demo" / "sound" / version / "sound"
    voice, _, _ = describe_voices(
        utterances,
        speakers,
        table("03_primary", "dialogues"),
        {file.stem: file for file in sorted(folder.rglob("*.flac"))},
        opener("pitch_tracker"),
        opener("gender_classifier"),
        opener("room_meter"),
        None,
        None,
        work,
        DescribeParameters(
            measures=bins.MEASURES,
            words="v02",
            edges="published",
            writer="template",
            tries=1,
            temperature=1.0,
            seed=0,
            quality=False,
        ),
        EngineParameters(threads=threads, shard_utterances=64),
    )
    sources = table("02_intermediate", "sources").set_index("source_id")["path"]
    known = utterances.assign(video=[Path(sources[s]).stem for s in utterances["source_id"]])
    return voice, known.merge(speakers[["utterance_id", "speaker"]], on="utterance_id")


def compared(voice: pd.DataFrame, known: pd.DataFrame, truth: dict, seed: int) -> pd.DataFrame:
    """Per utterance the figures as made (`true_*`) and as measured (`seen_*`)."""
    from msc_kedro.listening.rate import count_phonemes

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
                "heard_words_true_time": count_phonemes(one.text) / turn.spoken_s,
                "true_words_heard_time": one.speaking_rate_phonemes_per_s
                * (turn.spoken_s * turn.speaking_rate_phonemes_per_s)
                / max(count_phonemes(one.text), 1),
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


def row(name: str, found: dict, error: float) -> str:
    """A row of the table of agreement."""
    return (
        f"| {name} | {found['n']} | {found['accuracy']:.2f} | {found['near']:.2f} | "
        f"{found['chance']:.2f} | {found['kappa']:.2f} | {error:.2f} |"
    )


def pace_apart(table: pd.DataFrame) -> list[str]:
    """Rows of pace with only its words or only its time as heard, and with an error drawn."""
    rate = "speaking_rate_phonemes_per_s"
    rows = table.dropna(subset=[f"seen_{rate}"])
    true = rows[f"true_{rate}"].to_numpy()
    errors = np.random.default_rng(0).normal(0, ERROR, (DRAWS, len(true)))
    shown = {
        "pace, its words known": rows["true_words_heard_time"].to_numpy(),
        "pace, its time known": rows["heard_words_true_time"].to_numpy(),
        f"pace as made with random errors of {ERROR:.0%}": (true * np.exp(errors)).ravel(),
    }
    lines = []
    for name, seen in shown.items():
        made = np.tile(true, len(seen) // len(true))
        levels = ([bins.level("pace", value) for value in side] for side in (made, seen))
        found = agreement(*levels, bins.words("pace")) | {"n": len(true)}
        lines.append(row(name, found, float(np.median(np.abs(seen - made)))))
    return lines


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
        lines.append(row(f"{measure}, {bins.unit(measure)}", found, error))
        words = bins.words(measure)
        grids += ["", f"{measure}: made (rows), measured (columns)", ""]
        grids += ["| | " + " | ".join(words) + " |", "|---|" + "--:|" * len(words)]
        for word, counts in zip(words, found["counts"], strict=True):
            grids.append(f"| {word} | " + " | ".join(map(str, counts)) + " |")
    lines += pace_apart(table)
    known = table.dropna(subset="seen_gender")
    right = (known["seen_gender"] == known["true_gender"]).mean()
    often = known["true_gender"].value_counts(normalize=True).max()
    lines.append(f"| gender | {len(known)} | {right:.2f} | | {often:.2f} | | |")
    return "\n".join([*lines, *grids])


def measured(
    data: Path, version: str, *, work: Path, threads: int, seed: int, table: Path | None
) -> str:
    """The figures of a run over the demo in Markdown; per utterance in a CSV, where asked for."""
    truth = json.loads((data / "01_raw" / "demo" / "truth.json").read_text(encoding="utf-8"))
    figures = compared(*described(data, version, work, threads), truth, seed)
    if table:
        figures.to_csv(table, index=False)
    return report(figures)
