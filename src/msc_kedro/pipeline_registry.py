"""The pipelines by name. Kedro imports only those that a run asks for."""

from importlib import import_module

from kedro.pipeline import Pipeline

STAGES = (
    "ingest",
    "segment",
    "speaker_assign",
    "describe",
    "featurize",
    "train",
    "evaluate",
    "synthesize",
)


def register_pipelines() -> dict[str, Pipeline]:
    """The eight stages, all of them as the default, and the maker of the demo."""
    made = {name: _pipeline(name) for name in ("demo", *STAGES)}
    made["__default__"] = sum((made[name] for name in STAGES), Pipeline([]))
    return made


def makers() -> dict[str, str]:
    """Which stage makes a dataset, by the dataset's name."""
    return {name: stage for stage in STAGES for name in _pipeline(stage).all_outputs()}


def _pipeline(name: str) -> Pipeline:
    return import_module(f"msc_kedro.pipelines.{name}").create_pipeline()
