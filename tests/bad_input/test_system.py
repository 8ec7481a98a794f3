"""The disk is full, the folder is read-only, the download is bad, somebody stops it."""

from __future__ import annotations

import ctypes
import os
import resource
import shutil
import signal
import stat
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from bad_input.conftest import FILMS, Done, Project, said_once
from made_media import Sound, tone, write_media

pytestmark = pytest.mark.real

_PR_CAPBSET_DROP, _CAP_DAC_OVERRIDE = 24, 1


def without_the_right_to_write() -> None:
    """In a process to be: root, too, must keep to the permissions of folders."""
    if os.geteuid() == 0:
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.prctl(_PR_CAPBSET_DROP, _CAP_DAC_OVERRIDE, 0, 0, 0):
            raise OSError(ctypes.get_errno(), "prctl")


def can_take_rights_away() -> bool:
    try:
        done = subprocess.run(["true"], preexec_fn=without_the_right_to_write, check=False)
    except subprocess.SubprocessError:
        return False
    return done.returncode == 0


def with_little_room() -> None:
    """In a process to be: files of more than 50 kB are refused, as all are on a full disk."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))


@pytest.fixture(scope="module")
def films(project: Project) -> str:
    """A folder with one film, short enough to be quick and too long for little room."""
    folder = project.folder / "one film"
    folder.mkdir()
    noise = np.random.default_rng(0).normal(0, 0.1, 8 * 16_000).astype(np.float32)
    write_media(folder / "film.mp4", sound=Sound(tone(8) + noise))
    return "one film"


def ingest(project: Project, films: str, **options: Callable[[], None]) -> str:
    return said_once(
        project.run("--pipeline", "ingest", "--params", f"corpus.folder={films}", **options)
    )


def test_a_full_disk(done: Done, films: str) -> None:
    project, before = done.project, done.project.kept()
    said = ingest(project, films, prepare=with_little_room)
    assert said.startswith("A file would be larger than allowed: ")
    assert str(project.folder / "data") in said and "ulimit -f" in said
    after = project.kept()
    assert before.items() <= after.items()  # nothing lost, and no half file left:
    written = {Path(name).name for name in after.keys() - before.keys()}
    empty = {f"{name}.parquet" for name in ("annotated_dialogues", "annotations", "corpus_defects")}
    assert written == {*empty, "descent.json"}
    ended = project.run("--pipeline", "ingest", "--params", f"corpus.folder={films}")
    assert ended.returncode == 0, ended.stderr
    assert before.items() <= project.kept().items()


@pytest.fixture
def read_only(project: Project) -> Iterator[Path]:
    """data/ and all folders below may be read, not written."""
    data = project.folder / "data"
    folders = [data, *(path for path in data.rglob("*") if path.is_dir())]
    modes = {folder: stat.S_IMODE(folder.stat().st_mode) for folder in folders}
    for folder in folders:
        folder.chmod(0o555)
    yield data
    for folder, mode in modes.items():
        folder.chmod(mode)


@pytest.mark.skipif(
    not can_take_rights_away(), reason="root may write everywhere here, and cannot give that up"
)
def test_a_folder_that_cannot_be_written(done: Done, films: str, read_only: Path) -> None:
    before = done.project.kept()
    said = ingest(done.project, films, prepare=without_the_right_to_write)
    assert said.startswith(f"This user has no right to do that: {read_only}")
    assert "write there" in said
    assert done.project.kept() == before


def test_a_file_where_the_data_should_be(project: Project, films: str, tmp_path: Path) -> None:
    copy = Project(tmp_path / "project")
    ignored = shutil.ignore_patterns("data")
    shutil.copytree(project.folder, copy.folder, ignore=ignored)
    (copy.folder / "data").write_text("not a folder")
    said = ingest(copy, films)
    assert said.startswith("A file stands where a folder is needed: ") and "Move it away" in said
    assert "data" in said.splitlines()[0]


def test_a_download_that_is_not_whole(
    done: Done, model_folder: Callable[[str], Path], tmp_path: Path
) -> None:
    """A model that was cut off is fetched again; where that is not possible, it says so."""
    for slot in ("asr", "segmentation", "speaker_embedding"):
        folder = model_folder(slot)
        shutil.copytree(folder, tmp_path / "models" / slot / folder.name)
    (weights,) = (tmp_path / "models" / "asr").rglob("model.bin")
    weights.write_bytes(weights.read_bytes()[:-1000])
    before = done.project.kept()
    said = said_once(
        done.project.run(
            *("--pipelines", "segment", "--params", f"corpus.folder={FILMS}"),
            MSC_KEDRO_CACHE=str(tmp_path),
        )
    )
    assert "model asr" in said and "kedro models fetch asr" in said
    assert before.items() <= done.project.kept().items()


def test_an_interruption(project: Project, model_folder: Callable[[str], Path]) -> None:
    for slot in ("voice_female", "voice_male"):
        model_folder(slot)
    running = subprocess.Popen(
        project.command("--pipeline", "demo"),
        cwd=project.folder,
        env=project.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # Where the tests themselves run in the background, the shell has them ignore it.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert running.stdout is not None
    for line in running.stdout:
        if "demo" in line:
            break
    time.sleep(1.0)  # at work by now
    running.send_signal(signal.SIGINT)
    _, said = running.communicate(timeout=60)
    assert running.returncode == 130, said
    assert said == "\nStopped. The same command goes on from what is finished.\n"
