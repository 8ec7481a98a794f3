"""`kedro run` and the mistakes of its users: one message each, and no traceback."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from collections.abc import Callable

import pytest
from e2e.conftest import OFFLINE, copy_project

# `msc_kedro.cli.run` as an attribute is the command, not its module.
command = importlib.import_module("msc_kedro.cli.run")

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def kedro_run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """`kedro run` in a copy of the project that nobody has run yet."""
    folder = tmp_path_factory.mktemp("project")
    copy_project(folder)

    def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "kedro", "run", *arguments],
            cwd=folder,
            env={**os.environ, **OFFLINE, "COLUMNS": "200", **environment},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    return run


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (
            ("--pipeline", "ingest", "--params", "corpus.foldr=/videos"),
            ("'corpus'", "foldr", "not permitted", "conf/base/parameters.yml"),
        ),
        (("--pipeline", "trian"), ("Failed to find the pipeline named 'trian'", "train")),
        (("--pipeline", "ingest", "--nodes", "nix"), ("does not contain nodes named ['nix']",)),
        (
            ("--pipeline", "ingest", "--params", "corpus.folder=/no/where"),
            ("does not exist: /no/where", "--params corpus.folder=PATH"),
        ),
        (
            ("--pipeline", "ingest", "--params", "corpus.folder=conf/local"),
            ("There is no video in", "conf/local", "Put some there"),
        ),
        (
            ("--pipeline", "ingest", "--params", "corpus.folder=pyproject.toml"),
            ("The corpus folder is a file: ", "pyproject.toml"),
        ),
        (("--pipeline", "train"), ("no 'utterances' to load", "kedro run --pipeline segment")),
        (("--env", "nowhere"), ("no recipe 'nowhere'", "there are", "base")),
        (("--params", "corpsu.folder=/videos"), ("no block of parameters 'corpsu'", "'corpus'?")),
        (
            ("--pipeline", "ingest", "--params", "ingest.max_pause_s=long"),
            ("max_pause_s", "'long'", "conf/base/parameters_ingest.yml"),
        ),
        (("--load-versions", "sources"), ("'load_versions'", "found sources")),
    ],
    ids=[
        "key",
        "pipeline",
        "node",
        "folder",
        "empty",
        "file",
        "no inputs",
        "recipe",
        "block",
        "type",
        "load versions",
    ],
)
def test_mistakes_get_one_message(
    kedro_run: Run, arguments: tuple[str, ...], told: tuple[str, ...]
) -> None:
    done = kedro_run(*arguments)
    said = done.stdout + done.stderr
    assert done.returncode == 1, said
    assert "Traceback" not in said and "❱" not in said
    assert said.count("Error: ") == 1 and "errors.pydantic.dev" not in said
    for part in told:
        assert part in said


def test_an_unknown_pipeline_in_dvc(kedro_run: Run) -> None:
    done = kedro_run("--pipeline", "nonsense", DVC_STAGE="nonsense")
    assert done.returncode == 1
    assert "Failed to find the pipeline named 'nonsense'" in done.stderr
    assert "Traceback" not in done.stderr


def test_params_that_are_none(kedro_run: Run) -> None:
    done = kedro_run("--params", "corpus.folder")
    assert done.returncode == 2 and "key and a value separated by `=`" in done.stderr


def test_verbose_shows_the_traceback(kedro_run: Run) -> None:
    done = kedro_run("--pipeline", "ingest", "--params", "corpus.folder=/no/where", "--verbose")
    said = done.stdout + done.stderr
    assert done.returncode == 1 and "Traceback" in said and "does not exist: /no/where" in said


def test_both_spellings_of_the_pipelines(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = {}
    monkeypatch.setattr(command.kedro_run, "callback", lambda **options: asked.update(options))
    command._run(verbose=False, pipeline="ingest", pipelines=["segment"], env=None)
    assert asked == {"pipeline": None, "pipelines": ["ingest", "segment"], "env": None}


def test_options_are_those_of_kedro_and_one_more() -> None:
    names = {parameter.name for parameter in command.run.params}
    assert names == {parameter.name for parameter in command.kedro_run.params} | {"verbose"}
