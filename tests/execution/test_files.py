"""Files and folders that are there whole or not at all."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from msc_kedro.execution.files import (
    is_whole,
    key_of,
    link_or_copy,
    once,
    whole_file,
    whole_folder,
)


class Crash(Exception):
    """What goes wrong in the middle."""


def test_file_appears_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "new" / "a.txt"
    with whole_file(path) as temporary:
        temporary.write_text("new")
        assert not path.exists()
    assert path.read_text() == "new"
    assert [p.name for p in path.parent.iterdir()] == ["a.txt"]
    assert path.stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize("old", [None, "old"])
def test_an_error_leaves_what_was_there(tmp_path: Path, old: str | None) -> None:
    path = tmp_path / "a.txt"
    if old is not None:
        path.write_text(old)
    with pytest.raises(Crash), whole_file(path) as temporary:
        temporary.write_text("half")
        raise Crash
    assert [p.read_text() for p in tmp_path.iterdir()] == ([] if old is None else [old])


def test_folder_is_marked_and_replaced(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder"
    for content in ("old", "new"):
        with whole_folder(path) as temporary:
            (temporary / content).write_text(content)
        assert is_whole(path)
    assert sorted(p.name for p in path.iterdir()) == ["_SUCCESS", "new"]
    assert [p.name for p in path.parent.iterdir()] == ["folder"]


def test_an_error_leaves_the_old_folder(tmp_path: Path) -> None:
    path = tmp_path / "folder"
    with pytest.raises(Crash), whole_folder(path) as temporary:
        (temporary / "half").touch()
        raise Crash
    assert not path.exists() and not is_whole(path) and list(tmp_path.iterdir()) == []
    with whole_folder(path) as temporary:
        (temporary / "old").touch()
    with pytest.raises(Crash), whole_folder(path) as temporary:
        raise Crash
    assert is_whole(path) and (path / "old").is_file() and len(list(tmp_path.iterdir())) == 1


def test_a_half_folder_is_not_whole_and_gives_way(tmp_path: Path) -> None:
    path = tmp_path / "folder"
    path.mkdir()
    (path / "half").touch()
    assert not is_whole(path)
    with whole_folder(path):
        pass
    assert is_whole(path) and not (path / "half").exists()


def test_link_shares_bytes_and_copy_stands_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "a"
    source.write_text("content")
    link_or_copy(source, tmp_path / "b")
    assert (tmp_path / "b").samefile(source)

    def refuse(*_: object) -> None:
        raise OSError("another file system")

    monkeypatch.setattr(os, "link", refuse)
    link_or_copy(source, tmp_path / "c")
    assert (tmp_path / "c").read_text() == "content" and not (tmp_path / "c").samefile(source)


def test_once(tmp_path: Path) -> None:
    made = []

    def make(path: Path) -> None:
        made.append(path)
        path.write_text("content")

    path = tmp_path / "a"
    assert once(path, make) == once(path, make) == path
    assert len(made) == 1 and path.read_text() == "content"


PARTS = (["a", 1.5, None], {"b": (1, 2), "a": True}, {"x", "y", "z"}, Path("some/where"))


def test_key_is_the_same_in_every_process() -> None:
    code = (
        "from pathlib import Path\nfrom msc_kedro.execution.files import key_of\n"
        f"from pathlib import PosixPath, WindowsPath\nprint(key_of(*{PARTS!r}))"
    )
    keys = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        for seed in ("1", "2")
    }
    assert keys == {key_of(*PARTS)}


def test_key_tells_contents_apart() -> None:
    keys = [key_of("a", "b"), key_of("ab"), key_of(["a"], "b"), key_of("b", "a"), key_of()]
    assert len(set(keys)) == len(keys)
    assert key_of({"a": 1, "b": 2}) == key_of({"b": 2, "a": 1})
    assert key_of((1, 2)) == key_of([1, 2])


@pytest.mark.parametrize("part", [object(), np.zeros(2000), lambda: None])
def test_what_has_no_stable_name_is_refused(part: object) -> None:
    with pytest.raises(TypeError, match="cannot be part of a key"):
        key_of(part)


def test_code_of_follows_the_source_and_refuses_what_is_not_there():
    from msc_kedro.execution.files import code_of

    assert code_of("media") == code_of("media") != code_of("media.sound") != code_of("seeing")
    with pytest.raises(ModuleNotFoundError):
        code_of("nothing_of_the_kind")


def test_data_in_a_package_is_part_of_its_code(tmp_path, monkeypatch):
    from msc_kedro.execution.files import code_of

    package = tmp_path / "measure"
    package.mkdir()
    (package / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    keys = []
    for content in (b"one", b"other"):
        (package / "weights.safetensors").write_bytes(content)
        code_of.cache_clear()
        keys.append(code_of("measure"))
    assert keys[0] != keys[1]
