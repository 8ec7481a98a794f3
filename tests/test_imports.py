"""What is loaded when: nothing heavy before it is needed."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[1]
STAGES = "ingest segment speaker_assign describe featurize train evaluate synthesize".split()

HEAVY = {
    "torch",
    "torchaudio",
    "transformers",
    "peft",
    "pyannote",
    "faster_whisper",
    "ctranslate2",
    "onnxruntime",
    "hdbscan",
    "sklearn",
    "scipy",
    "av",
    "cv2",
    "scenedetect",
    "plotly",
    "matplotlib",
}


def loaded_by(*modules: str) -> set[str]:
    """Top-level packages that a fresh process has loaded after importing the modules."""
    code = (
        f"import importlib, sys\n[importlib.import_module(name) for name in {modules!r}]\n"
        "print(' '.join({name.partition('.')[0] for name in sys.modules}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


def test_the_package_alone_loads_next_to_nothing() -> None:
    loaded = loaded_by("msc_kedro", "msc_kedro.tables", "msc_kedro.models", "msc_kedro.errors")
    assert not loaded & (HEAVY | {"pandas", "numpy", "pandera", "kedro"})


def test_every_module_of_ours_is_light() -> None:
    """All of them in one process: what one loads, none loads."""
    source = PROJECT / "src"
    modules = [
        ".".join(path.relative_to(source).with_suffix("").parts)
        for path in sorted(source.glob("msc_kedro/**/*.py"))
        if path.name != "__init__.py"
        # Layers and losses: imported by functions, where torch is needed anyway.
        and "\nimport torch\n" not in path.read_text(encoding="utf-8")
    ]
    nodes = {f"msc_kedro.pipelines.{stage}.nodes" for stage in STAGES}
    assert nodes <= set(modules)
    assert not loaded_by(*modules) & HEAVY


@pytest.mark.parametrize("stage", ["train", "segment"])
def test_nodes_of_a_pipeline_load_no_torch(stage: str) -> None:
    assert not loaded_by(f"msc_kedro.pipelines.{stage}.nodes") & HEAVY


def test_help_within_a_second_and_a_half() -> None:
    seconds = []
    for _ in range(3):
        begun = time.monotonic()
        done = subprocess.run(
            [sys.executable, "-m", "kedro", "--help"],
            cwd=PROJECT,
            env={**os.environ, "COLUMNS": "100"},
            capture_output=True,
            text=True,
            check=False,
        )
        seconds.append(time.monotonic() - begun)
        assert done.returncode == 0 and "run" in done.stdout and "models" in done.stdout
        if seconds[-1] < 1.5:
            break
    assert min(seconds) < 1.5


def test_nothing_phones_home() -> None:
    import configparser

    import yaml

    assert yaml.safe_load((PROJECT / ".telemetry").read_text()) == {"consent": False}
    dvc = configparser.ConfigParser()
    dvc.read(PROJECT / ".dvc" / "config")
    assert dvc.getboolean("core", "analytics") is False
    names = ("PYANNOTE_METRICS_ENABLED", "KEDRO_DISABLE_TELEMETRY", "HF_HUB_DISABLE_TELEMETRY")
    code = (
        "import msc_kedro.pipelines, os\n"
        "import msc_kedro.listening.diarization\n"
        f"print([os.environ.get(name) for name in {names!r}])"
    )
    clean = {name: value for name, value in os.environ.items() if name not in names}
    for asked, expected in ({}, "['0', '1', '1']"), ({names[0]: "1"}, "['1', '1', '1']"):
        done = subprocess.run(
            [sys.executable, "-c", code],
            env={**clean, **asked},
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.strip() == expected  # off, unless the user switches it on
