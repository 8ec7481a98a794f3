"""models.lock: which bytes a recipe's models are. Small, committed, what DVC depends on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from msc_kedro.models.spec import FolderSource, HubSource, ModelSpec, PackageSource


def write_lock(specs: Mapping[str, ModelSpec]) -> str:
    """The text of models.lock: the same for the same models, with no clock and no machine in it."""
    return json.dumps({slot: _entry(specs[slot]) for slot in sorted(specs)}, indent=1) + "\n"


def _entry(spec: ModelSpec) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "title": spec.title,
        "licence": spec.licence,
        "fingerprint": spec.fingerprint,
        "sources": [_source(source) for source in spec.sources],
        "files": {name: spec.files[name].model_dump() for name in sorted(spec.files)},
    }
    if spec.optional:
        entry["optional"] = True
    if spec.prepare is not None:
        entry["prepare"] = f"{spec.prepare.function} {spec.prepare.version}"
    return entry


def _source(source: PackageSource | HubSource | FolderSource) -> dict[str, str]:
    if isinstance(source, PackageSource):
        sha256 = " + ".join(wheel.wheel_sha256 for wheel in source.wheels)
        return {"source": source.short, "wheel_sha256": sha256}
    return {"source": source.short}
