"""A bar on a terminal, and nothing anywhere else."""

import sys

import pytest

from msc_kedro.execution.progress import steps


@pytest.mark.parametrize("terminal", [False, True])
def test_items_come_through(
    terminal: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal, raising=False)
    assert list(steps([3, 1, 2], title="counting")) == [3, 1, 2]
    assert list(steps([], title="counting")) == []
    told = capsys.readouterr()
    assert told.out == "" and (terminal or told.err == "")
