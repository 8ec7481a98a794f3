"""What is said of errors, and of which nothing is said."""

from __future__ import annotations

import errno
import os
import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
import pandas as pd
import pytest
from kedro.io.core import DatasetError

from msc_kedro.cli import telling
from msc_kedro.cli.telling import message_for
from msc_kedro.configuration import ProjectConfig
from msc_kedro.errors import MscKedroError
from msc_kedro.settings import CONFIG_LOADER_ARGS


def raised(error: BaseException, *, cause: BaseException | None = None) -> BaseException:
    """The error, as it comes out of a `raise … from …`."""
    try:
        raise error from cause
    except type(error) as caught:
        return caught


def test_a_mistake_is_found_below_other_errors() -> None:
    error = raised(RuntimeError("while saving"), cause=MscKedroError("mend this"))
    assert message_for(error) == "mend this"


def test_of_an_error_of_ours_nothing_is_said() -> None:
    assert message_for(ZeroDivisionError("ours")) is None
    assert message_for(OSError(errno.EPIPE, "Broken pipe")) is None
    assert message_for(FileNotFoundError(errno.ENOENT, "No such file", "gone")) is None


def test_a_fault_while_an_error_is_dealt_with_is_ours() -> None:
    """The system's error was expected there; what went wrong is what followed."""
    try:
        try:
            raise PermissionError(errno.EACCES, "Permission denied", "/x")
        except PermissionError:
            _ = 1 / 0
    except ZeroDivisionError as error:
        assert message_for(error) is None


def test_telling() -> None:
    def tell(error: BaseException, *, verbose: bool = False) -> Any:
        with telling.telling(verbose=verbose):
            raise error

    with pytest.raises(click.ClickException, match="mend this"):
        tell(MscKedroError("mend this"))
    with pytest.raises(MscKedroError):  # with its traceback
        tell(MscKedroError("mend this"), verbose=True)
    with pytest.raises(ZeroDivisionError):
        tell(ZeroDivisionError("ours"))
    with pytest.raises(click.exceptions.Abort):  # somebody answered no
        tell(click.exceptions.Abort())


@pytest.mark.parametrize("verbose", [False, True])
def test_an_interruption(verbose: bool, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(click.exceptions.Exit) as caught, telling.telling(verbose=verbose):
        raise KeyboardInterrupt
    assert caught.value.exit_code == 130
    assert capsys.readouterr().err == "\nStopped. The same command goes on from what is finished.\n"


# --- the system ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "told"),
    [
        (errno.ENOSPC, ("disk is full", "kedro clean")),
        (errno.EDQUOT, ("quota", "kedro clean")),
        (errno.EFBIG, ("larger than allowed", "ulimit -f")),
        (errno.EROFS, ("can only be read", "copy of the project")),
        (errno.EACCES, ("no right", "write there")),
        (errno.EPERM, ("no right", "write there")),
        (errno.ENOTDIR, ("file stands where a folder", "Move it away")),
        (errno.EEXIST, ("file stands where a folder", "Move it away")),
    ],
    ids=errno.errorcode.get,
)
def test_what_the_system_refuses(number: int, told: tuple[str, ...]) -> None:
    error = OSError(number, os.strerror(number), "data/.work/sound/a.flac")
    said = message_for(raised(DatasetError("Failed while saving"), cause=error))
    assert said is not None
    for part in (*told, "data/.work/sound/a.flac", "same command again"):
        assert part in said


def test_a_copy_names_its_target() -> None:
    said = message_for(OSError(errno.ENOSPC, "No space left", "from", None, "to"))
    assert said is not None and said.startswith("The disk is full: to\n")


