"""`kedro agent import-msenc`, on what is no checkpoint and on a small one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).parents[2]


def kedro(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "kedro", "agent", "import-msenc", *arguments],
        cwd=PROJECT,
        env={**os.environ, "COLUMNS": "120"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_a_checkpoint_becomes_an_adapter(tmp_path: Path) -> None:
    from published_checkpoint import checkpoint, saved
    from toy_agent import write_language_model

    from msc_kedro.training.adapter import load_adapter

    folder = write_language_model(tmp_path / "base")
    file = saved(checkpoint(folder), tmp_path / "10_epochs.tar")
    done = kedro(str(file), "--out", str(tmp_path / "adapter"), "--base", "mine/toy")
    assert done.returncode == 0, done.stderr
    assert "numbers in" in done.stdout and "shared_qformer" in done.stdout
    adapter = load_adapter(tmp_path / "adapter")
    assert adapter.config["base_model"]["name"] == "mine/toy"
    assert adapter.style.modalities == ("text", "audio", "video")


def test_what_is_none_is_one_message(tmp_path: Path) -> None:
    (tmp_path / "x.tar").write_bytes(b"no checkpoint")
    done = kedro(str(tmp_path / "x.tar"), "--out", str(tmp_path / "adapter"))
    assert done.returncode == 1
    assert "was not opened" in done.stderr and "Traceback" not in done.stderr
    assert not (tmp_path / "adapter").exists()
