"""A run as large as the demo, made up: tables that satisfy their schemas, tones for speech."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

from msc_kedro import tables
from msc_kedro.report.audio import encode_audio
from msc_kedro.report.contents import Features, Metric, ModelUse, ReportContents, StageTime
from msc_kedro.report.gather import choose_examples
from msc_kedro.report.listen import choose_clips
from msc_kedro.voice import bins

if TYPE_CHECKING:
    from msc_kedro.report.contents import Audio

LINES = (
    "Did you find the keys, or are we still locked out?",
    "I looked everywhere. They are not in the car.",
    "Wait, what about the blue bag? You had it this morning.",
    "Oh no. I left it on the bus!",
    "All right, breathe. We call the bus company, they are open until six.",
    "You are right. Thank you for not being angry with me.",
    "How could I be angry? It is only a bag.",
    "It had my grandmother's ring in it.",
)


def tone(pitch_hz: float, length_s: float) -> Audio:
    time = np.arange(int(16_000 * length_s)) / 16_000
    wave = 0.2 * np.sin(2 * np.pi * pitch_hz * time) * (0.6 + 0.4 * np.sin(9 * time))
    return encode_audio(wave.astype(np.float32), 16_000)


def made_up(n_sources: int = 8, turns: int = 8, seed: int = 3) -> ReportContents:
    """A full run on `n_sources` videos of two dialogues each."""
    rng = np.random.default_rng(seed)
    sources, dialogues, utterances, speakers, voice = [], [], [], [], []
    for s in range(n_sources):
        source = f"{s:02d}f3ac91e7"
        sources.append(
            (source, f"kitchen/talk_{s:02d}.mp4", 95.0, True, True, 512, 512, 25.0, 16_000, 1, "")
        )
        split = "train" if s < n_sources - 4 else "valid" if s < n_sources - 2 else "test"
        for start in (2.0, 50.0):
            dialogue = tables.span_id(source, start, start + 40)
            dialogues.append((dialogue, None, source, start, start + 40, source, split))
            clock = start
            for turn in range(turns - int(rng.integers(0, 3))):
                text = LINES[(turn + s) % len(LINES)]
                end = clock + len(text.split()) * float(rng.uniform(0.25, 0.5)) + 0.3
                key = tables.span_id(source, clock, end)
                utterances.append(
                    {
                        "utterance_id": key,
                        "dialogue_id": dialogue,
                        "source_id": source,
                        "start_s": clock,
                        "end_s": end,
                        "turn": turn,
                        "text": text,
                        "language": "en",
                        "other_language": False,
                        "words": [],
                        "overlap_s": 0.0,
                    }
                )
                who = "ABC"[turn % (2 + (s % 3 == 0))]
                speakers.append((key, who, float(rng.uniform(0.5, 1)), None))
                voice.append(described(key, "male" if who == "A" else "female", rng))
                clock = end + float(rng.uniform(0.1, 0.6))

    def table(name: tables.TableName, rows: list) -> pd.DataFrame:
        frame = pd.DataFrame(rows, columns=list(tables.schema(name).columns))  # else null
        return tables.schema(name).validate(frame)

    turns_table = table("utterances", utterances)
    who_table, voice_table = table("speakers", speakers), table("voice", voice)
    dialogue_table = table("dialogues", dialogues)
    replies, speech = answered(dialogue_table, turns_table, who_table, voice_table, rng)
    replies_table, speech_table = table("replies", replies), table("speech", speech)
    examples = tuple(
        replace(example, reply_audio=tone(210, 2.4), reference_audio=tone(130, 3.1))
        for example in choose_examples(
            replies_table, turns_table, who_table, voice_table, speech=speech_table
        )
    )
    clips = {
        stage: tuple(replace(clip, audio=tone(160, 0.5)) for clip in chosen)
        for stage, chosen in choose_clips(turns_table, who_table, voice_table).items()
    }
    frames = {key: turn % 5 for turn, key in enumerate(turns_table["utterance_id"])}
    return ReportContents(
        corpus="demo",
        recipe="embedded",
        version="2025-11-21T10.30.00.000Z",
        sources=table("sources", sources),
        dialogues=dialogue_table,
        utterances=turns_table,
        speakers=who_table,
        voice=voice_table,
        replies=replies_table,
        speech=speech_table,
        rejects=table("rejects", REJECTS),
        defects=table("corpus_defects", DEFECTS),
        features=(Features("pictures", "mobilenet", 1280, frames),),
        clips=clips,
        losses=curve(rng),
        training={
            "step0_valid_loss": 4.213,
            "best_valid_loss": 2.874,
            "best_step": 80,
            "frozen_valid_loss": 3.532,
            "trainable_parameters": 9_437_184,
            "total_parameters": 143_952_192,
            "steps": 120,
            "epochs": 5.93,
            "seconds": 214.7,
            "stopped_early": False,
            "dtype": "float32",
        },
        metrics=METRICS,
        timings=TIMINGS,
        models=MODELS,
        warnings=(
            "No Java on this machine: METEOR was computed without its paraphrase table, and "
            "SPICE was left out.",
        ),
        examples=examples,
    )


def described(key: str, gender: str, rng: np.random.Generator) -> dict:
    pitch = float(rng.normal(115 if gender == "male" else 205, 12))
    pace, spread, c50 = float(rng.normal(14, 4)), float(rng.gamma(4, 10)), float(rng.normal(52, 6))
    levels = {
        "pitch": bins.level("pitch", pitch, gender=gender),
        "monotony": bins.level("monotony", spread),
        "pace": bins.level("pace", pace),
    }
    person = "A man" if gender == "male" else "A woman"
    text = f"{person} speaks {levels['pace']} with a {levels['pitch']} voice, {levels['monotony']}."
    dry = rng.random() > 0.2
    return {
        "utterance_id": key,
        "pitch_mean_hz": pitch,
        "pitch_std_hz": spread,
        "speaker_pitch_hz": pitch,
        "speaking_rate_phonemes_per_s": pace,
        "c50_db": c50 if dry else None,
        "snr_db": None,
        "quality_mos": None,
        "gender": gender,
        "gender_probability": 0.98,
        **levels,
        "reverberation": bins.level("reverberation", c50) if dry else None,
        "noise": None,
        "unmeasured": "" if dry else "reverberation: shorter than 0.5 s",
        "description": text,
        "written_by": "template",
    }


def answered(
    dialogues: pd.DataFrame,
    utterances: pd.DataFrame,
    speakers: pd.DataFrame,
    voice: pd.DataFrame,
    rng: np.random.Generator,
) -> tuple[list[tuple], list[dict]]:
    """A reply to every later turn of the test split, and its speech."""
    test = set(dialogues.loc[dialogues["split"] == "test", "dialogue_id"])
    joined = utterances.merge(speakers, on="utterance_id").merge(voice, on="utterance_id")
    replies, speech = [], []
    for row in joined[joined["dialogue_id"].isin(test) & (joined["turn"] > 0)].itertuples():
        text = str(rng.choice(["I do not know what to say.", "Let us go and look for it."]))
        replies.append(
            (row.utterance_id, row.dialogue_id, row.speaker, row.turn, text,
             "A woman speaks slightly fast with a moderate pitch voice.",
             row.text, row.description)
        )  # fmt: skip
        asked, measured = rng.choice(bins.words("pace"), 2, p=[0, 0, 0.3, 0.3, 0.3, 0.1, 0])
        wrong = rng.random() < 0.2
        speech.append(
            {
                "utterance_id": row.utterance_id,
                "duration_s": 2.4,
                "heard_text": "let us go" if wrong else text.lower(),
                "word_error_rate": 0.5 if wrong else 0.0,
                "pitch_mean_hz": 205.0,
                "pitch_std_hz": 31.0,
                "speaking_rate_phonemes_per_s": 14.0,
                "asked_gender": "female",
                "asked_pitch": "moderate pitch",
                "asked_pace": asked,
                "asked_monotony": None,
                "measured_gender": "female",
                "measured_pitch": "high-pitch" if rng.random() < 0.2 else "moderate pitch",
                "measured_pace": measured,
                "measured_monotony": "monotone",
            }
        )
    return replies, speech


def curve(rng: np.random.Generator) -> pd.DataFrame:
    step = np.arange(121)
    train = 2.6 + 1.7 * np.exp(-step / 25) + rng.normal(0, 0.12, step.size)
    train[0] = np.nan  # before the first step there is only validation
    valid = np.full(step.size, np.nan)
    valid[::20] = [4.213, 3.41, 3.02, 2.91, 2.874, 2.88, 2.92]
    return pd.DataFrame(
        {"step": step, "epoch": step / 20, "train_loss": train, "valid_loss": valid}
    )


REJECTS = [
    *(
        (f"00f3ac91e7-{n:08d}-{n + 40:08d}", "segment", f"0.0{n % 5 + 1} s is under 0.1 s")
        for n in range(14)
    ),
    ("kitchen/notes/holiday 2019.mov", "ingest", "no sound track"),
    ("kitchen/broken.mp4", "ingest", "cannot be decoded: moov atom not found"),
    *((f"03f3ac91e7-{n:08d}-{n + 900:08d}", "segment", "no words were heard") for n in range(3)),
]
DEFECTS = [
    *((f"train/dia{n}", f"utterance ids are missing: {n}", "kept") for n in range(5)),
    ("test/dia3_utt4", "its text was in another encoding", "repaired"),
    ("._talk.mp4", "it is a file that macOS leaves in archives", "skipped"),
]
METRICS = (
    Metric(
        "BLEU-1", 12.41, 10.2, 14.9, n=27, source="Papineni et al. 2002; pycocoevalcap",
        definition="Unigram precision with brevity penalty, ×100",
    ),
    Metric(
        "ROUGE-L", 14.02, 11.9, 16.0, n=27, source="Lin 2004; pycocoevalcap",
        definition="F-measure of the longest common subsequence, ×100",
    ),
    Metric(
        "Distinct-2", 0.314, n=27, source="Li et al. 2016",
        definition="Different bigrams over all bigrams of all replies",
    ),
    Metric(
        "SPICE", None, source="Anderson et al. 2016",
        definition="Not computed: no Java on this machine",
    ),
)  # fmt: skip
TIMINGS = tuple(
    StageTime(*pair)
    for pair in (
        ("ingest", 3.21), ("segment", 41.7), ("speaker_assign", 12.94), ("describe", 30.1),
        ("featurize", 25.0), ("train", 214.7), ("evaluate", 22.4), ("synthesize", 18.8),
    )
)  # fmt: skip
MODELS = (
    ModelUse("asr", "faster-whisper tiny.en", "PyPI faster-whisper-tiny 1.0", "MIT"),
    ModelUse("language_model", "SmolLM2-135M", "HuggingFaceTB/SmolLM2-135M@93efa2f097d5",
             "Apache-2.0"),
    ModelUse("synthesizer", "hibari", "PyPI hibari-tts 0.2.1", "Apache-2.0"),
)  # fmt: skip


@pytest.fixture(scope="session")
def contents() -> ReportContents:
    return made_up()
