"""The graph that kedro-viz draws of a finished run: complete, in layers, with something to see."""

from __future__ import annotations

import json
import re
import sys
from dataclasses import dataclass
from typing import Any

import pytest
import yaml
from e2e.conftest import PROJECT, Chain

from msc_kedro.models import read_specs
from msc_kedro.pipeline_registry import STAGES

pytestmark = pytest.mark.e2e

LAYERS = {
    *("pretrained", "cache", "raw", "intermediate", "primary", "feature", "models"),
    *("model_output", "reporting"),
}
# The demo is no annotated corpus, and its splits are apart.
NOTHING_IN = {
    "annotated_dialogues",
    "annotations",
    "corpus_defects",
    "split_leaks",
    "face_tracks",
    "speaking_faces",
}
WITHOUT_MODEL = {"room_meter", "qformer_start"}  # of the program's own; of the paper's recipe
WITHOUT_PREVIEW = {"work"}  # kept work: shards by content, nothing to read


@dataclass(frozen=True)
class Graph:
    """What kedro-viz's pages read: the graph, and the panel of each node by name."""

    nodes: list[dict[str, Any]]
    edges: list[dict[str, str]]
    layers: list[str]
    panels: dict[str, dict[str, Any]]

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [node for node in self.nodes if node["type"] == kind]


@pytest.fixture(scope="module")
def graph(chain: Chain) -> Graph:
    done = chain.run(sys.executable, "-m", "kedro", "viz", "build", "--include-previews")
    said = done.stdout + done.stderr
    assert done.returncode == 0 and "Success" in said, said[-3000:]  # it ends with 0 on errors too
    assert "could not be previewed" not in said
    api = chain.folder / "build" / "api"
    main = json.loads((api / "main").read_text())
    panels = {
        node["name"]: json.loads((api / "nodes" / node["id"]).read_text())
        for node in main["nodes"]
        if (api / "nodes" / node["id"]).is_file()
    }
    return Graph(main["nodes"], main["edges"], main["layers"], panels)


def test_nothing_dangles(graph: Graph) -> None:
    ids = {node["id"]: node["name"] for node in graph.nodes}
    sources, targets = ({edge[end] for edge in graph.edges} for end in ("source", "target"))
    assert sources | targets <= set(ids)
    assert [name for id_, name in ids.items() if id_ not in sources | targets] == []
    tasks = {node["id"] for node in graph.of("task")}
    assert tasks <= sources & targets
    assert set(graph.panels) == set(ids.values())  # each opens when it is clicked on


def test_every_dataset_is_in_a_layer_and_layers_follow_the_run(graph: Graph) -> None:
    assert {node["name"]: node["layer"] for node in graph.of("data") if not node["layer"]} == {}
    assert {node["layer"] for node in graph.of("data")} == LAYERS == set(graph.layers)
    ordered = ["raw", "intermediate", "primary", "feature", "models", "model_output", "reporting"]
    assert [layer for layer in graph.layers if layer in ordered] == ordered
    for layer in ("pretrained", "cache"):
        assert graph.layers.index(layer) < graph.layers.index("primary")


def test_nodes_are_named_by_what_they_do_and_belong_to_one_stage(graph: Graph) -> None:
    names = [node["name"] for node in graph.of("task")]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[a-z]+(_[a-z]+)*", name) for name in names), names
    for node in graph.of("task"):
        assert len(set(node["tags"]) & set(STAGES)) == 1, node["name"]
    assert {tag for node in graph.of("task") for tag in node["tags"]} == set(STAGES)


def test_every_dataset_can_be_looked_at(graph: Graph) -> None:
    kinds = {node["name"]: graph.panels[node["name"]]["preview_type"] for node in graph.of("data")}
    assert {name for name, kind in kinds.items() if kind is None} == WITHOUT_PREVIEW
    assert {kind for name, kind in kinds.items() if name not in WITHOUT_PREVIEW} == {
        "TablePreview",
        "PlotlyPreview",
        "ImagePreview",
    }
    empty = {
        name
        for name, kind in kinds.items()
        if kind == "TablePreview" and not graph.panels[name]["preview"]["data"]
    }
    assert all(name.endswith(("rejects", "silent_sources")) for name in empty - NOTHING_IN), empty


def test_plots_are_drawn(graph: Graph) -> None:
    panel = graph.panels["loss_curve"]
    assert panel["preview_type"] == "PlotlyPreview"
    drawn = {trace["name"]: trace for trace in panel["preview"]["data"]}
    assert {"training", "validation", "best checkpoint"} <= set(drawn)
    assert all(len(trace["x"]) == len(trace["y"]) > 0 for trace in drawn.values())
    assert panel["preview"]["layout"]["yaxis"]["title"]["text"] == "loss, nats per token"


def test_every_model_is_there_with_its_revision(graph: Graph) -> None:
    text = (PROJECT / "conf/base/models.yml").read_text(encoding="utf-8")
    specs = read_specs(yaml.safe_load(text))
    models = [node["name"] for node in graph.of("data") if node["layer"] == "pretrained"]
    shown: dict[str, str] = {}
    for name in models:
        table = graph.panels[name]["preview"]
        assert table["data"], f"{name} names no model"
        for row in table["data"]:
            told = dict(zip(table["columns"], row, strict=True))
            if name in WITHOUT_MODEL:
                assert told["source and revision"] == "no model from elsewhere"
                continue
            spec = specs[told["slot"]]
            assert told["model"] == spec.title and told["licence"] == spec.licence
            assert told["fingerprint"] == spec.fingerprint
            shown[told["slot"]] = told["source and revision"]
    assert set(shown) == set(specs)  # no model takes part unseen
    for slot, source in shown.items():
        assert any(source.endswith(known.short) for known in specs[slot].sources), source
        if specs[slot].optional:  # may be of a folder of the user's
            continue
        assert re.search(r"==\d|@[0-9a-f]{7,}", source), source
