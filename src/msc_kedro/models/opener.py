"""How a model travels: a cheap, picklable opener, opened once per process where it is needed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from threading import RLock
from typing import Any

MACHINE = frozenset({"batch_s", "batch_size", "device", "threads"})
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
        plain = {  # so that an opener can be looked up
            name: tuple(value) if isinstance(value, list) else value
            for name, value in options.items()
        }
        return cls(opens, tuple(folders.items()), tuple(plain.items()), fingerprint)

    @property
    def name(self) -> str:
        """What its results depend on, in one line: its class, weights and options.

        Options of the machine are left out: they change the last digits at most.
        """
        chosen = {name: value for name, value in self.options if name not in MACHINE}
        told = f" {json.dumps(chosen, sort_keys=True)}" if chosen else ""
        return f"{self.opens.rpartition('.')[2]} {self.fingerprint}{told}"

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
