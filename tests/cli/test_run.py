"""`kedro run` and the mistakes of its users: one message each, and no traceback."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from collections.abc import Callable

import click
import pytest
from e2e.conftest import OFFLINE, copy_project

from msc_kedro.errors import MscKedroError

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
        (("--pipeline", "train"), ("no 'utterances' to load", "kedro run --pipeline segment")),
        (("--env", "nowhere"), ("conf/nowhere",)),
    ],
    ids=["misspelt", "pipeline", "node", "folder", "no inputs", "recipe"],
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


@pytest.fixture
def fails_with(monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """What a user is told when Kedro's run raises an error."""

    def told(error: BaseException, *, verbose: bool = False) -> str:
        def fail(**_: object) -> None:
            raise error

        monkeypatch.setattr(command.kedro_run, "callback", fail)
        with pytest.raises(click.ClickException) as caught:
            command._run(verbose=verbose, pipeline=None, pipelines=["train"])
        return caught.value.message

    return told


def test_a_mistake_is_found_below_other_errors(fails_with: Callable[..., str]) -> None:
    error = RuntimeError("while saving")
    error.__cause__ = MscKedroError("mend this")
    assert fails_with(error) == "mend this"


def test_an_error_of_ours_keeps_its_traceback(fails_with: Callable[..., str]) -> None:
    with pytest.raises(ZeroDivisionError):
        fails_with(ZeroDivisionError("ours"))
    with pytest.raises(MscKedroError):  # and so does everything where all was asked for
        fails_with(MscKedroError("mend this"), verbose=True)


def test_both_spellings_of_the_pipelines(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = {}
    monkeypatch.setattr(command.kedro_run, "callback", lambda **options: asked.update(options))
    command._run(verbose=False, pipeline="ingest", pipelines=["segment"], env=None)
    assert asked == {"pipeline": None, "pipelines": ["ingest", "segment"], "env": None}


def test_options_are_those_of_kedro_and_one_more() -> None:
    names = {parameter.name for parameter in command.run.params}
    assert names == {parameter.name for parameter in command.kedro_run.params} | {"verbose"}


def test_a_lost_version_names_the_maker(fails_with: Callable[..., str]) -> None:
    error = RuntimeError("sources: Failed while loading data from dataset")
    error.__cause__ = FileNotFoundError("sources.parquet/2020/sources.parquet")
    assert fails_with(error).endswith("Make it first: kedro run --pipeline ingest")


def test_a_block_in_a_file_of_its_own(fails_with: Callable[..., str]) -> None:
    class ParameterValidationError(Exception):
        """Kedro's, by its name."""

    error = ParameterValidationError(
        "- Parameter 'ingest': max_pause_s must be greater than 0\n"
        "    For further information visit https://errors.pydantic.dev"
    )
    told = fails_with(error)
    assert told.endswith("What may stand there is in conf/base/parameters_ingest.yml.")
    assert "pydantic.dev" not in told


def test_who_makes_what() -> None:
    assert "--pipeline ingest" in command._who_makes("sources")
    assert "--pipeline evaluate" in command._who_makes("replies")
