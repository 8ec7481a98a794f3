"""Versions know what they were made from; what does not belong together is not read together."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
from kedro.framework.project import configure_project
from kedro.io import DataCatalog, Version
from kedro.pipeline import Node, Pipeline
from kedro.runner import SequentialRunner
from kedro_datasets.json import JSONDataset

from msc_kedro.descent import DESCENT, DescentHooks, descent_of, fingerprint_of, stale_among
from msc_kedro.errors import MscKedroError
from msc_kedro.pipeline_registry import STAGES, makers

MADE_BY = {  # what each dataset is made from, in order of making
    "sources": [],
    "sound": [],
    "utterances": ["sources", "sound"],
    "speakers": ["utterances", "sound"],
    "voice": ["utterances", "speakers"],
    "adapter": ["voice"],
}


class Project:
    """Datasets in a folder, made one from another as pipelines do."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.runs = 0

    def catalog(self, **load: str) -> DataCatalog:
        def entry(name: str) -> JSONDataset:
            version = Version(load.get(name), f"{self.runs:04d}")
            return JSONDataset(filepath=f"{self.folder}/{name}.json", version=version)

        return DataCatalog({name: entry(name) for name in MADE_BY})

    def make(self, *names: str, salt: str = "", **load: str) -> None:
        """One run that makes datasets; their content is that of their inputs, and the salt."""
        self.runs += 1
        hooks, catalog = DescentHooks(), self.catalog(**load)

        def node(name: str) -> Node:
            return Node(
                lambda *inputs: {"from": inputs, "salt": salt} if inputs else {"salt": salt},
                MADE_BY[name] or None,
                name,
                name=name,
            )

        nodes = [node(name) for name in names]
        hooks.before_pipeline_run(pipeline=Pipeline(nodes), catalog=catalog)
        for one in nodes:
            hooks.before_node_run(node=one, catalog=catalog)
            SequentialRunner().run(Pipeline([one]), catalog)
            hooks.after_dataset_saved(dataset_name=one.outputs[0], node=one)


@pytest.fixture(scope="module", autouse=True)
def configured() -> None:
    configure_project("msc_kedro")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    made = Project(tmp_path)
    made.make(*MADE_BY)
    return made


def test_a_version_records_all_its_ancestors(project: Project) -> None:
    catalog = project.catalog()
    known = {name: descent_of(catalog.get(name)) for name in MADE_BY}
    assert known["adapter"].made_from == {
        name: known[name].fingerprint for name in sorted(set(MADE_BY) - {"adapter"})
    }
    assert known["sources"].made_from == {}
    assert not stale_among(catalog, MADE_BY)


def test_the_same_content_is_the_same_descent(project: Project) -> None:
    project.make("sources", "sound", "utterances")  # again, from the same
    project.make("adapter")
    assert not stale_among(project.catalog(), MADE_BY)


def test_another_descent_is_refused_with_the_pipelines_to_run(project: Project) -> None:
    project.make("utterances", salt="cut anew")
    with pytest.raises(MscKedroError) as refused:
        project.make("voice")  # from utterances and speakers
    told = str(refused.value)
    assert "'speakers' (version 0001) was made from another 'utterances'" in told
    assert "kedro run --pipelines speaker_assign\n" in told
    project.make("speakers")
    project.make("voice")


def test_all_that_is_stale_is_named_in_order(project: Project) -> None:
    project.make("utterances", salt="cut anew")
    stale = stale_among(project.catalog(), ["utterances", "voice", "speakers", "sound"])
    assert stale == {"speakers": "utterances", "voice": "utterances"}


def test_descent_is_seen_through_a_dataset_between(project: Project) -> None:
    project.make("utterances", "speakers", salt="cut anew")
    # The voice is older than both; `adapter` was made from it and agrees with it alone.
    assert set(stale_among(project.catalog(), ["speakers", "adapter"])) == {"adapter"}
    assert not stale_among(project.catalog(), ["voice", "adapter"])


def test_old_data_that_belong_together_may_be_read(project: Project) -> None:
    project.make("sources", salt="a new video")
    project.make("adapter")  # from voice only: nothing there is mixed


def test_chosen_versions_that_belong_together(project: Project) -> None:
    project.make("utterances", salt="cut anew")
    project.make("voice", utterances="0001")
    catalog = project.catalog()
    old = descent_of(project.catalog(utterances="0001").get("utterances"))
    assert descent_of(catalog.get("voice")).made_from["utterances"] == old.fingerprint


def test_what_a_run_makes_anew_is_seen_within_the_run(project: Project) -> None:
    with pytest.raises(MscKedroError, match="speaker_assign"):
        project.make("utterances", "voice", salt="cut anew")
    assert not (project.folder / "voice.json/0002").exists()


def test_a_version_without_a_record_is_not_judged(project: Project) -> None:
    project.make("utterances", salt="cut anew")
    (project.folder / "utterances.json/0002" / DESCENT).unlink()
    assert not stale_among(project.catalog(), ["utterances", "speakers"])


def test_a_fingerprint_is_of_names_and_bytes(tmp_path: Path) -> None:
    def of(**files: str) -> str:
        folder = tmp_path / str(len(list(tmp_path.iterdir())))
        folder.mkdir()
        for name, content in files.items():
            (folder / name).write_text(content)
        return fingerprint_of(folder)

    assert of(a="1", b="2") == of(a="1", b="2") == of(a="1", b="2", **{DESCENT: "x"})
    assert len({of(a="1", b="2"), of(a="2", b="1"), of(a="12"), of(a="1"), of()}) == 5


def test_the_record_is_json_of_fixed_order(project: Project) -> None:
    record = json.loads((project.folder / "voice.json/0001" / DESCENT).read_text())
    assert list(record) == ["fingerprint", "made_from"]
    assert list(record["made_from"]) == sorted(record["made_from"])


def test_unversioned_datasets_have_no_descent() -> None:
    assert descent_of(SimpleNamespace()) is None


def test_each_dataset_has_its_maker() -> None:
    assert set(makers().values()) == set(STAGES)
    assert makers()["utterances"] == "segment"
