"""Killed at any moment of any stage, the same command goes on and ends with the same results."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import subprocess
import sys
import threading
import time
from itertools import pairwise
from pathlib import Path

import pytest
from e2e.conftest import OFFLINE, copy_project

pytestmark = pytest.mark.e2e

RUN = (sys.executable, "-m", "kedro", "run")
KILLS = 10
STAGE = re.compile(r"\[\d/\d\] (\w+) …")
SMALL = {
    ("parameters.yml", "demo", "dialogues"): 3,
    ("parameters_train.yml", "train", "max_steps"): 8,
    ("parameters_train.yml", "train", "eval_every_steps"): 4,
    ("parameters_train.yml", "train", "checkpoint_every_steps"): 2,
    ("parameters_evaluate.yml", "evaluate", "max_new_tokens"): 16,
}


def start(folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        RUN,
        cwd=folder,
        env={**os.environ, **OFFLINE, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,  # killed with all that it started
    )


class Watched:
    """A run whose stages are seen as they begin."""

    def __init__(self, folder: Path) -> None:
        self.process = start(folder)
        self.lines: list[str] = []
        self.stages: dict[str, float] = {}  # when each began
        self._news = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        for line in self.process.stdout or ():
            with self._news:
                self.lines.append(line)
                if begun := STAGE.search(line):
                    self.stages[begun[1]] = time.monotonic()
                self._news.notify_all()

    def wait_for(self, stage: str) -> None:
        """Until a stage begins, or the run ends."""
        with self._news:
            while stage not in self.stages and self.process.poll() is None:
                self._news.wait(0.05)

    def end(self) -> int:
        code = self.process.wait(timeout=600)
        self._reader.join(timeout=60)
        return code

    def kill(self) -> bool:
        """SIGKILL; False where the run had ended before."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        return self.end() == -signal.SIGKILL


def results(folder: Path) -> dict[str, object]:
    """Of each dataset the content of its newest version, by its fingerprint."""
    found: dict[str, object] = {}
    for record in sorted(folder.glob("data/0*/**/descent.json")):  # the newest comes last
        name = record.parents[1].relative_to(folder / "data").as_posix()
        found[name] = json.loads(record.read_text())
    for path in sorted((folder / "data/01_raw/demo").iterdir()):
        found[path.name] = path.read_bytes()
    return found


def test_the_same_results_after_ten_kills(tmp_path: Path, model_folder) -> None:
    model_folder("asr")
    calm, killed = tmp_path / "calm", tmp_path / "killed"
    for folder in (calm, killed):
        folder.mkdir()
        copy_project(folder, cut=SMALL)
    undisturbed = Watched(calm)
    assert undisturbed.end() == 0, "".join(undisturbed.lines[-40:])
    began = [*undisturbed.stages.values(), time.monotonic()]
    times = [end - begin for begin, end in pairwise(began)]
    lasted = dict(zip(undisturbed.stages, times, strict=True))
    assert len(lasted) == 9

    draw = random.Random(20)
    stages = sorted([*lasted, draw.choice(list(lasted))], key=list(lasted).index)
    assert len(stages) == KILLS
    told = []
    for stage in stages:
        moment = draw.uniform(0, 0.7) * lasted[stage]
        run = Watched(killed)
        run.wait_for(stage)
        time.sleep(moment)
        told.append((stage, round(moment, 1), run.kill()))
    assert all(died for *_, died in told), told
    last = Watched(killed)
    assert last.end() == 0, "".join(last.lines[-40:])

    expected, found = results(calm), results(killed)
    assert found.keys() == expected.keys()
    assert {name for name in expected if found[name] != expected[name]} == set()
