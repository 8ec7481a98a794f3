"""`kedro clean`: which versions go and which stay."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from msc_kedro.cli.clean import clean, to_delete

STAMPS = [f"2026-01-0{day}T10.00.00.000Z" for day in range(1, 6)]
TABLE = "data/03_primary/demo/utterances.parquet"
FOLDER = "data/04_feature/demo/embedded/sound_features"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for stamp in [*STAMPS, "0-dvc"]:
        for dataset in (TABLE, FOLDER):
            version = tmp_path / dataset / stamp
            version.mkdir(parents=True)
            if dataset == TABLE:
                (version / "utterances.parquet").write_text(stamp)
            else:
                (version / "sound_features").mkdir()
    (tmp_path / "data/01_raw/mine").mkdir(parents=True)
    (tmp_path / "data/01_raw/mine/video.mp4").touch()
    (tmp_path / "data/.work/sound").mkdir(parents=True)
    return tmp_path


def names(project: Path, **options: object) -> set[str]:
    chosen = {"keep": 2, "work": False, "now_s": 0.0, **options}
    found = to_delete(project / "data", **chosen)
    return {one.path.relative_to(project).as_posix() for one in found}


def test_the_newest_and_dvcs_versions_stay(project: Path) -> None:
    assert names(project) == {f"{d}/{stamp}" for d in (TABLE, FOLDER) for stamp in STAMPS[:3]}
    assert names(project, keep=5) == set()


def test_half_a_version_does_not_count(project: Path) -> None:
    (project / TABLE / STAMPS[3] / "utterances.parquet").unlink()
    gone = {name for name in names(project) if TABLE in name}
    assert gone == {f"{TABLE}/{STAMPS[place]}" for place in (0, 1, 3)}
    # The newest one may be a run at work.
    (project / TABLE / STAMPS[4] / "utterances.parquet").unlink()
    gone = {name for name in names(project) if TABLE in name}
    assert gone == {f"{TABLE}/{STAMPS[0]}"}


def test_what_a_killed_run_left_goes_after_a_day(project: Path) -> None:
    left = project / TABLE / STAMPS[4] / ".utterances.parquet.k3j_4h2x"
    left.touch()
    age = left.stat().st_mtime
    assert left.relative_to(project).as_posix() not in names(project, keep=5, now_s=age + 3600)
    assert names(project, keep=5, now_s=age + 90_000) == {left.relative_to(project).as_posix()}


def test_work_goes_only_when_asked_for(project: Path) -> None:
    assert names(project, keep=5, work=True) == {"data/.work"}


def test_it_asks_first(project: Path) -> None:
    def run(*options: str, answer: str = "") -> str:
        metadata = SimpleNamespace(project_path=project)
        return CliRunner().invoke(clean, options, obj=metadata, input=answer).output

    assert "Aborted" in run("--keep", "4", answer="n\n")
    assert (project / TABLE / STAMPS[0]).is_dir()
    assert "2 deleted" in run("--keep", "4", "--yes")
    assert not (project / TABLE / STAMPS[0]).exists()
    assert (project / TABLE / "0-dvc").is_dir()
    assert "nothing to delete" in run("--keep", "4", "--yes")
    assert "Invalid value" in run("--keep", "0")
