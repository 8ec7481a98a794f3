"""`kedro run` and `dvc repro` side by side: no version is lost, none is taken for another."""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
from pathlib import Path

import pytest
import yaml
from e2e.conftest import Chain

from msc_kedro.session import DVC_VERSION

pytestmark = pytest.mark.e2e

KEDRO = (sys.executable, "-m", "kedro", "run")
NOT_VERSIONED = ("report.html", "timings.json", ".gitignore")
QUICK = "train.max_steps=2,train.seed=1,evaluate.max_new_tokens=8"


class Project(Chain):
    """A copy of the project, and what lies in it."""

    def ok(self, *command: str) -> str:
        """What a command says that must succeed."""
        done = self.run(*command)
        assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]
        return done.stdout + done.stderr

    def contents(self) -> dict[str, str]:
        """A hash of every file of every version, by path."""
        return {
            path.relative_to(self.folder).as_posix(): hashlib.md5(path.read_bytes()).hexdigest()
            for path in sorted(self.folder.glob("data/0[2-8]*/**/*"))
            if path.is_file() and path.name not in NOT_VERSIONED
        }

    def _records(self, dataset: str) -> list[Path]:
        found = sorted(self.folder.glob(f"data/0*/**/{dataset}*/*/descent.json"))
        return [path for path in found if path.parents[1].name.partition(".")[0] == dataset]

    def versions(self, dataset: str) -> list[str]:
        """Versions of a dataset, oldest first; DVC's own comes before all."""
        return [path.parent.name for path in self._records(dataset)]

    def descent(self, dataset: str, version: str) -> dict:
        """What a version records of itself."""
        (path,) = (path for path in self._records(dataset) if path.parent.name == version)
        return json.loads(path.read_text())

    def lock(self) -> str:
        return (self.folder / "dvc.lock").read_text()


@pytest.fixture(scope="module")
def project(chain: Chain, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A copy of the chain's project after `dvc repro`."""
    folder = tmp_path_factory.mktemp("versions") / "project"
    shutil.copytree(chain.folder, folder, copy_function=shutil.copy2)
    made = Project(folder, "", 0.0)
    made.ok("git", "init", "-q")
    made.ok("dvc", "init", "-q")
    return made


@pytest.fixture(scope="module")
def reproduced(project: Project) -> dict[str, str]:
    """What lay in the project before `dvc repro`, after which it lies there still."""
    before = project.contents()
    said = project.ok("dvc", "repro")
    assert said.count("Running stage") == 9
    after = project.contents()
    assert {path: after.get(path) for path in before} == before
    return before


def test_a_second_repro_runs_nothing(project: Project, reproduced: dict[str, str]) -> None:
    assert "Data and pipelines are up to date" in project.ok("dvc", "repro")


def test_dvc_makes_what_kedro_made(project: Project, reproduced: dict[str, str]) -> None:
    new = set(project.contents()) - set(reproduced)
    assert all(f"/{DVC_VERSION}/" in path for path in new)
    for dataset in (
        "sources",
        "utterances",
        "voice",
        "sound_features",
        "adapter",
        "speech_metrics",
    ):
        dvc, *_, kedro = project.versions(dataset)
        assert dvc == DVC_VERSION
        assert project.descent(dataset, dvc) == project.descent(dataset, kedro)


def test_force_leaves_the_lock_as_it_is(project: Project, reproduced: dict[str, str]) -> None:
    before = project.lock()
    assert project.ok("dvc", "repro", "--force").count("Running stage") == 9
    assert project.lock() == before


def test_kedro_and_dvc_in_turns(project: Project, reproduced: dict[str, str]) -> None:
    first = project.versions("adapter")[-1]
    before = project.contents()
    project.ok(*KEDRO, "--pipelines", "train,evaluate", "--params", QUICK)
    after = project.contents()
    assert {path: after.get(path) for path in before} == before
    mine = project.versions("adapter")[-1]
    adapters = {v: project.descent("adapter", v)["fingerprint"] for v in (DVC_VERSION, first, mine)}
    assert adapters[DVC_VERSION] == adapters[first] != adapters[mine]
    replies = project.descent("replies", mine)
    assert replies["made_from"]["adapter"] == adapters[mine]
    assert "Data and pipelines are up to date" in project.ok("dvc", "status")

    # DVC goes on from its own adapter, not from the newest.
    parameters = project.folder / "conf/base/parameters_evaluate.yml"
    changed = yaml.safe_load(parameters.read_text())
    changed["evaluate"]["max_new_tokens"] = 12
    parameters.write_text(yaml.safe_dump(changed))
    assert project.ok("dvc", "repro").count("Running stage") == 2  # evaluate, synthesize
    assert project.descent("replies", DVC_VERSION)["made_from"]["adapter"] == adapters[DVC_VERSION]
    assert project.descent("replies", mine) == replies

    # And a person from the newest of their own, not from DVC's, though that is later.
    project.ok(*KEDRO, "--pipeline", "synthesize")
    spoken = project.versions("spoken_replies")[-1]
    made_from = project.descent("spoken_replies", spoken)["made_from"]
    assert made_from["replies"] == replies["fingerprint"]

    # Or from a version that they name.
    project.ok(*KEDRO, "--pipeline", "evaluate", "--load-versions", f"adapter:{first}")
    again = project.versions("replies")[-1]
    assert project.descent("replies", again)["made_from"]["adapter"] == adapters[first]


def test_recipes_do_not_mix(project: Project, reproduced: dict[str, str]) -> None:
    other = project.folder / "conf" / "other"
    other.mkdir()
    (other / "parameters_featurize.yml").write_text("featurize: {frames_per_s: 1.0}\n")
    before = project.contents()
    project.ok(*KEDRO, "--env", "other", "--pipeline", "featurize")
    new = set(project.contents()) - set(before)
    assert new and all(path.startswith("data/04_feature/demo/other/") for path in new)
    missing = project.run(*KEDRO, "--env", "other", "--pipeline", "evaluate")
    assert missing.returncode == 1  # the embedded recipe's adapter is not taken
    assert "kedro run --pipeline train" in missing.stderr


def test_corpora_do_not_mix(project: Project, reproduced: dict[str, str], tmp_path: Path) -> None:
    folder = tmp_path / "my talks"
    folder.mkdir()
    for video in sorted((project.folder / "data/01_raw/demo").glob("*.mp4"))[:3]:
        shutil.copy(video, folder)
    before = project.contents()
    project.ok(*KEDRO, "--pipeline", "ingest", "--params", f"corpus.folder={folder}")
    new = set(project.contents()) - set(before)
    assert new and all(path.startswith("data/02_intermediate/my-talks/") for path in new)


def test_other_descent_is_refused(project: Project, reproduced: dict[str, str]) -> None:
    old = project.versions("dialogues")[-1]
    project.ok(*KEDRO, "--pipeline", "segment", "--params", "splits.seed=5")
    new = project.versions("dialogues")[-1]
    assert project.descent("dialogues", new) != project.descent("dialogues", old)
    before = project.contents()
    refused = project.run(*KEDRO, "--pipeline", "evaluate")
    said = refused.stdout + refused.stderr
    assert refused.returncode == 1 and "Traceback" not in said
    assert "was made from another 'dialogues'" in said
    assert "kedro run --pipelines describe,featurize,train\n" in said
    assert project.contents() == before
    project.ok(*KEDRO, "--pipeline", "evaluate", "--load-versions", f"dialogues:{old}")
