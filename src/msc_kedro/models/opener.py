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

from msc_kedro.models.cache import ensure
from msc_kedro.models.spec import ModelSpec

MACHINE = frozenset({"batch_s", "batch_size", "device", "threads", "workers"})
_OPENING = RLock()  # two threads that want a model at once must not both load it


@dataclass(frozen=True)
class Opener:
    """A class, the folders of its weights, and its options.

    Args:
        opens: dotted name of the class.
        folders: argument name to folder.
        options: argument name to value.
        fingerprint: names the weights by content.
        late: argument name to source, as JSON, of weights that are fetched when they are opened.
    """

    opens: str
    folders: tuple[tuple[str, str], ...]
    options: tuple[tuple[str, Any], ...]
    fingerprint: str
    late: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(
        cls,
        opens: str,
        folders: Mapping[str, str],
        options: Mapping[str, Any],
        *,
        fingerprint: str,
        late: Mapping[str, ModelSpec] | None = None,
    ) -> Opener:
        """An opener from plain mappings."""
        plain = {  # so that an opener can be looked up
            name: tuple(value) if isinstance(value, list) else value
            for name, value in options.items()
        }
        sources = {name: spec.model_dump_json() for name, spec in (late or {}).items()}
        return cls(
            *(opens, tuple(folders.items()), tuple(plain.items()), fingerprint),
            late=tuple(sources.items()),
        )

    @property
    def name(self) -> str:
        """What its results depend on, in one line: its class, weights and options.

        It is part of the key of everything that is made with it. Options of the machine are left
        out: they change the last digits at most.
        """
        chosen = {name: value for name, value in self.options if name not in MACHINE}
        told = f" {json.dumps(chosen, sort_keys=True)}" if chosen else ""
        return f"{self.opens.rpartition('.')[2]} {self.fingerprint}{told}"

    def folder(self, argument: str = "folder") -> Path:
        """Where one model's files lie."""
        return Path(dict(self.folders)[argument])

    def open(self) -> Any:
        """The model itself; the second call in a process gives the same object.

        Raises:
            MscKedroError: its weights are to be fetched now, and none of their sources has them.
        """
        return _open(self)


def _open(opener: Opener) -> Any:
    with _OPENING:
        return _opened(opener)


@lru_cache(maxsize=16)
def _opened(opener: Opener) -> Any:
    module, _, name = opener.opens.rpartition(".")
    made = getattr(import_module(module), name)
    folders = {argument: Path(folder) for argument, folder in opener.folders}
    for argument, source in opener.late:
        folders[argument] = ensure(ModelSpec.model_validate_json(source))
    return made(**folders, **dict(opener.options))
