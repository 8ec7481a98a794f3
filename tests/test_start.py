"""What start.py decides. Nothing is installed here."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

PROJECT = Path(__file__).parents[1]


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """start.py as a module, its environment in `tmp_path`."""
    spec = importlib.util.spec_from_file_location("start", PROJECT / "start.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "ENVIRONMENT", tmp_path / ".venv")
    monkeypatch.setattr(module, "PYTHON", tmp_path / ".venv" / "bin" / "python")
    monkeypatch.setattr(module, "STAMP", tmp_path / ".venv" / "stamp.txt")
    return module


@pytest.fixture
def commands(start: ModuleType, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Every command that start.py runs; all of them go well."""
    ran: list[list[str]] = []

    def run(command: tuple[Any, ...], **options: Any) -> SimpleNamespace:
        ran.append([str(part) for part in command])
        return SimpleNamespace(returncode=0, stdout="", stderr="")

    class Builder:
        def __init__(self, **options: Any) -> None:
            pass

        def create(self, folder: Path) -> None:
            ran.append(["venv", str(folder)])
            start.PYTHON.parent.mkdir(parents=True)
            start.PYTHON.touch()

    monkeypatch.setattr(start.subprocess, "run", run)
    monkeypatch.setattr(start.venv, "EnvBuilder", Builder)
    return ran


def report(*needs: str) -> str:
    """pip's report on what it would install."""
    package = {"metadata": {"name": "torch", "version": "2.13.0", "requires_dist": list(needs)}}
    return json.dumps({"version": "1", "install": [package]})


@pytest.mark.parametrize(
    ("platform", "answer", "is_cpu"),
    [
        ("linux", (0, report("filelock", "sympy>=1.13.3")), True),
        ("linux", (0, report()), True),
        ("linux", (0, report("filelock", 'nvidia-cublas==13; platform_system == "Linux"')), False),
        ("linux", (0, report("cuda-toolkit[cudart]==13.0.2")), False),
        ("darwin", (0, report("nvidia-cublas==13")), True),
        ("linux", (1, ""), False),
    ],
    ids=["cpu", "no needs", "nvidia", "cuda", "mac", "pip fails"],
)
def test_which_build_pip_would_take(
    start: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    platform: str,
    answer: tuple[int, str],
    is_cpu: bool,
) -> None:
    asked: list[list[str]] = []

    def run(command: list[Any], **options: Any) -> SimpleNamespace:
        asked.append([str(part) for part in command])
        return SimpleNamespace(returncode=answer[0], stdout=answer[1])

    monkeypatch.setattr(start.subprocess, "run", run)
    monkeypatch.setattr(start.sys, "platform", platform)
    assert start.default_torch_is_cpu() is is_cpu
    (command,) = asked
    assert {"--dry-run", "--no-deps", "--report", start.TORCH} <= set(command)


@pytest.mark.parametrize(
    ("gpu", "plain", "index", "told"),
    [
        (True, False, False, "with CUDA"),
        (False, True, False, "CPU build from pip's own sources"),
        (False, False, True, "CPU build from https://download.pytorch.org"),
    ],
)
def test_torch_by_what_is_there(
    start: ModuleType,
    commands: list[list[str]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    gpu: bool,
    plain: bool,
    index: bool,
    told: str,
) -> None:
    monkeypatch.setattr(start, "has_gpu", lambda: gpu)
    monkeypatch.setattr(start, "default_torch_is_cpu", lambda: plain)
    start.install_torch()
    (command,) = commands
    assert start.TORCH in command and ("--index-url" in command) is index
    assert told in capsys.readouterr().out


@pytest.mark.skipif(sys.platform == "win32", reason="the fake driver is a shell script")
@pytest.mark.parametrize(
    ("script", "found"),
    [
        ("echo 'GPU 0: NVIDIA H200 (UUID: GPU-0)'", True),
        ("echo 'NVIDIA-SMI has failed' >&2; exit 9", False),
        ("echo 'No devices were found'", False),
        (None, False),
    ],
)
def test_a_gpu_is_there_when_its_driver_answers(
    start: ModuleType,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    script: str | None,
    found: bool,
) -> None:
    if script is not None:
        (tmp_path / "nvidia-smi").write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / "nvidia-smi").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert start.has_gpu() is found


