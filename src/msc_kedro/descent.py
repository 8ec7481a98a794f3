"""What each version was made from, so that tables of different descent are never read together.

Beside every version of a dataset that Kedro versions lies `descent.json`: a fingerprint of its
bytes, and the fingerprints of everything that it was made from, directly or through other datasets.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from kedro.framework.hooks import hook_impl
from kedro.io import DataCatalog
from kedro.io.core import AbstractVersionedDataset, VersionNotFoundError
from kedro.pipeline import Pipeline
from kedro.pipeline.node import Node

from msc_kedro.errors import MscKedroError
from msc_kedro.execution.files import whole_file
from msc_kedro.pipeline_registry import STAGES, makers

DESCENT = "descent.json"


@dataclass(frozen=True)
class Descent:
    """Fingerprint of a version, and those of its ancestors by the names of their datasets."""

    fingerprint: str
    made_from: Mapping[str, str]


class DescentHooks:
    """Records the descent of what is saved; refuses inputs that do not belong together."""

    @hook_impl
    def before_pipeline_run(self, pipeline: Pipeline, catalog: DataCatalog) -> None:
        """Look at what the pipelines take from outside, before any work is done."""
        self._catalog = catalog
        refuse_mixed(catalog, pipeline.inputs())

    @hook_impl
    def before_node_run(self, node: Node, catalog: DataCatalog) -> None:
        """Look again: a node before this one may have made an input of it anew."""
        refuse_mixed(catalog, node.inputs)

    @hook_impl
    def after_dataset_saved(self, dataset_name: str, node: Node) -> None:
        """Write the descent of an output of a node."""
        dataset = self._catalog.get(dataset_name)
        if isinstance(dataset, AbstractVersionedDataset):
            record(dataset, {name: self._catalog.get(name) for name in node.inputs})


def record(dataset: AbstractVersionedDataset, inputs: Mapping[str, Any]) -> None:
    """Write what a version that was just saved was made from.

    Args:
        dataset: what was saved.
        inputs: the datasets that it was made from, by name; those without versions do not count.
    """
    made_from: dict[str, str] = {}
    for name, source in inputs.items():
        known = descent_of(source)
        if known is not None:
            made_from |= {**known.made_from, name: known.fingerprint}
    folder = _version_folder(dataset, dataset.resolve_save_version())
    descent = Descent(fingerprint_of(folder), dict(sorted(made_from.items())))
    with whole_file(folder / DESCENT) as file:
        file.write_text(json.dumps(asdict(descent), indent=1))


def descent_of(dataset: Any) -> Descent | None:
    """The descent of the version that would be loaded; None where there is none, or no record."""
    if not isinstance(dataset, AbstractVersionedDataset):
        return None
    try:
        version = dataset.resolve_load_version()
    except VersionNotFoundError:
        return None
    path = _version_folder(dataset, version) / DESCENT
    return Descent(**json.loads(path.read_text())) if version and path.is_file() else None


def fingerprint_of(folder: Path) -> str:
    """The first 20 digits of a sha256 over names and bytes of the files in a version's folder."""
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        if path.name != DESCENT:
            with path.open("rb") as file:
                content = hashlib.file_digest(file, "sha256").hexdigest()
            digest.update(f"{path.relative_to(folder).as_posix()}\0{content}\0".encode())
    return digest.hexdigest()[:20]


def stale_among(catalog: DataCatalog, names: Iterable[str]) -> dict[str, str]:
    """Datasets that do not belong to the others, each with the ancestor that they differ in.

    Two datasets belong together if they agree about every ancestor that both have, where a dataset
    is its own ancestor too. Of two that differ, stale is the one that was not made from the version
    of the ancestor that would be loaded now.
    """
    known = {name: found for name in names if (found := descent_of(catalog.get(name)))}
    claims: dict[str, dict[str, str]] = {}  # ancestor -> dataset -> fingerprint of the ancestor
    for name, descent in known.items():
        for ancestor, fingerprint in {**descent.made_from, name: descent.fingerprint}.items():
            claims.setdefault(ancestor, {})[name] = fingerprint
    stale: dict[str, str] = {}
    for ancestor, claimed in sorted(claims.items()):
        if len(set(claimed.values())) > 1:
            now = descent_of(catalog.get(ancestor))
            for name, fingerprint in claimed.items():
                if name != ancestor and (now is None or fingerprint != now.fingerprint):
                    stale.setdefault(name, ancestor)
    return stale


def refuse_mixed(catalog: DataCatalog, names: Iterable[str]) -> None:
    """Stop where datasets are of different descent.

    Raises:
        MscKedroError: naming the datasets, and the pipelines to run.
    """
    stale = stale_among(catalog, names)
    if not stale:
        return
    told = [
        f"  '{name}' (version {catalog.get(name).resolve_load_version()}) was made from another "
        f"'{ancestor}' than is there now"
        for name, ancestor in sorted(stale.items())
    ]
    made_by = makers()
    again = {made_by[name] for name in stale}
    wanted = ",".join(stage for stage in STAGES if stage in again)
    raise MscKedroError(
        "What would be read does not belong together:\n"
        + "\n".join(told)
        + f"\nMake it again, with the same --env and --params: kedro run --pipelines {wanted}\n"
        "or name versions that belong together: --load-versions NAME:VERSION,…"
    )


def _version_folder(dataset: AbstractVersionedDataset, version: str | None) -> Path:
    return Path(dataset._filepath) / str(version)
