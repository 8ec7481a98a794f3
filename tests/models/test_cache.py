"""The cache: whole or not there, no network twice, one fetch for many processes."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from msc_kedro.errors import MscKedroError
from msc_kedro.models import cache_root, ensure, ensure_all, receipt, verify

WEIGHTS = bytes(range(256)) * 40

Make = Callable[..., Any]

# A step that a test can kill half way, and that counts how often it was called.
STEP = """
import os
from pathlib import Path

def prepare(fetched, target):
    with open(os.environ["CALLS"], "a") as calls:
        calls.write("x")
    (target / "half.bin").write_bytes(b"half")
    if os.environ.get("DIE"):
        os._exit(9)
    (target / "made.bin").write_bytes((fetched / "model.bin").read_bytes()[::-1])
"""
RUN = """
import sys
from pathlib import Path
from msc_kedro.models import ModelSpec, ensure
print(ensure(ModelSpec.model_validate_json(sys.argv[1]), cache=Path(sys.argv[2])))
"""


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "model.bin").write_bytes(WEIGHTS)
    return folder


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: Any, **kwargs: Any) -> None:
        raise AssertionError("the network was touched")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)
    monkeypatch.setattr(subprocess, "Popen", refuse)


def test_what_is_cached_touches_no_network(
    make_spec: Make, mine: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    cache = tmp_path / "cache"
    before = ensure(make_spec({"folder": str(mine)}), cache=cache)
    request.getfixturevalue("no_network")
    hub = {"repo": "some/where", "revision": "main", "files": {"model.bin": "model.bin"}}
    spec = make_spec(hub)
    assert ensure(spec, cache=cache) == before
    assert ensure_all([spec], cache=cache) == {"tiny": before}
    assert verify(spec, cache=cache) == ()


def test_a_cut_file_is_fetched_again(make_spec: Make, mine: Path, tmp_path: Path) -> None:
    spec = make_spec({"folder": str(mine)})
    file = ensure(spec, cache=tmp_path) / "model.bin"
    file.write_bytes(WEIGHTS[:-1])
    assert receipt(spec, cache=tmp_path) is None
    assert (ensure(spec, cache=tmp_path) / "model.bin").read_bytes() == WEIGHTS


def test_verify_finds_a_turned_byte(make_spec: Make, mine: Path, tmp_path: Path) -> None:
    spec = make_spec({"folder": str(mine)})
    assert "kedro models fetch tiny" in verify(spec, cache=tmp_path)[0]
    file = ensure(spec, cache=tmp_path) / "model.bin"
    file.write_bytes(b"x" + WEIGHTS[1:])
    assert receipt(spec, cache=tmp_path) is not None  # the size is right
    wrong, advice = verify(spec, cache=tmp_path)
    assert str(file) in wrong and "expected" in wrong
    assert advice == f"delete {file.parent} and run `kedro models fetch tiny`"


def test_a_broken_marker_does_not_count(make_spec: Make, mine: Path, tmp_path: Path) -> None:
    spec = make_spec({"folder": str(mine)})
    folder = ensure(spec, cache=tmp_path)
    (folder / "_SUCCESS").write_text("{")
    assert receipt(spec, cache=tmp_path) is None
    assert verify(spec, cache=tmp_path)[0].endswith("fetch it again")
    ensure(spec, cache=tmp_path)
    assert verify(spec, cache=tmp_path) == ()


def _start(spec: Any, cache: Path, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", RUN, spec.model_dump_json(), str(cache)],
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_fetch_that_is_killed_leaves_nothing_that_counts(
    make_spec: Make, mine: Path, tmp_path: Path
) -> None:
    (tmp_path / "step.py").write_text(STEP)
    spec = make_spec({"folder": str(mine)}, prepare={"function": "step.prepare"})
    there = {"PYTHONPATH": str(tmp_path), "CALLS": str(tmp_path / "calls")}
    cache = tmp_path / "cache"
    killed = _start(spec, cache, DIE="1", **there)
    killed.communicate(timeout=60)
    assert killed.returncode == 9
    assert receipt(spec, cache=cache) is None
    assert list(cache.rglob("half.bin")), "it was not killed half way"
    again = _start(spec, cache, **there)
    printed, _ = again.communicate(timeout=60)
    folder = Path(printed.strip())
    assert (folder / "made.bin").read_bytes() == WEIGHTS[::-1]
    assert not (folder / "model.bin").exists()
    assert [path.name for path in folder.parent.iterdir() if path.is_dir()] == [folder.name]
    kept = receipt(spec, cache=cache)
    assert kept is not None and set(kept.files) == {"made.bin", "half.bin"}
    assert verify(spec, cache=cache) == ()


def test_processes_that_want_one_model_fetch_it_once(
    make_spec: Make, mine: Path, tmp_path: Path
) -> None:
    (tmp_path / "step.py").write_text(STEP)
    spec = make_spec({"folder": str(mine)}, prepare={"function": "step.prepare"})
    there = {"PYTHONPATH": str(tmp_path), "CALLS": str(tmp_path / "calls")}
    started = [_start(spec, tmp_path / "cache", **there) for _ in range(3)]
    printed = {process.communicate(timeout=60)[0] for process in started}
    assert [process.returncode for process in started] == [0, 0, 0]
    assert len(printed) == 1
    assert (tmp_path / "calls").read_text() == "x"


def test_a_cache_that_cannot_be_written(make_spec: Make, mine: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    spec = make_spec({"folder": str(mine)})
    with pytest.raises(MscKedroError, match="MSC_KEDRO_CACHE"):
        ensure(spec, cache=tmp_path / "file" / "cache")
    with pytest.raises(MscKedroError, match="MSC_KEDRO_CACHE"):
        ensure_all([spec], cache=tmp_path / "file" / "cache")


def test_one_model_that_fails_does_not_stop_the_others(
    make_spec: Make, mine: Path, tmp_path: Path
) -> None:
    bad = make_spec({"folder": str(tmp_path / "none")}, slot="bad")
    good = make_spec({"folder": str(mine)}, slot="good")
    with pytest.raises(MscKedroError, match="The model bad"):
        ensure_all([bad, good], cache=tmp_path)
    assert receipt(good, cache=tmp_path) is not None


def test_the_cache_moves_with_the_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("MSC_KEDRO_CACHE", str(tmp_path / "elsewhere"))
    assert cache_root() == (tmp_path / "elsewhere").resolve()
    monkeypatch.delenv("MSC_KEDRO_CACHE")
    assert "msc_kedro" in cache_root().parts[-1]


def test_the_import_is_light() -> None:
    code = (
        "import sys, msc_kedro.models; print([name for name in "
        "('torch', 'transformers', 'huggingface_hub', 'kedro', 'rich', 'numpy') "
        "if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
