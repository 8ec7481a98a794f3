"""How a model travels: a cheap, picklable opener, opened once per process where it is needed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from threading import RLock
from typing import Any

_OPENING = RLock()  # two threads that want a model at once must not both load it


@dataclass(frozen=True)
class Opener:
    """A class, the folders of its weights, and its options.

    `fingerprint` names the weights by content: part of the key of everything made with them.
    """

    opens: str
    folders: tuple[tuple[str, str], ...]
    options: tuple[tuple[str, Any], ...]
    fingerprint: str

    @classmethod
    def of(
        cls,
        opens: str,
        folders: Mapping[str, str],
        options: Mapping[str, Any],
        *,
        fingerprint: str,
    ) -> Opener:
        """An opener from plain mappings."""
        return cls(opens, tuple(folders.items()), tuple(options.items()), fingerprint)

    def folder(self, argument: str = "folder") -> Path:
        """Where one model's files lie."""
        return Path(dict(self.folders)[argument])

    def open(self) -> Any:
        """The model itself; the second call in a process gives the same object."""
        return _open(self)


def _open(opener: Opener) -> Any:
    with _OPENING:
        return _opened(opener)


@lru_cache(maxsize=16)
def _opened(opener: Opener) -> Any:
    module, _, name = opener.opens.rpartition(".")
    made = getattr(import_module(module), name)
    folders = {argument: Path(folder) for argument, folder in opener.folders}
    return made(**folders, **dict(opener.options))
