"""MultiDialog and AvaMERG, tiny and planted, from their published layout to described voices."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
from corpora import test_avamerg, test_multidialog
from e2e.conftest import Chain, copy_project
from made_media import BLUE, RED, Sound, steady, tone, write_media

pytestmark = [pytest.mark.e2e, pytest.mark.real]

STAGES = "ingest,segment,speaker_assign,describe"
LOW_HZ, HIGH_HZ = 120.0, 210.0  # what the first and the second of a conversation hum


def hum(hz: float, seconds: float = 1.2) -> np.ndarray:
    """A steady voice without words: overtones that grow weaker."""
    return sum(tone(seconds, hz=hz * n, level=0.3 / n) for n in range(1, 9))  # type: ignore[return-value]


def multidialog(folder: Path) -> None:
    """Four conversations of three turns; two share their actors, one sound is missing."""
    for subset, conversation, actors in (
        ("train", "t_1", "ab"),
        ("train", "t_2", "cd"),
        ("valid_freq", "t_3", "ab"),
        ("test_rare", "t_4", "ef"),
    ):
        rows = []
        for turn in range(3):
            actor = actors[turn % 2]
            name = f"{conversation}/{conversation}_{turn}{actor}.wav"
            row = test_multidialog.row(turn, actor, file_name=name, conv_id=conversation)
            rows.append(row | {"original_full_path": f"{subset}/{name}"})
            if (conversation, turn) == ("t_2", 2):
                continue
            path = folder / "data" / subset / name
            path.parent.mkdir(parents=True, exist_ok=True)
            seconds = 1.2 + 0.1 * turn + 0.01 * int(conversation[-1])  # no two sounds alike
            soundfile.write(path, hum((LOW_HZ, HIGH_HZ)[turn % 2], seconds), 16_000)
        earlier = folder / "metadata" / subset / f"{subset}_metadata_0000.jsonl"
        lines = earlier.read_text().splitlines() if earlier.is_file() else []
        test_multidialog.write(folder, *lines, *rows, subset=subset)


def avamerg(folder: Path) -> None:
    """Four conversations of four turns; faces in silent videos, voices beside them."""
    numbers = ("00001", "00002", "00003", "00004")
    test_avamerg.write(folder, *(test_avamerg.conversation(number) for number in numbers))
    for kind in ("video", "audio"):
        (folder / f"{kind}_v5_0").mkdir()
    for place, number in enumerate(numbers):
        for turn in range(4):
            name = f"dia{number}utt{turn}_{(28, 16)[turn % 2]}"
            seconds = 1.2 + 0.1 * turn + 0.01 * place
            sound = hum((LOW_HZ, HIGH_HZ)[turn % 2], seconds)
            soundfile.write(folder / f"audio_v5_0/{name}.wav", sound, 16_000)
            pictures = steady([RED, BLUE], each_s=seconds / 2, fps=10)
            own = Sound(sound) if turn == 3 else None  # one has its sound within
            write_media(folder / f"video_v5_0/{name}.mp4", pictures=pictures, sound=own)


@pytest.fixture(scope="module")
def run(
    tmp_path_factory: pytest.TempPathFactory, model_folder: Callable[[str], Path]
) -> Callable[..., dict[str, pd.DataFrame]]:
    """Run the stages on a corpus in a copy of the project; its tables by name."""
    for slot in ("pitch", "gender"):
        model_folder(slot)
    project = tmp_path_factory.mktemp("project")
    copy_project(project)

    def tables(kind: str, make: Callable[[Path], None]) -> dict[str, pd.DataFrame]:
        corpus = tmp_path_factory.mktemp("corpora") / kind
        corpus.mkdir()
        make(corpus)
        kedro = (sys.executable, "-m", "kedro", "run", "--env", kind)
        asked = ("--pipelines", STAGES, "--params", f"corpus.folder={corpus}")
        done = Chain(project, "", 0.0).run(*kedro, *asked)
        assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]
        found = sorted(project.glob(f"data/0*/{kind}/*.parquet/*/*.parquet"))
        made = {path.stem: pd.read_parquet(path) for path in found}
        figures = max(project.glob(f"data/03_primary/{kind}/corpus_statistics.json/*/*.json"))
        counted = json.loads(figures.with_name("corpus_statistics.json").read_text())
        made["figures"] = pd.DataFrame.from_dict(counted, orient="index")
        page = (project / f"data/08_reporting/{kind}/{kind}/report.html").read_text()
        assert "To listen to" in page and page.count("<audio") > 5
        return made

    return tables


def hums(made: dict[str, pd.DataFrame]) -> None:
    """Every voice that is there was measured, and is as high as it was made."""
    voice = made["voice"].merge(made["utterances"], on="utterance_id")
    heard = voice[voice["source_id"].notna()]
    expected = [(LOW_HZ, HIGH_HZ)[turn % 2] for turn in heard["turn"]]
    assert heard["pitch_mean_hz"].tolist() == pytest.approx(expected, rel=0.02)
    assert (heard["description"] != "").all()
    assert voice.loc[voice["source_id"].isna(), "pitch_mean_hz"].isna().all()


def test_sounds_of_actors(run: Callable[..., dict[str, pd.DataFrame]]) -> None:
    made = run("multidialog", multidialog)
    assert len(made["utterances"]) == 12 and len(made["sources"]) == 11
    known = made["utterances"].merge(made["speakers"], on="utterance_id").set_index("name")
    assert known.loc[[f"train/t_1_utt{n}" for n in range(3)], "speaker"].tolist() == ["A", "B", "A"]
    assert known.loc["valid_freq/t_3_utt1", "person"] == "actor b"
    assert pd.isna(known.loc["train/t_2_utt2", "source_id"])
    split = made["dialogues"].set_index("name")["split"]
    assert split.to_dict() == {
        "train/t_1": "train",
        "train/t_2": "train",
        "valid_freq/t_3": "valid",
        "test_rare/t_4": "test",
    }
    leaks = made["split_leaks"]
    assert set(leaks["item_id"]) == {"actor a", "actor b"}
    assert set(leaks["allowed_by"]) == {"splits.allow"}
    hums(made)
    every = made["figures"].loc["all"]
    assert (every["dialogues"], every["utterances"], every["replies"]) == (4, 12, 8)
    assert every["with_sound"] == pytest.approx(11 / 12, abs=1e-6)
    assert every["with_video"] == 0 and every["replies_by_another"] == 1


def test_faces_with_the_sound_beside(run: Callable[..., dict[str, pd.DataFrame]]) -> None:
    made = run("avamerg", avamerg)
    assert len(made["utterances"]) == 16 == len(made["sources"])
    assert made["sources"]["has_video"].all()
    assert made["sources"]["has_audio"].sum() == 4  # the others are heard from the file beside
    replies = made["annotations"].set_index("name")["extra"].map(json.loads)
    chain = replies["train/dia00002utt1"]
    assert {name: chain[name] for name in test_avamerg.CHAIN} == test_avamerg.CHAIN
    assert "goal_to_response" not in replies["train/dia00002utt0"]
    known = made["utterances"].merge(made["annotations"], on="name")
    known = known.merge(made["speakers"], on="utterance_id", suffixes=("_said", ""))
    letters = known.groupby("speaker_said")["speaker"].unique()
    assert {role: list(found) for role, found in letters.items()} == {
        "speaker": ["A"],
        "listener": ["B"],
    }
    assert sorted(made["dialogues"]["split"].unique()) == ["test", "train", "valid"]
    assert not len(made["split_leaks"])
    hums(made)
    every = made["figures"].loc["all"]
    assert (every["dialogues"], every["utterances"], every["replies"]) == (4, 16, 12)
    assert every["with_sound"] == every["with_video"] == 1
