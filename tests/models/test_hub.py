"""The model hub as a source: a small server that answers as the hub does, in its own process."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save

COMMIT = "a" * 40
CONFIG = b'{"model_type": "tiny"}'
RUN = """
import sys
from pathlib import Path
from msc_kedro.errors import MscKedroError
from msc_kedro.models import ModelSpec, ensure, receipt
spec, cache = ModelSpec.model_validate_json(sys.argv[1]), Path(sys.argv[2])
try:
    print(ensure(spec, cache=cache))
    print(receipt(spec, cache=cache).source)
except MscKedroError as error:
    sys.exit(str(error))
"""


@pytest.fixture(scope="module")
def checkpoint() -> dict[str, bytes]:
    weights = {"layer.weight": np.random.default_rng(0).normal(size=(4, 3)).astype("float32")}
    return {"model.safetensors": save(weights), "config.json": CONFIG}


@contextmanager
def hub(
    files: dict[str, bytes], *, refuses: tuple[int, str] | None = None
) -> Iterator[tuple[str, list[str]]]:
    """Serves files of repository some/model at any revision; gives its address and the requests.

    `refuses` is the status and the error code of every answer instead.
    """
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self._answer(body=False)

        def do_GET(self) -> None:
            self._answer(body=True)

        def _answer(self, *, body: bool) -> None:
            asked.append(f"{self.command} {self.path}")
            repo, _, rest = self.path.removeprefix("/").partition("/resolve/")
            content = files.get(rest.partition("/")[2]) if repo == "some/model" else None
            if refuses is not None:
                content = None
            self.send_response(200 if content is not None else refuses[0] if refuses else 404)
            if refuses is not None:
                self.send_header("X-Error-Code", refuses[1])
            elif content is None:
                self.send_header("X-Error-Code", "EntryNotFound")
            self.send_header("X-Repo-Commit", COMMIT)
            self.send_header("ETag", f'"{hashlib.sha256(content or b"").hexdigest()}"')
            self.send_header("Content-Length", str(len(content or b"")))
            self.end_headers()
            if body and content is not None:
                self.wfile.write(content)

        def log_message(self, format: str, *args: Any) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        server.server_close()


def _run(
    spec: Any, cache: Path, address: str, home: Path, **more: str
) -> subprocess.CompletedProcess[str]:
    """In its own process: the hub's library reads its settings when it is imported."""
    known = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
    return subprocess.run(
        [sys.executable, "-c", RUN, spec.model_dump_json(), str(cache)],
        env={**known, "HF_ENDPOINT": address, "HF_HOME": str(home), "NO_PROXY": "*", **more},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def _source(**changed: Any) -> dict[str, Any]:
    files = {"model.safetensors": "model.safetensors", "config.json": "config.json"}
    return {"repo": "some/model", "revision": "main", "files": files, **changed}


def test_a_checkpoint_from_the_hub(
    make_spec: Callable[..., Any], checkpoint: dict[str, bytes], tmp_path: Path
) -> None:
    spec = make_spec(_source(), files=checkpoint)
    with hub(checkpoint) as (address, asked):
        done = _run(spec, tmp_path / "cache", address, tmp_path / "home")
        assert done.returncode == 0, done.stderr
        folder, source = done.stdout.splitlines()
        assert source == "hub some/model@main"
        assert load_file(Path(folder) / "model.safetensors")["layer.weight"].shape == (4, 3)
        assert (Path(folder) / "config.json").read_bytes() == CONFIG
        count = len(asked)
        again = _run(spec, tmp_path / "cache", address, tmp_path / "home", HF_HUB_OFFLINE="1")
        assert again.stdout == done.stdout
        assert len(asked) == count
    # The hub's own cache, filled before, serves an empty cache of ours offline.
    offline = _run(spec, tmp_path / "new", address, tmp_path / "home", HF_HUB_OFFLINE="1")
    assert offline.returncode == 0, offline.stderr


def test_files_under_other_names_in_the_repository(
    make_spec: Callable[..., Any], checkpoint: dict[str, bytes], tmp_path: Path
) -> None:
    spec = make_spec(
        _source(files={"here.bin": "deep/there.bin"}), files={"here.bin": b"some weights"}
    )
    with hub({"deep/there.bin": b"some weights"}) as (address, _):
        done = _run(spec, tmp_path / "cache", address, tmp_path / "home")
    assert done.returncode == 0, done.stderr
    assert (Path(done.stdout.splitlines()[0]) / "here.bin").read_bytes() == b"some weights"


def test_other_bytes_on_the_hub_are_not_used(
    make_spec: Callable[..., Any], checkpoint: dict[str, bytes], tmp_path: Path
) -> None:
    spec = make_spec(_source(), files=checkpoint)
    with hub({**checkpoint, "config.json": b'{"model_type": "evil"}'}) as (address, _):
        done = _run(spec, tmp_path / "cache", address, tmp_path / "home")
    assert done.returncode == 1
    assert "1. hub some/model@main: config.json is another file than expected" in done.stderr


def test_a_file_that_the_hub_lacks(
    make_spec: Callable[..., Any], checkpoint: dict[str, bytes], tmp_path: Path
) -> None:
    spec = make_spec(_source(), files=checkpoint)
    with hub({"config.json": CONFIG}) as (address, _):
        done = _run(spec, tmp_path / "cache", address, tmp_path / "home")
    assert done.returncode == 1
    assert "1. hub some/model@main: " in done.stderr and "Traceback" not in done.stderr


def test_offline_without_a_cache_says_what_to_do(
    make_spec: Callable[..., Any], checkpoint: dict[str, bytes], tmp_path: Path
) -> None:
    spec = make_spec(_source(), files=checkpoint)
    done = _run(
        spec, tmp_path / "cache", "http://127.0.0.1:9", tmp_path / "home", HF_HUB_OFFLINE="1"
    )
    assert done.returncode == 1
    assert "kedro models fetch tiny" in done.stderr and "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("status", "code"), [(401, "GatedRepo"), (403, "GatedRepo"), (401, "RepoNotFound"), (403, "")]
)
@pytest.mark.parametrize("token", [None, "hf_made_up_for_this_test"])
def test_terms_that_are_not_accepted(
    make_spec: Callable[..., Any],
    checkpoint: dict[str, bytes],
    tmp_path: Path,
    status: int,
    code: str,
    token: str | None,
) -> None:
    """One message: the page, the variable, the command; never the token."""
    spec = make_spec(_source(), files=checkpoint)
    with hub(checkpoint, refuses=(status, code)) as (address, _):
        more = {"HF_TOKEN": token} if token else {}
        done = _run(spec, tmp_path / "cache", address, tmp_path / "home", **more)
    assert done.returncode == 1
    told = done.stderr
    assert "https://huggingface.co/some/model\n" in told
    assert "HF_TOKEN" in told and "kedro models fetch tiny" in told
    assert ("A token was sent" in told) == (token is not None)
    assert "Traceback" not in told and "none of its sources" not in told
    assert token is None or token not in told


def test_all_pages_are_told_at_once() -> None:
    from msc_kedro.models.access import NeedsAccess, needs_access

    told = str(
        needs_access(
            [
                NeedsAccess([("segmentation", "a/segmentation")], with_token=False),
                NeedsAccess([("diarization", "a/diarization")], with_token=False),
            ]
        )
    )
    assert "huggingface.co/a/segmentation" in told and "huggingface.co/a/diarization" in told
    assert "kedro models fetch segmentation diarization" in told
    assert told.count("HF_TOKEN") == 1
