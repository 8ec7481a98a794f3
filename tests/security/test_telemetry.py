"""No library tells anybody of a run, unless the user asks for it: each library is asked itself."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path

import pytest
import yaml

from msc_kedro._environment import TELEMETRY

PROJECT = Path(__file__).parents[2]
TRACKED = ("DO_NOT_TRACK", "CI", "GITHUB_REPOSITORY_OWNER", "DVC_TEST", *TELEMETRY)

# Each prints whether its library would send.
ASKED = {
    "kedro": (
        "from kedro_telemetry.plugin import _check_for_telemetry_consent as consent;"
        "print(consent(None) is not False)"
    ),
    "dvc": "from dvc.analytics import is_enabled; print(is_enabled())",
    "hub": ("from huggingface_hub import constants; print(not constants.HF_HUB_DISABLE_TELEMETRY)"),
    "pyannote": (
        "from pyannote.audio.telemetry.metrics import is_metrics_enabled as enabled;"
        "print(enabled())"
    ),
}
SWITCH = {
    "kedro": {"KEDRO_DISABLE_TELEMETRY": ""},
    "dvc": {"DVC_NO_ANALYTICS": ""},
    "hub": {"HF_HUB_DISABLE_TELEMETRY": "0"},
    "pyannote": {"PYANNOTE_METRICS_ENABLED": "1"},
}
IMPORT = "import msc_kedro;"
ONNX = (
    "import onnxruntime, swift_f0, pathlib;"
    "model = pathlib.Path(swift_f0.__file__).parent / 'model.onnx';"
    "onnxruntime.InferenceSession(str(model), providers=['CPUExecutionProvider'])"
)


def run(code: str, home: Path, *before: str, **switches: str) -> str:
    """What a fresh Python prints, with none of the switches set but those given."""
    kept = {name: value for name, value in os.environ.items() if name not in TRACKED}
    places = {"HOME": str(home), "XDG_CACHE_HOME": "", "XDG_CONFIG_HOME": ""}
    done = subprocess.run(
        [*before, sys.executable, "-c", code],
        env={**kept, **places, **switches},
        cwd=home,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip().splitlines()[-1] if done.stdout.strip() else ""


SLOW = pytest.param("pyannote", marks=pytest.mark.real)  # 6 s to import


@pytest.mark.parametrize("library", ["kedro", "dvc", "hub", SLOW])
def test_off_by_default_and_on_where_the_user_says_so(library: str, tmp_path: Path) -> None:
    assert run(IMPORT + ASKED[library], tmp_path) == "False"
    assert run(IMPORT + ASKED[library], tmp_path, **SWITCH[library]) == "True"


@pytest.mark.parametrize("library", ["kedro", "dvc", "hub"])
def test_without_us_it_would_send(library: str, tmp_path: Path) -> None:
    """Else the test above says nothing. (pyannote's answer needs its variable.)"""
    assert run(ASKED[library], tmp_path) == "True"


def identity(home: Path) -> list[str]:
    """What onnxruntime keeps to know a machine again."""
    return [path.name for path in home.rglob("*") if "onnxruntime" in str(path)]


def test_onnxruntime_makes_no_identity_of_the_machine(tmp_path: Path) -> None:
    """It sends from native code, which can be asked in no other way."""
    run(IMPORT + ONNX, tmp_path)
    assert identity(tmp_path) == []


def test_onnxruntime_would_make_one(tmp_path: Path) -> None:
    alone = ("unshare", "--map-root-user", "--net")  # it is not to send for a test
    if not shutil.which("unshare") or subprocess.run((*alone, "true"), check=False).returncode:
        pytest.skip("this machine lets nobody make a network namespace (unshare)")
    run(IMPORT + ONNX, tmp_path, *alone, ORT_DISABLE_TELEMETRY="0")
    if not identity(tmp_path):
        pytest.skip("this build of onnxruntime keeps no identity")


def test_the_import_sets_all_switches_and_leaves_the_users(tmp_path: Path) -> None:
    tell = "import os, json; print(json.dumps(dict(os.environ)))"
    found = json.loads(run(IMPORT + tell, tmp_path))
    assert {name: found[name] for name in TELEMETRY} == TELEMETRY
    assert found["DO_NOT_TRACK"] == "1"
    for name in TELEMETRY:
        chosen = json.loads(run(IMPORT + tell, tmp_path, **{name: "mine"}))
        assert chosen[name] == "mine"
        # It would overrule what the user has just switched on.
        assert "DO_NOT_TRACK" not in chosen
        assert {n: chosen[n] for n in TELEMETRY if n != name} == {
            n: value for n, value in TELEMETRY.items() if n != name
        }
    assert json.loads(run(IMPORT + tell, tmp_path, DO_NOT_TRACK="0"))["DO_NOT_TRACK"] == "0"


def test_what_starts_before_us_has_it_in_its_own_files(tmp_path: Path) -> None:
    """`dvc repro` and `kedro` begin before this package is imported."""
    config = ConfigParser()
    config.read_string((PROJECT / ".dvc/config").read_text().replace("\n    ", "\n"))
    assert config["core"]["analytics"] == config["core"]["check_update"] == "false"
    assert yaml.safe_load((PROJECT / ".telemetry").read_text()) == {"consent": False}
    (tmp_path / ".dvc").mkdir()
    shutil.copy(PROJECT / ".dvc/config", tmp_path / ".dvc/config")
    shutil.copy(PROJECT / ".telemetry", tmp_path)
    assert run(ASKED["dvc"], tmp_path) == "False"
    consent = ASKED["kedro"].replace("(None)", "(pathlib.Path.cwd())")
    assert run(f"import pathlib; {consent}", tmp_path) == "False"
