"""The session: which version a run saves and loads, and the demo where it is wanted."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from kedro.framework.session import KedroSession

from msc_kedro.execution.files import is_whole

# What `dvc repro` saves and loads: one version of its own, so that DVC has a constant path.
# It sorts before every time stamp: `kedro run` takes it only where there is no version of its own.
DVC_VERSION = "0-dvc"
DEMO_FOLDER = Path("data/01_raw/demo")


class ProjectSession(KedroSession):
    """Kedro's session with two additions.

    Inside a DVC stage the save version and all load versions are `DVC_VERSION`. And where the
    corpus is the demo and the demo is not there yet, a run that reads it makes it first.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if in_dvc():
            self.session_id = DVC_VERSION

    def run(
        self,
        pipeline_name: str | None = None,
        pipeline_names: list[str] | None = None,
        load_versions: dict[str, str] | None = None,
        **options: Any,
    ) -> dict[str, Any]:
        """Run pipelines; see `KedroSession.run`."""
        names = [pipeline_name] if pipeline_name else list(pipeline_names or ["__default__"])
        if self._wants_demo(names):
            names.insert(0, "demo")
        if in_dvc():
            load_versions = {**self._dvc_versions(), **(load_versions or {})}
        return super().run(pipeline_names=names, load_versions=load_versions, **options)

    def _wants_demo(self, names: Iterable[str]) -> bool:
        folder = Path(self._get_config_loader()["parameters"]["corpus"]["folder"])
        return (
            bool({"__default__", "ingest"} & set(names))
            and "demo" not in names
            and not in_dvc()
            and (self._project_path / folder).resolve()
            == (self._project_path / DEMO_FOLDER).resolve()
            and not is_whole(self._project_path / folder)
        )

    def _dvc_versions(self) -> dict[str, str]:
        """The constant version for every versioned dataset: free inputs, what the stage itself
        hands on between its nodes, and what the report shows."""
        catalog = self._get_config_loader()["catalog"]
        return {name: DVC_VERSION for name, entry in catalog.items() if entry.get("versioned")}


def in_dvc() -> bool:
    """Whether this process is the command of a DVC stage."""
    return bool(os.environ.get("DVC_STAGE"))
