"""The bytes of models beside the project's data, for those who track them too."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

from msc_kedro.execution.files import whole_folder
from msc_kedro.models.cache import ensure
from msc_kedro.models.spec import MARKER, ModelSpec


def export_models(specs: Iterable[ModelSpec], target: Path) -> dict[str, Path]:
    """Put each model into a folder of `target` named by its slot.

    Models that are prepared from their files are exported as prepared.

    Returns:
        Folder by slot.

    Raises:
        MscKedroError: a model is neither cached nor to be had from any of its sources.
    """
    folders = {}
    for spec in specs:
        cached = ensure(spec)
        folders[spec.slot] = target / spec.slot
        with whole_folder(folders[spec.slot]) as folder:
            for path in sorted(cached.rglob("*")):
                if path.is_file() and path.name != MARKER:
                    copy = folder / path.relative_to(cached)
                    copy.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copyfile(path, copy)  # no link: the cache must not change with it
    return folders