@contextmanager
def small_files_only() -> Iterator[None]:
    """The system refuses files of more than 5000 bytes, as it refuses any on a full disk.

    No fixture: pytest writes its own output before fixtures end, and that may be a larger file.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (5000, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def write_parquet(path: Path) -> None:
    import numpy as np

    values = np.random.default_rng(0).random(100_000)
    pd.DataFrame({"value": values}).to_parquet(path)


def write_safetensors(path: Path) -> None:
    import numpy as np
    from safetensors.numpy import save_file

    save_file({"value": np.zeros(100_000)}, path)


@pytest.mark.parametrize(
    "write",
    [lambda path: path.write_bytes(bytes(100_000)), write_parquet, write_safetensors],
    ids=["bytes", "parquet", "safetensors"],
)
def test_every_way_of_writing(write: Callable[[Path], None], tmp_path: Path) -> None:
    """Each library says in its own way that the system refused."""
    with pytest.raises(Exception) as caught, small_files_only():
        write(tmp_path / "file")
    said = message_for(caught.value)
    assert said is not None and said.startswith("A file would be larger than allowed: a file below")
    assert str(Path("data").absolute()) in said


# --- configuration -------------------------------------------------------------------------------


@pytest.fixture
def conf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("base", "local"):
        (tmp_path / "conf" / name).mkdir(parents=True)
    (tmp_path / "conf/base/parameters.yml").write_text("corpus:\n  folder: films\n")
    return tmp_path / "conf"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"train:\n\tsteps: 3\n", "conf/base/parameters_train.yml, line 2: it cannot be read as"),
        (b"train:\n  steps: 3\n  width 5\n", "conf/base/parameters_train.yml, line 4: it cannot"),
        (b'train:\n  name: "3\n', "conf/base/parameters_train.yml, line 3: it cannot be read"),
        (b"train:\n  a: 3\n  a: 4\n", "conf/base/parameters_train.yml, line 3: it cannot be read"),
        (b"# caf\xe9\ntrain:\n  a: 3\n", "conf/base/parameters_train.yml is not in UTF-8"),
        (b"- a\n- b\n", "conf/base/parameters_train.yml: expected names with values"),
        (b"train:\n  a: ${nowhere}\n", "Interpolation key 'nowhere' not found"),
        (b"corpus:\n  folder: b\n", "Duplicate keys found in"),
    ],
    ids=["tab", "colon", "quote", "twice", "encoding", "list", "interpolation", "two files"],
)
def test_configuration_that_cannot_be_read(conf: Path, content: bytes, told: str) -> None:
    (conf / "base" / "parameters_train.yml").write_bytes(content)
    with pytest.raises(Exception) as caught:
        ProjectConfig("conf", env="local", **CONFIG_LOADER_ARGS)["parameters"]
    said = message_for(caught.value)
    assert said is not None and said.startswith(told), said


def test_a_block_in_a_file_of_its_own() -> None:
    class ParameterValidationError(Exception):
        """Kedro's, by its name."""

    said = message_for(
        ParameterValidationError(
            "- Parameter 'ingest': max_pause_s must be greater than 0\n"
            "    For further information visit https://errors.pydantic.dev"
        )
    )
    assert said is not None and "pydantic.dev" not in said
    assert said.endswith("What may stand there is in conf/base/parameters_ingest.yml.")


def test_what_the_configuration_lacks() -> None:
    said = message_for(
        ValueError("Pipeline input(s) {'params:ingest', 'sourcs'} not found in the DataCatalog")
    )
    assert said is not None and "DataCatalog" not in said
    assert "block of parameters 'ingest' is missing" in said and "called 'sourcs'" in said


# --- versions ------------------------------------------------------------------------------------


def test_a_lost_version_names_the_maker() -> None:
    said = message_for(
        raised(
            RuntimeError("sources: Failed while loading data from dataset"),
            cause=FileNotFoundError("sources.parquet/2020/sources.parquet"),
        )
    )
    assert said is not None and said.endswith("kedro run --pipeline ingest")


def test_who_makes_what() -> None:
    assert "--pipeline ingest" in telling._who_makes("sources")
    assert "--pipeline evaluate" in telling._who_makes("replies")