@pytest.mark.parametrize("version", [(3, 10, 4), (3, 12, 0)])
def test_another_python_is_named(
    start: ModuleType,
    commands: list[list[str]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    version: tuple[int, int, int],
) -> None:
    monkeypatch.setattr(start.sys, "version_info", version)
    assert start.main([]) == 1
    said = capsys.readouterr().err
    found = ".".join(map(str, version))
    assert f"Python 3.11 is needed, this is {found}. Run: python3.11 start.py" in said
    assert commands == []


def pip_runs(commands: list[list[str]]) -> list[list[str]]:
    return [command for command in commands if command[1:3] == ["-m", "pip"]]


def test_set_up_once(
    start: ModuleType, commands: list[list[str]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(start, "has_gpu", lambda: True)
    start.set_up()
    assert commands[0][0] == "venv"
    torch, project, parler = pip_runs(commands)
    assert start.TORCH in torch and f"{PROJECT}[dev]" in project and "--no-deps" in parler
    assert commands[-1][1:] == ["-m", "kedro", "models", "fetch"]

    commands.clear()
    start.set_up()
    assert [command[1:] for command in commands] == [["-m", "kedro", "models", "fetch"]]

    commands.clear()
    changed = tmp_path / "constraints.txt"
    changed.write_text("kedro==9\n")
    monkeypatch.setattr(start, "CONSTRAINTS", changed)
    start.set_up()
    assert len(pip_runs(commands)) == 3
    assert all(command[0] != "venv" for command in commands)  # that one is kept


def test_a_lost_environment_is_made_again(
    start: ModuleType, commands: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The stamp alone is no environment: its Python may have gone with an upgrade."""
    monkeypatch.setattr(start, "has_gpu", lambda: True)
    start.set_up()
    start.PYTHON.unlink()
    start.PYTHON.parent.rmdir()
    commands.clear()
    start.set_up()
    assert commands[0][0] == "venv" and len(pip_runs(commands)) == 3


def test_a_failed_step_leaves_no_stamp_and_is_named(
    start: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    start.PYTHON.parent.mkdir(parents=True)
    start.PYTHON.touch()

    def run(command: tuple[Any, ...], **options: Any) -> None:
        raise subprocess.CalledProcessError(1, command)

    monkeypatch.setattr(start, "has_gpu", lambda: True)
    monkeypatch.setattr(start.subprocess, "run", run)
    assert start.main(["setup"]) == 1
    said = capsys.readouterr().err
    assert "This step failed: " in said and "run the same command again" in said
    assert not start.STAMP.exists()


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], ["-m", "kedro", "run"]),
        (["run", "--pipeline", "train"], ["-m", "kedro", "run", "--pipeline", "train"]),
        (["test", "-k", "media"], ["-m", "pytest", "-k", "media"]),
        (["setup"], None),
    ],
)
def test_what_is_run(
    start: ModuleType,
    commands: list[list[str]],
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    expected: list[str] | None,
) -> None:
    monkeypatch.setattr(start, "set_up", lambda: None)
    assert start.main(arguments) == 0
    assert [command[1:] for command in commands] == ([] if expected is None else [expected])


@pytest.mark.parametrize(("word", "status"), [("--help", 0), ("-h", 0), ("rnu", 2)])
def test_help_and_unknown_words(
    start: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    word: str,
    status: int,
) -> None:
    set_up: Callable[[], None] = lambda: pytest.fail("nothing is set up for this")  # noqa: E731
    monkeypatch.setattr(start, "set_up", set_up)
    assert start.main([word]) == status
    assert "python3.11 start.py test" in capsys.readouterr().out


def test_the_tested_torch_is_the_declared_one(start: ModuleType) -> None:
    constraints = (PROJECT / "requirements" / "constraints.txt").read_text().split()
    assert start.TORCH in constraints
    assert f'"{start.TORCH}"' in (PROJECT / "pyproject.toml").read_text()
