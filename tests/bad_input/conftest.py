"""A copy of the project, and one run of it on a folder that holds every kind of bad file."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
from e2e.conftest import OFFLINE, copy_project
from made_media import (
    BLACK,
    BLUE,
    GREEN,
    RED,
    WHITE,
    Sound,
    chords,
    cut_off,
    steady,
    surround,
    tone,
    write_blind,
    write_media,
)

STRANGE = """He said "hi" – it's 🎬 ok.mp4"""
NOT_UTF8 = os.fsdecode(b"caf\xe9.mp4")
SPEECH_RATE = 24_000
FILMS = "films"


@dataclass(frozen=True)
class Project:
    """A copy of the project."""

    folder: Path

    def run(
        self, *arguments: str, prepare: Callable[[], None] | None = None, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """`kedro run` in the copy, offline.

        Args:
            prepare: called in the new process before it begins, to take rights or room from it.
        """
        return subprocess.run(
            self.command(*arguments),
            cwd=self.folder,
            env=self.environment(**environment),
            preexec_fn=prepare,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "kedro", "run", *arguments]

    def environment(self, **more: str) -> dict[str, str]:
        return {**os.environ, **OFFLINE, "COLUMNS": "200", **more}

    def table(self, name: str, *, corpus: str = FILMS) -> pd.DataFrame:
        """The newest version of a table."""
        return pd.read_parquet(max(self.folder.glob(f"data/*/{corpus}/{name}.parquet/*/*.parquet")))

    def rejects(self, name: str, *, corpus: str = FILMS) -> dict[str, str]:
        """Reason by item of a table of rejects."""
        table = self.table(name, corpus=corpus)
        assert table["item_id"].is_unique
        return dict(zip(table["item_id"], table["reason"], strict=True))

    def kept(self) -> dict[str, int]:
        """All files of finished versions and of the work between runs, with their sizes."""
        data = self.folder / "data"
        files = [*data.glob("0[2-7]*/**/*"), *data.glob(".work/**/*")]
        return {
            str(path.relative_to(data)): path.stat().st_size for path in files if path.is_file()
        }


def said_once(done: subprocess.CompletedProcess[str]) -> str:
    """The one message that a failed command ends in; no traceback before it."""
    said = done.stdout + done.stderr
    assert done.returncode == 1, said
    assert "Traceback" not in said and "❱" not in said, said
    assert done.stderr.count("Error: ") == 1, done.stderr
    return done.stderr.partition("Error: ")[2]


@pytest.fixture(scope="session")
def speech(model_folder: Callable[[str], Path]) -> Callable[..., np.ndarray]:
    """`speech(*sentences)` as float32 [n] at 24 kHz, with a pause after each."""
    from msc_kedro.speaking.hibari import HibariVoice

    voice = HibariVoice(model_folder("voice_female"))
    pause = np.zeros(SPEECH_RATE, np.float32)

    def say(*sentences: str) -> np.ndarray:
        spoken = [voice.plain(sentence, rate=0.8).samples for sentence in sentences]
        return np.concatenate([part for one in spoken for part in (one, pause)])

    return say


def write_films(folder: Path, speech: Callable[..., np.ndarray]) -> None:
    """Good films with every peculiarity that must do no harm, and bad ones of every kind."""
    folder.mkdir()
    weather = speech("The weather will be warm in June.", "Then we should go to the river.")
    seconds = len(weather) / SPEECH_RATE
    pictures = steady([RED, BLUE, GREEN], each_s=seconds / 3)
    sound = Sound(weather, SPEECH_RATE)
    index_first = {"movflags": "faststart"}
    good = write_media(folder / STRANGE, pictures=pictures, sound=sound, options=index_first)
    (folder / "the same.mp4").write_bytes(good.read_bytes())
    cut_off(good, folder / "cut, index first.mp4", share=0.7)
    write_blind(good, folder / "blind.mp4")

    dinner = speech("Dinner is ready in the kitchen.", "I will wash my hands first.")
    seconds = len(dinner) / SPEECH_RATE
    uneven = [(time, GREEN) for time in np.arange(0, seconds / 2, 0.04)]
    uneven += [(time, RED) for time in np.arange(seconds / 2, seconds, 0.31)]
    around = Sound(surround(dinner), SPEECH_RATE, "5.1")
    write_media(folder / "uneven.mp4", pictures=uneven, sound=Sound(dinner, SPEECH_RATE))
    write_media(folder / "surround.mp4", pictures=steady([WHITE], each_s=seconds), sound=around)

    alone = Sound(speech("My brother works at the hospital.", "He likes it there."), SPEECH_RATE)
    write_media(folder / "sound alone.mp4", sound=alone)
    write_media(
        folder / "plain.wav", sound=Sound(speech("Good morning."), 24_000, codec="pcm_s16le")
    )

    still = steady([BLACK, WHITE], each_s=2)
    write_media(folder / "mute.mp4", pictures=still)
    write_media(folder / "silence.mp4", pictures=still, sound=Sound(np.zeros(4 * 16_000)))
    write_media(folder / "music.mp4", pictures=still, sound=Sound(chords(4)))
    soundfile.write(folder / "no samples.wav", tone(0), 16_000)
    whole = write_media(folder / "whole.mp4", pictures=still, sound=Sound(tone(4)))
    cut_off(whole, folder / "cut, index last.mp4", share=0.7)
    whole.unlink()
    (folder / "text.mp4").write_text("Dear diary, today I renamed a file.\n" * 20)
    (folder / "nothing.mkv").write_bytes(b"")
    (folder / "noise.webm").write_bytes(np.random.default_rng(0).bytes(20_000))
    (folder / NOT_UTF8).write_bytes(b"film")


@dataclass(frozen=True)
class Done:
    """A project in which the bad files have been run, and what was said meanwhile."""

    project: Project
    output: str


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A copy of the project in which nothing has been run."""
    folder = tmp_path_factory.mktemp("project")
    copy_project(folder)
    return Project(folder)


@pytest.fixture(scope="session")
def done(
    project: Project,
    speech: Callable[..., np.ndarray],
    model_folder: Callable[[str], Path],
) -> Done:
    """ingest and segment on every kind of file, all rejects allowed."""
    for slot in ("asr", "segmentation", "speaker_embedding"):
        model_folder(slot)
    write_films(project.folder / FILMS, speech)
    parameters = f"corpus.folder={FILMS},corpus.max_rejected_share=1.0"
    ended = project.run("--pipelines", "ingest,segment", "--params", parameters)
    output = ended.stdout + ended.stderr
    assert ended.returncode == 0, output
    return Done(project, output)
