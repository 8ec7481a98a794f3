"""Killed at any moment and resumed, a run is what it would have been, to the last bit."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from toy_training import run, same

from msc_kedro.training.checkpoint import checkpoint_run, load_checkpoint

HERE = Path(__file__).parent


class Killed(BaseException):
    """What no handler of errors catches."""


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The run that nobody stopped; agents come from the fixture, so it is made once."""
    return {}


def unbroken(whole, make_agent):
    if not whole:
        whole["run"] = run(make_agent(dropout=0.1))
    return whole["run"]


def resumed_is_whole(make_agent, folder, whole):
    torch.manual_seed(99)  # whatever else has drawn since
    resumed = run(make_agent(dropout=0.1), checkpoint_folder=folder)
    expected = unbroken(whole, make_agent)
    assert resumed.history == expected.history
    assert same(resumed.last_state, expected.last_state)
    assert same(resumed.best_state, expected.best_state)
    assert resumed.best_step == expected.best_step
    assert resumed.frozen_valid_loss == expected.frozen_valid_loss


@pytest.mark.parametrize("killed_at", [0, 1, 2, 3, 4, 5])
def test_killed_after_any_step(make_agent, tmp_path, whole, killed_at):
    def kill(row, _steps):
        if row.step == killed_at:
            raise Killed

    with pytest.raises(Killed):
        run(make_agent(dropout=0.1), checkpoint_folder=tmp_path, progress=kill)
    resumed_is_whole(make_agent, tmp_path, whole)


# The operations of a save on the file system; it is killed before the n-th of its second save.
@pytest.mark.parametrize("operation", range(7))
def test_killed_while_saving(make_agent, tmp_path, whole, monkeypatch, operation):
    count = {"saves": 0, "operations": 0}

    def counted(real, starts=False):
        def call(*args, **kwargs):
            count["saves"] += starts
            if count["saves"] == 2:
                count["operations"] += 1
                if count["operations"] == operation + 1:
                    raise Killed
            return real(*args, **kwargs)

        return call

    with monkeypatch.context() as patched:
        patched.setattr("shutil.rmtree", counted(shutil.rmtree))
        patched.setattr(Path, "mkdir", counted(Path.mkdir, starts=False))
        patched.setattr(Path, "replace", counted(Path.replace))
        patched.setattr(Path, "write_text", counted(Path.write_text))
        from msc_kedro.training import loop

        real = loop.save_checkpoint

        def save(*args):
            count["saves"] += 1
            real(*args)

        patched.setattr(loop, "save_checkpoint", save)
        with pytest.raises(Killed):
            run(make_agent(dropout=0.1), checkpoint_folder=tmp_path)
    assert load_checkpoint(tmp_path, run=checkpoint_run(tmp_path)).step in (2, 4)
    resumed_is_whole(make_agent, tmp_path, whole)


def test_killed_twice_between_the_renames(make_agent, tmp_path, whole):
    """The old checkpoint is all there is until the new one is in its place."""

    def kill(row, _steps):
        if row.step == 3:
            raise Killed

    with pytest.raises(Killed):
        run(make_agent(dropout=0.1), checkpoint_folder=tmp_path, progress=kill)
    (tmp_path / "checkpoint").rename(tmp_path / "checkpoint.old")
    resumed_is_whole(make_agent, tmp_path, whole)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["checkpoint"]


def test_a_process_that_is_killed_for_good(tmp_path, language_folder, make_agent):
    """SIGKILL at a moment nobody chose; another process goes on, and the bits are the same."""
    script = HERE / "killed_run.py"

    def start(folder):
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        command = [sys.executable, str(script), str(language_folder), str(folder)]
        return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)

    process = start(tmp_path / "killed")
    state = tmp_path / "killed" / "checkpoint" / "state.json"
    deadline = time.monotonic() + 120
    while not state.is_file() and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    again, unbroken_one = start(tmp_path / "killed"), start(tmp_path / "whole")
    said = [process.communicate()[0] for process in (again, unbroken_one)]
    assert said[0] == said[1] and said[0].startswith("losses")
