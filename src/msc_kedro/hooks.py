"""What a person sees of a run: a line per stage and per node, and the report at the end."""

from __future__ import annotations

import json
import logging
import time
from pathlib import Path
from typing import Any

from kedro.framework.hooks import hook_impl
from kedro.io import DataCatalog
from kedro.pipeline import Pipeline
from kedro.pipeline.node import Node

from msc_kedro.errors import MscKedroError
from msc_kedro.execution.files import whole_file

log = logging.getLogger("msc_kedro")

TIMINGS = "timings.json"


class ProgressHooks:
    """Names each stage as it begins; says what each of its nodes made and how long it took."""

    def __init__(self) -> None:
        self._stages: list[str] = []
        self._begun: list[str] = []
        self._node_begun = 0.0
        self._made: list[str] = []
        self._unsaved: set[str] = set()
        self._seconds: dict[str, float] = {}

    @hook_impl
    def before_pipeline_run(self, pipeline: Pipeline) -> None:
        """Learn how many stages there are."""
        self.__init__()  # type: ignore[misc]
        self._stages = list(dict.fromkeys(_stage(node) for node in pipeline.nodes))

    @hook_impl
    def before_node_run(self, node: Node) -> None:
        """Name the stage with its first node."""
        stage = _stage(node)
        if stage not in self._begun:
            self._begun.append(stage)
            log.info("[%d/%d] %s …", len(self._begun), len(self._stages), stage)
        self._node_begun, self._made, self._unsaved = time.monotonic(), [], set(node.outputs)

    @hook_impl
    def after_dataset_saved(self, dataset_name: str, data: Any, node: Node) -> None:
        """Say what the node made when its last output is saved."""
        if hasattr(data, "columns"):
            self._made.append(f"{len(data)} {dataset_name.replace('_', ' ')}")
        self._unsaved.discard(dataset_name)
        if not self._unsaved:
            seconds = time.monotonic() - self._node_begun
            stage = _stage(node)
            self._seconds[stage] = self._seconds.get(stage, 0.0) + seconds
            told = ", ".join([*self._made, f"{seconds:.1f} s"])
            log.info("      %s: %s", node.name.replace("_", " "), told)

    @hook_impl
    def after_pipeline_run(self, catalog: DataCatalog) -> None:
        """Keep the times for the report, beside those of stages that ran earlier."""
        path = Path(catalog.load("reporting")) / TIMINGS
        known = json.loads(path.read_text()) if path.is_file() else {}
        rounded = {stage: round(seconds, 2) for stage, seconds in self._seconds.items()}
        with whole_file(path) as file:
            file.write_text(json.dumps({**known, **rounded}, indent=1))


class ReportHooks:
    """Writes the report after every run, also after one that a user's mistake ended."""

    @hook_impl(trylast=True)
    def after_pipeline_run(self, run_params: dict[str, Any], catalog: DataCatalog) -> None:
        """Gather what is there by now, and say where the page is."""
        _report(catalog, run_params["run_id"], "Report")

    @hook_impl(trylast=True)
    def on_pipeline_error(
        self, error: Exception, run_params: dict[str, Any], catalog: DataCatalog
    ) -> None:
        """Show what was finished before a mistake that the user can mend."""
        mendable = isinstance(error, MscKedroError) or isinstance(error.__cause__, MscKedroError)
        if mendable and catalog.exists("sources"):
            _report(catalog, run_params["run_id"], "Report of what was finished")


def _report(catalog: DataCatalog, version: str, title: str) -> None:
    from msc_kedro.report.from_catalog import write_report

    path, here = write_report(catalog, version=version), Path.cwd()
    print(f"{title}: {path.relative_to(here) if path.is_relative_to(here) else path}", flush=True)


def _stage(node: Node) -> str:
    """A node's pipeline, which is its tag."""
    return min(node.tags, default=node.name)
