"""One run of the whole chain on a cut of the demo, shared by all tests that look at it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest
import yaml

PROJECT = Path(__file__).resolve().parents[2]
COPIED = ("conf", "src", "pyproject.toml", "dvc.yaml", ".dvcignore", ".telemetry")
CUT = {
    ("parameters.yml", "demo", "dialogues"): 6,
    ("parameters_train.yml", "train", "epochs"): 10,
    ("parameters_train.yml", "train", "max_steps"): 30,
}
NO_NETWORK = PROJECT / "tests" / "no_network"
NETWORK_LOG, NETWORK_COUNTS = "network.log", "network.json"
# What would reach a network fails at once: the models are cached by then.
OFFLINE = {
    "PYTHONPATH": str(NO_NETWORK),
    "CI": "",  # where it is set, some libraries send nothing
    "HF_HUB_OFFLINE": "1",
    "PIP_INDEX_URL": "http://127.0.0.1:9/simple",
    "PIP_EXTRA_INDEX_URL": "",
    "PIP_FIND_LINKS": "",
    "PIP_NO_INDEX": "1",
    "DVC_NO_ANALYTICS": "1",  # the copy has not the project's .dvc/config
    "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
}


@dataclass(frozen=True)
class Chain:
    """A copy of the project in which `kedro run` has been run once."""

    folder: Path
    output: str
    seconds: float

    def run(self, *command: str, timeout_s: int = 900) -> subprocess.CompletedProcess[str]:
        """A command in the copy, without a network; its output is in the result."""
        return subprocess.run(
            command,
            cwd=self.folder,
            env={**os.environ, **OFFLINE, "MSC_NETWORK_LOG": str(self.folder / NETWORK_LOG)},
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )

    def newest(self, pattern: str) -> Path:
        """The newest version of a dataset, by a pattern below `data/`."""
        return max(self.folder.glob(f"data/{pattern}"))

    def table(self, name: str) -> pd.DataFrame:
        """A table of the run."""
        found = [*self.folder.glob(f"data/*/demo/**/{name}.parquet/*/{name}.parquet")]
        return pd.read_parquet(max(found))

    def json(self, name: str) -> object:
        """A JSON dataset of the run."""
        found = self.folder.glob(f"data/*/demo/embedded/{name}.json/*/{name}.json")
        return json.loads(max(found).read_text())

    @property
    def truth(self) -> list[dict]:
        """What was done to make the demo."""
        return json.loads((self.folder / "data/01_raw/demo/truth.json").read_text())["dialogues"]


def alone(counts: Path) -> tuple[str, ...]:
    """What makes a command run in a network of its own; nothing where that is not allowed."""
    unshare = ("unshare", "--map-root-user", "--net")
    if not shutil.which("unshare") or subprocess.run((*unshare, "true"), check=False).returncode:
        return ()
    return (*unshare, sys.executable, str(NO_NETWORK / "alone.py"), str(counts))


def copy_project(target: Path, cut: Mapping[tuple[str, str, str], int] = CUT) -> None:
    """The project without its data, and smaller by `cut`: (file, block, key) to value."""
    for name in COPIED:
        source = PROJECT / name
        if source.is_dir():
            ignored = shutil.ignore_patterns("__pycache__", "*.egg-info")
            shutil.copytree(source, target / name, ignore=ignored)
        else:
            shutil.copy(source, target / name)
    (target / "conf" / "local").mkdir(exist_ok=True)
    for (file, block, key), value in cut.items():
        path = target / "conf" / "base" / file
        content = yaml.safe_load(path.read_text())
        content[block][key] = value
        path.write_text(yaml.safe_dump(content))


@pytest.fixture(scope="session")
def chain(tmp_path_factory: pytest.TempPathFactory, model_folder) -> Chain:
    """`kedro run` in a copy of the project, offline, models cached."""
    specs = yaml.safe_load((PROJECT / "conf/base/models.yml").read_text())
    for slot in specs:
        if not specs[slot].get("optional"):
            model_folder(slot)
    folder = tmp_path_factory.mktemp("project")
    copy_project(folder)
    begun = time.monotonic()
    kedro = (*alone(folder / NETWORK_COUNTS), sys.executable, "-m", "kedro")
    done = Chain(folder, "", 0.0).run(*kedro, "run")
    output = done.stdout + done.stderr
    assert done.returncode == 0, output[-4000:]
    return Chain(folder, output, time.monotonic() - begun)
