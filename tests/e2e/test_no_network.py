"""The chain touches no network: neither its Python nor the native code below it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from e2e.conftest import NETWORK_COUNTS, NETWORK_LOG, OFFLINE, Chain, alone

pytestmark = pytest.mark.e2e

# A library of numbers is called without the hook: what it does is seen by the kernel alone.
BY_THE_KERNEL = """
import ctypes, socket, struct
c = ctypes.CDLL(None)
one = c.socket(socket.AF_INET, socket.SOCK_STREAM, 0)
where = struct.pack("=H2s4s8x", socket.AF_INET, struct.pack("!H", 9), bytes([127, 0, 0, 1]))
assert c.connect(one, where, len(where)) == -1
"""
ATTEMPTS = {
    "connect": "socket.socket().connect(('127.0.0.1', 9))",
    "connect_ex": "socket.socket().connect_ex(('127.0.0.1', 9))",
    "version 6": "socket.socket(socket.AF_INET6).connect(('::1', 9))",
    "sendto": "socket.socket(type=socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', 9))",
    "name": "socket.getaddrinfo('example.org', 80)",
    "create_connection": "socket.create_connection(('127.0.0.1', 9))",
    "urllib": "import urllib.request; urllib.request.urlopen('http://127.0.0.1:9')",
    "requests": "import requests; requests.get('http://127.0.0.1:9')",
}


def noted(folder: Path) -> list[dict[str, Any]]:
    path = folder / NETWORK_LOG
    return [json.loads(line) for line in path.read_text().splitlines()] if path.is_file() else []


def test_no_python_of_the_chain_tried(chain: Chain) -> None:
    lines = noted(chain.folder)
    under_the_block = [" ".join(line["command"]) for line in lines if line["what"] == "begun"]
    assert any("-m kedro run" in command for command in under_the_block)
    assert [line for line in lines if line["what"] == "attempt"] == []


def test_no_native_code_of_the_chain_tried(chain: Chain) -> None:
    path = chain.folder / NETWORK_COUNTS
    if not path.is_file():
        pytest.skip("this machine lets nobody make a network namespace (unshare)")
    counts = json.loads(path.read_text())
    assert counts and set(counts.values()) == {0}, counts


@pytest.mark.parametrize("attempt", ATTEMPTS)
def test_the_block_stops_and_notes(tmp_path: Path, attempt: str) -> None:
    done = Chain(tmp_path, "", 0.0).run(sys.executable, "-c", f"import socket; {ATTEMPTS[attempt]}")
    assert done.returncode != 0
    assert "the network is blocked for this test" in done.stderr
    tried = [line for line in noted(tmp_path) if line["what"] == "attempt"]
    assert tried and tried[0]["command"][1] == "-c"


def test_sockets_within_the_machine_stay(tmp_path: Path) -> None:
    code = "import socket; a, b = socket.socketpair(); a.sendall(b'x'); assert b.recv(1) == b'x'"
    done = Chain(tmp_path, "", 0.0).run(sys.executable, "-c", code)
    assert done.returncode == 0, done.stderr
    assert [line["what"] for line in noted(tmp_path)] == ["begun"]


def test_child_processes_are_under_the_block(tmp_path: Path) -> None:
    inner = f"import socket; {ATTEMPTS['connect']}"
    code = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {inner!r}])"
    Chain(tmp_path, "", 0.0).run(sys.executable, "-c", code)
    assert [line["what"] for line in noted(tmp_path)] == ["begun", "begun", "attempt"]


def test_the_kernel_counts_what_python_does_not_see(tmp_path: Path) -> None:
    counts = tmp_path / "counts.json"
    if not alone(counts):
        pytest.skip("this machine lets nobody make a network namespace (unshare)")
    for code, tried in ((BY_THE_KERNEL, True), ("", False)):
        done = subprocess.run(
            (*alone(counts), sys.executable, "-c", code),
            env={**os.environ, **OFFLINE, "MSC_NETWORK_LOG": str(tmp_path / NETWORK_LOG)},
            check=False,
        )
        assert done.returncode == 0
        assert any(json.loads(counts.read_text()).values()) == tried
    assert {line["what"] for line in noted(tmp_path)} == {"begun"}
