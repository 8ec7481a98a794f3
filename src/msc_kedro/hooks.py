"""What a person sees of a run: two lines per stage, and the report at the end."""

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

from msc_kedro.execution.files import whole_file

log = logging.getLogger("msc_kedro")

TIMINGS = "timings.json"


class ProgressHooks:
    """Names each stage as it begins; says what it made and how long it took when it is done."""

    def __init__(self) -> None:
        self._waiting: dict[str, set[str]] = {}
        self._made: dict[str, list[str]] = {}
        self._node_begun: dict[str, float] = {}
        self._node_seconds: dict[str, float] = {}
        self._stage_of: dict[str, str] = {}

    @hook_impl
    def before_pipeline_run(self, pipeline: Pipeline) -> None:
        """Learn which outputs each stage still has to save."""
        self.__init__()  # type: ignore[misc]
        for node in pipeline.nodes:
            stage = _stage(node)
            self._stage_of[node.name] = stage
            self._waiting.setdefault(stage, set()).update(node.outputs)

    @hook_impl
    def before_node_run(self, node: Node) -> None:
        """Name the stage with its first node."""
        stage = _stage(node)
        if stage not in self._made:
            self._made[stage] = []
            log.info("[%d/%d] %s …", len(self._made), len(self._waiting), stage)
        self._node_begun[node.name] = time.monotonic()

    @hook_impl
    def after_dataset_saved(self, dataset_name: str, data: Any, node: Node) -> None:
        """Close the stage with its last output."""
        stage = _stage(node)
        self._node_seconds[node.name] = time.monotonic() - self._node_begun[node.name]
        rows = len(data) if hasattr(data, "__len__") else None
        if rows is not None and hasattr(data, "columns"):
            self._made[stage].append(f"{rows} {dataset_name.replace('_', ' ')}")
        self._waiting[stage].discard(dataset_name)
        if not self._waiting[stage]:
            made = [*self._made[stage], f"{self._seconds()[stage]:.1f} s"]
            log.info("      %s: %s", stage, ", ".join(made))

    @hook_impl
    def after_pipeline_run(self, catalog: DataCatalog) -> None:
        """Keep the times for the report, beside those of stages that ran earlier."""
        path = Path(catalog.load("reporting")) / TIMINGS
        known = json.loads(path.read_text()) if path.is_file() else {}
        rounded = {stage: round(seconds, 2) for stage, seconds in self._seconds().items()}
        with whole_file(path) as file:
            file.write_text(json.dumps({**known, **rounded}, indent=1))

    def _seconds(self) -> dict[str, float]:
        totals: dict[str, float] = {}
        for name, seconds in self._node_seconds.items():
            stage = self._stage_of[name]
            totals[stage] = totals.get(stage, 0.0) + seconds
        return totals


class ReportHooks:
    """Writes the report after every run that went well."""

    @hook_impl(trylast=True)
    def after_pipeline_run(self, run_params: dict[str, Any], catalog: DataCatalog) -> None:
        """Gather what is there by now, and say where the page is."""
        from msc_kedro.report.from_catalog import write_report

        path = write_report(catalog, version=run_params["run_id"])
        log.info("Report: %s", path)


def _stage(node: Node) -> str:
    """A node's pipeline, which is its tag."""
    return min(node.tags, default=node.name)
