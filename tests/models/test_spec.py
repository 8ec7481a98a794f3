"""models.yml: what is accepted, and how mistakes are named."""

from __future__ import annotations

import pytest

from msc_kedro.errors import MscKedroError
from msc_kedro.models import read_specs

SHA = "0" * 64


def _entry(**changed: object) -> dict[str, object]:
    return {
        "title": "t",
        "licence": "MIT",
        "used_for": "tests",
        "files": {"a.bin": {"sha256": SHA, "size": 1}},
        "sources": [{"folder": "somewhere"}],
        **changed,
    }


def _package(**changed: object) -> dict[str, object]:
    return {
        "package": "p",
        "version": "1",
        "wheel_sha256": SHA,
        "wheel_size": 1,
        "members": {"a.bin": "p/a.bin"},
        **changed,
    }


def test_every_wrong_key_is_named_at_once() -> None:
    models = {
        "asr": _entry(licens="MIT"),
        "pitch": _entry(sources=[_package(wheel_sha256="abc"), {"url": "x"}]),
    }
    with pytest.raises(MscKedroError) as caught:
        read_specs(models)
    text = str(caught.value)
    assert "asr.licens" in text
    assert "pitch.sources.0.package.wheel_sha256" in text
    assert "a source has the key package, repo or folder" in text


@pytest.mark.parametrize(
    "path", ["../a.bin", "/etc/a.bin", "p/../../a.bin", "C:/a.bin", "p\\a", ""]
)
def test_a_member_cannot_leave_the_package(path: str) -> None:
    with pytest.raises(MscKedroError, match="relative path"):
        read_specs({"asr": _entry(sources=[_package(members={"a.bin": path})])})
    with pytest.raises(MscKedroError, match="relative path"):
        read_specs({"asr": _entry(sources=[_package(members={"a.bin": ["p/a.0", path]})])})


@pytest.mark.parametrize("name", ["../a.bin", "/a.bin", "_SUCCESS"])
def test_a_file_cannot_leave_the_folder_nor_be_the_marker(name: str) -> None:
    with pytest.raises(MscKedroError):
        read_specs({"asr": _entry(files={name: {"sha256": SHA, "size": 1}})})


@pytest.mark.parametrize("version", ["1.0 --index-url x", "-r", "1;rm"])
def test_a_version_is_no_option_of_pip(version: str) -> None:
    with pytest.raises(MscKedroError, match="version"):
        read_specs({"asr": _entry(sources=[_package(version=version)])})


def test_a_source_gives_just_the_files() -> None:
    with pytest.raises(MscKedroError, match=r"package p==1 gives \['b.bin'\]"):
        read_specs({"asr": _entry(sources=[_package(members={"b.bin": "p/a.bin"})])})


def test_the_fingerprint_is_of_the_bytes_and_not_of_the_source() -> None:
    specs = read_specs(
        {
            "one": _entry(),
            "elsewhere": _entry(sources=[_package()], title="another"),
            "others": _entry(files={"a.bin": {"sha256": "1" * 64, "size": 1}}),
            "prepared": _entry(prepare={"function": "a.b"}),
            "prepared_anew": _entry(prepare={"function": "a.b", "version": 2}),
        }
    )
    names = [spec.fingerprint for spec in specs.values()]
    assert names[0] == names[1]
    assert len(set(names)) == 4
