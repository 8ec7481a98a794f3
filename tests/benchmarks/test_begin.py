"""The benchmarks can be begun: what they take from the package is there."""

import importlib
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "benchmarks"


@pytest.mark.parametrize("name", sorted(path.stem for path in FOLDER.glob("*.py")))
def test_a_benchmark_is_imported(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(FOLDER)  # as it is when one is run
    known = set(sys.modules)
    try:
        made = importlib.import_module(name)
    finally:
        for added in set(sys.modules) - known:
            if str(getattr(sys.modules[added], "__file__", "")).startswith(str(FOLDER)):
                del sys.modules[added]
    assert made.__doc__
