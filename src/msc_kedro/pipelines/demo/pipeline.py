"""Wiring of the demo."""

from kedro.pipeline import Node, Pipeline

from msc_kedro.pipelines.demo.nodes import make_demo_corpus


def create_pipeline() -> Pipeline:
    """voices -> corpus."""
    return Pipeline(
        [
            Node(
                make_demo_corpus,
                ["voice_female", "voice_male", "work", "params:demo", "params:engine"],
                "corpus",
                name="make_demo_corpus",
            )
        ],
        tags="demo",
    )
