"""kedro-viz's own reading of a dataset."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest


@pytest.fixture
def shown() -> Callable[[Any], tuple[str, Any]]:
    """A dataset to the type and content of its preview, as kedro-viz puts them into its JSON."""
    from kedro_viz.api.rest.responses.utils import get_encoded_response
    from kedro_viz.models.flowchart.node_metadata import DataNodeMetadata
    from kedro_viz.models.flowchart.nodes import GraphNode

    def look(dataset: Any) -> tuple[str, Any]:
        node = GraphNode.create_data_node(
            "1", "it", layer=None, tags=set(), dataset=dataset,
            modular_pipelines=set(), node_extras=None,
        )  # fmt: skip
        DataNodeMetadata.set_is_all_previews_enabled(True)
        told = json.loads(get_encoded_response(DataNodeMetadata(data_node=node)))
        return told["preview_type"], told["preview"]

    return look
