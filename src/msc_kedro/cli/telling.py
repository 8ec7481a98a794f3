"""What a command says when it cannot go on: one message that names what to do, no traceback."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

import click

from msc_kedro.errors import MscKedroError

STOPPED = 130  # what shells expect of a command that was interrupted

# Errors of Kedro and of the readers of its configuration that say what is wrong, by name: importing
# them costs a second.
_SAY_ALL = frozenset({"DatasetNotFoundError", "KedroCliError", "OmegaConfBaseException"})
_BEGINNINGS = (
    "Failed to find the pipeline named",
    "Pipeline does not contain",
    "module 'kedro.runner' has no attribute",
    "Duplicate keys found in",
    "An exception occurred when parsing config for dataset",
)
_FULL = "Make room (`kedro clean` deletes old versions of datasets)"
_OTHERS = "Let this user write there, or work with a copy of the project somewhere else"
_IN_THE_WAY = "Move it away"
# What the system says and what to do about it; any other error of the system is ours.
_SYSTEM = {
    errno.ENOSPC: ("The disk is full", _FULL),
    errno.EDQUOT: ("The disk quota of this user is used up", _FULL),
    errno.EFBIG: ("A file would be larger than allowed", "Raise the limit (`ulimit -f unlimited`)"),
    errno.EROFS: ("The file system can only be read", _OTHERS),
    errno.EACCES: ("This user has no right to do that", _OTHERS),
    errno.EPERM: ("This user has no right to do that", _OTHERS),
    errno.ENOTDIR: ("A file stands where a folder is needed", _IN_THE_WAY),
    errno.EEXIST: ("A file stands where a folder is needed", _IN_THE_WAY),
    errno.EISDIR: ("A folder stands where a file is needed", _IN_THE_WAY),
}
_RUST = re.compile(r"\(os error (\d+)\)")  # how safetensors names what the system said


@contextmanager
def telling(*, verbose: bool = False) -> Iterator[None]:
    """Around a command: what the user can mend is told in a message, and so is an interruption.

    Args:
        verbose: leave errors as they are, with their traceback.

    Raises:
        click.ClickException: for what the user can mend.
        click.exceptions.Exit: for an interruption.
    """
    try:
        yield
    except KeyboardInterrupt as error:
        click.echo("\nStopped. The same command goes on from what is finished.", err=True)
        raise click.exceptions.Exit(STOPPED) from error
    except Exception as error:
        told = message_for(error)
        if verbose or told is None:
            raise
        raise click.ClickException(told) from error


def message_for(error: BaseException) -> str | None:
    """What to say of an error that the user can mend; None of one that is ours."""
    cause: BaseException | None = error
    raised_from = True  # not only while another error was dealt with
    while cause is not None:
        said = _of_project(error, cause)
        if said is None and raised_from:
            said = _of_system(cause)
        if said is not None:
            return said
        raised_from = raised_from and cause.__cause__ is not None
        cause = cause.__cause__ or cause.__context__
    return None


def _of_project(error: BaseException, cause: BaseException) -> str | None:
    """Mistakes in commands, configuration and data."""
    kinds, said = {kind.__name__ for kind in type(cause).__mro__}, str(cause)
    if isinstance(cause, MscKedroError):
        return said
    if "ParameterValidationError" in kinds:
        return _where_parameters_are(said)
    if "MissingConfigException" in kinds:
        return _which_recipes(said)
    if _passed_through(cause.__traceback__, "omegaconf") and (broken := _unreadable(Path("conf"))):
        return broken
    if "VersionNotFoundError" in kinds or _is_lost_input(error, cause):
        return _who_makes(str(error).partition(":")[0])
    if said.startswith("Pipeline input(s)"):
        return _what_is_missing(said)
    if kinds & _SAY_ALL or said.startswith(_BEGINNINGS):
        return said
    return None


def _of_system(cause: BaseException) -> str | None:
    """A disk that is full, a folder that cannot be written."""
    in_rust = _RUST.search(str(cause))
    number = int(in_rust[1]) if in_rust else getattr(cause, "errno", None)
    if number not in _SYSTEM:
        return None
    what, advice = _SYSTEM[number]
    found = getattr(cause, "filename2", None) or getattr(cause, "filename", None)
    place = os.fsdecode(found) if found else f"a file below {Path('data').absolute()}"
    return (
        f"{what}: {place}\n"
        f"{advice}, then give the same command again: it goes on from what is finished."
    )


def _is_lost_input(error: BaseException, cause: BaseException) -> bool:
    return "while loading data" in str(error) and isinstance(cause, FileNotFoundError)


def _who_makes(dataset: str) -> str:
    """A dataset is not there, or not in the version asked for: name the pipeline before."""
    from msc_kedro.pipeline_registry import makers

    maker = makers().get(dataset)
    again = f"Make it first, with the same --env and --params: kedro run --pipeline {maker}"
    first = again if maker else "Nothing here makes it."
    return f"There is no '{dataset}' to load, or not in the version asked for.\n{first}"


def _what_is_missing(said: str) -> str:
    """The configuration lacks something that the pipelines read, or names it otherwise."""
    names = re.findall(r"'([^']+)'", said)
    blocks = [name.removeprefix("params:") for name in names if name.startswith("params:")]
    others = [name for name in names if not name.startswith("params:")]
    told = [
        f"The block of parameters {block!r} is missing: it belongs in conf/base/parameters*.yml."
        for block in sorted(blocks)
    ]
    told += [f"No entry of conf/base/catalog*.yml is called {name!r}." for name in sorted(others)]
    return "\n".join([*told, "Is it misspelt there, or has its file been moved?"])


def _where_parameters_are(said: str) -> str:
    """Kedro's message without pydantic's links, and with the files that hold the blocks."""
    lines = [line for line in said.splitlines() if "For further information" not in line]
    blocks = list(dict.fromkeys(re.findall(r"Parameter '(\w+)", said)))
    files = [Path("conf/base") / f"parameters_{block}.yml" for block in blocks]
    shared = Path("conf/base/parameters.yml")
    known = dict.fromkeys(str(file if file.is_file() else shared) for file in files)
    return "\n".join([*lines, f"What may stand there is in {', '.join(known)}."])


def _which_recipes(said: str) -> str:
    """A folder of conf/ is not there: name those that are."""
    missing = Path(said.rpartition(": ")[2])
    if missing.is_dir() or not missing.parent.is_dir():
        return said
    return no_such_recipe(missing.name, missing.parent)


def no_such_recipe(name: str, conf: Path) -> str:
    """What to say of a recipe that is not there."""
    known = sorted(path.name for path in conf.iterdir() if path.is_dir() and path.name != "local")
    return f"There is no recipe {name!r} in {conf}; there are {', '.join(known)}."


def _unreadable(conf: Path) -> str | None:
    """The first file of the configuration that cannot be read, with the line."""
    from omegaconf import DictConfig, OmegaConf
    from yaml import YAMLError

    for path in sorted([*conf.rglob("*.yml"), *conf.rglob("*.yaml")]):
        try:
            content = OmegaConf.load(path)
        except UnicodeDecodeError as error:
            return f"{path} is not in UTF-8 ({error.reason} at byte {error.start}): save it so."
        except YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            line = f", line {mark.line + 1}" if mark else ""
            problem = getattr(error, "problem", None) or error
            return f"{path}{line}: it cannot be read as YAML: {problem}"
        if not isinstance(content, DictConfig):
            return f"{path}: expected names with values (name: value), found a list"
    return None


def _passed_through(trace: TracebackType | None, folder: str) -> bool:
    while trace is not None:
        if folder in trace.tb_frame.f_code.co_filename:
            return True
        trace = trace.tb_next
    return False
