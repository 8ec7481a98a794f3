"""How pipelines, catalog, parameters, dvc.yaml and the session fit together."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from kedro.framework.project import pipelines
from kedro.framework.session import KedroSession
from kedro.framework.session.session import generate_timestamp
from kedro.framework.startup import bootstrap_project
from kedro.pipeline import Pipeline
from pipelines.test_parameters import model_of

from msc_kedro.configuration import ProjectConfig, corpus_name
from msc_kedro.models import read_specs, write_lock
from msc_kedro.pipeline_registry import STAGES, register_pipelines
from msc_kedro.session import DVC_VERSION, ProjectSession
from msc_kedro.settings import CONFIG_LOADER_ARGS

PROJECT = Path(__file__).parents[1]
REGISTERED = register_pipelines()
DVC = yaml.safe_load((PROJECT / "dvc.yaml").read_text(encoding="utf-8"))
UNTRACKED = {"work", "reporting"}  # kept between runs, written outside DVC's outs


def config(conf: Path = PROJECT / "conf", env: str = "local", **parameters: Any) -> ProjectConfig:
    return ProjectConfig(str(conf), env=env, runtime_params=parameters, **CONFIG_LOADER_ARGS)


CATALOG: dict[str, dict[str, Any]] = dict(config()["catalog"])
CORPUS = corpus_name(config()["parameters"]["corpus"])


def is_parameter(name: str) -> bool:
    return name == "parameters" or name.startswith("params:")


def is_model(name: str) -> bool:
    return CATALOG[name]["type"].endswith("ModelDataset")


def data_of(names: set[str]) -> set[str]:
    """Datasets among names: no parameters, no models, nothing that is only kept for later."""
    return {n for n in names - UNTRACKED if not is_parameter(n) and not is_model(n)}


# --- pipelines and the catalog -------------------------------------------------------------------


def test_the_eight_pipelines_and_their_sum() -> None:
    assert set(REGISTERED) == {*STAGES, "demo", "__default__"}
    whole = REGISTERED["__default__"]
    assert {node.name for node in whole.nodes} == {
        node.name for stage in STAGES for node in REGISTERED[stage].nodes
    }
    order = [min(node.tags) for node in whole.nodes]
    for maker, taker in (("ingest", "segment"), ("train", "evaluate"), ("evaluate", "synthesize")):
        assert order.index(maker) < order.index(taker)


@pytest.mark.parametrize("name", ["demo", *STAGES])
def test_nodes_are_tagged_with_their_pipeline(name: str) -> None:
    assert {tag for node in REGISTERED[name].nodes for tag in node.tags} == {name}


@pytest.mark.parametrize("name", sorted(REGISTERED))
def test_everything_taken_or_given_is_known(name: str) -> None:
    pipeline = REGISTERED[name]
    parameters = config()["parameters"]
    for dataset in pipeline.datasets():
        if dataset.startswith("params:"):
            assert dataset.removeprefix("params:") in parameters
        else:
            assert dataset in CATALOG


def test_every_entry_and_every_parameter_is_used() -> None:
    used = {name for pipeline in REGISTERED.values() for name in pipeline.datasets()}
    parameters = {f"params:{name}" for name in config()["parameters"]}
    assert used | {"reporting"} == {*CATALOG, *parameters}


def test_what_pipelines_hand_each_other_is_versioned() -> None:
    given = {name for stage in STAGES for name in REGISTERED[stage].all_outputs()}
    assert given
    for name in given:
        assert CATALOG[name].get("versioned") is True, name
    unversioned = {name for name in CATALOG if not CATALOG[name].get("versioned")}
    assert {n for n in unversioned if not is_model(n)} == {"corpus", *UNTRACKED}


def test_no_two_entries_share_a_path() -> None:
    paths = [entry["filepath"] for entry in CATALOG.values() if "filepath" in entry]
    assert len(paths) == len(set(paths))


def test_paths_hold_corpus_and_recipe(tmp_path: Path) -> None:
    shutil.copytree(PROJECT / "conf", tmp_path / "conf")
    (tmp_path / "conf" / "other").mkdir()
    corpus = {"folder": "/videos/My talks (2024)", "name": None}
    catalog = config(tmp_path / "conf", "other", corpus=corpus)["catalog"]
    for name, entry in catalog.items():
        if not entry.get("versioned"):
            continue
        layer = int(entry["filepath"].removeprefix("data/")[:2])
        place = entry["filepath"].split("/", 2)[2]
        expected = "My-talks-2024/other/" if layer >= 4 else "My-talks-2024/"
        assert place.startswith(expected), name
    assert catalog["corpus"]["filepath"] == "/videos/My talks (2024)"


def test_a_recipe_holds_only_what_differs(tmp_path: Path) -> None:
    shutil.copytree(PROJECT / "conf", tmp_path / "conf")
    (tmp_path / "conf" / "other").mkdir()
    (tmp_path / "conf/other/parameters_train.yml").write_text("train: {lora: {rank: 16}}")
    (tmp_path / "conf/other/parameters_ingest.yml").write_text("ingest: {}")
    base, other = (config(tmp_path / "conf", env)["parameters"] for env in ("base", "other"))
    assert other["train"]["lora"] == {**base["train"]["lora"], "rank": 16}
    assert {**other, "train": 0} == {**base, "train": 0}


RECIPES = sorted({p.name for p in (PROJECT / "conf").iterdir() if p.is_dir()} - {"base", "local"})


@pytest.mark.parametrize("env", RECIPES)
class TestRecipe:
    """A folder of conf/ beside conf/base."""

    def test_has_every_block_that_dvc_tracks(self, env: str) -> None:
        for stage in DVC["stages"].values():
            for entry in stage["params"]:
                for file, names in entry.items():
                    path = PROJECT / file.replace("${recipe.env}", env)
                    known = yaml.safe_load(path.read_text(encoding="utf-8"))
                    assert set(names) <= set(known), path

    def test_its_parameters_fit(self, env: str) -> None:
        parameters = config(env=env)["parameters"]
        assert set(parameters) == set(config()["parameters"])
        for name, block in parameters.items():
            model_of(name).model_validate(block)

    def test_its_models_are_locked(self, env: str) -> None:
        specs = read_specs(config(env=env)["models"])
        assert (PROJECT / "conf" / env / "models.lock").read_text() == write_lock(specs)


@pytest.mark.parametrize("kind", ["meld", "msc", "multidialog", "avamerg"])
def test_a_corpus_has_its_recipe(kind: str) -> None:
    loaded = config(env=kind)
    assert loaded["parameters"]["corpus"]["kind"] == kind
    assert loaded["catalog"]["corpus"]["filepath"] == f"data/01_raw/{kind}"
    assert f"/{kind}/{kind}/" in loaded["catalog"]["adapter"]["filepath"]


@pytest.mark.parametrize("env", ["local", "base"])
def test_the_embedded_recipe_has_a_name(env: str) -> None:
    assert config(env=env).recipe == "embedded"
    assert "/embedded/" in config(env=env)["catalog"]["adapter"]["filepath"]


@pytest.mark.parametrize(
    ("folder", "name", "expected"),
    [
        ("data/01_raw/demo", None, "demo"),
        ("/videos/My talks (2024)", None, "My-talks-2024"),
        ("/videos/été.v2", None, "été.v2"),
        ("/videos/x", "a/b\\c:d", "a-b-c-d"),
        ("/videos/x", "../../etc", "etc"),
        ("/videos/x", "..", "corpus"),
        ("/videos/🎬", None, "corpus"),
        ("/", None, "corpus"),
        ("/videos/x", "", "x"),
    ],
)
def test_names_of_corpora_are_fit_for_paths(folder: str, name: str | None, expected: str) -> None:
    assert corpus_name({"folder": folder, "name": name}) == expected


def test_a_corpus_in_the_folder_at_hand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "talks").mkdir()
    monkeypatch.chdir(tmp_path / "talks")
    assert corpus_name({"folder": ".", "name": None}) == "talks"


# --- dvc.yaml ------------------------------------------------------------------------------------


def resolved(text: str) -> str:
    """A path of dvc.yaml with its `vars` put in."""
    values = {key: value for block in DVC["vars"] for key, value in block.items()}

    def value(match: re.Match[str]) -> str:
        block, key = match[1].split(".")
        return str(values[block][key])

    return re.sub(r"\$\{([\w.]+)\}", value, text)


def path_of(dataset: str) -> str:
    entry = CATALOG[dataset]
    return entry["filepath"] + ("" if dataset == "corpus" else f"/{DVC_VERSION}")


def data_paths(paths: list[str]) -> set[str]:
    found = [resolved(path) for path in paths]
    assert len(found) == len(set(found))
    return {path for path in found if path.startswith("data/")}


def test_the_vars_are_the_default_corpus_and_recipe() -> None:
    parameters = config()["parameters"]
    assert resolved("${corpus.folder}") == parameters["corpus"]["folder"]
    assert resolved("${corpus.name}") == CORPUS
    assert resolved("${recipe.name}") == config().recipe


def test_one_stage_per_pipeline() -> None:
    assert set(DVC["stages"]) == {*STAGES, "demo"}


@pytest.mark.parametrize("stage", ["demo", *STAGES])
class TestStage:
    """A stage of dvc.yaml against its pipeline."""

    def test_runs_its_pipeline(self, stage: str) -> None:
        command = DVC["stages"][stage]["cmd"]
        assert command.startswith("kedro run ") and f"--pipeline {stage} " in command
        if stage != "demo":
            assert "--env ${recipe.env}" in command
            assert "corpus.folder=${corpus.folder},corpus.name=${corpus.name}" in command

    def test_deps_are_the_free_inputs(self, stage: str) -> None:
        expected = {path_of(name) for name in data_of(REGISTERED[stage].inputs())}
        assert data_paths(DVC["stages"][stage]["deps"]) == expected

    def test_outs_are_what_is_made(self, stage: str) -> None:
        assert not any(isinstance(out, dict) for out in DVC["stages"][stage]["outs"])  # no persist
        expected = {path_of(name) for name in data_of(REGISTERED[stage].all_outputs())}
        assert data_paths(DVC["stages"][stage]["outs"]) == expected

    def test_models_are_a_dep(self, stage: str) -> None:
        if any(is_model(name) for name in REGISTERED[stage].inputs() if not is_parameter(name)):
            deps = [resolved(dep) for dep in DVC["stages"][stage]["deps"]]
            assert "conf/base/models.lock" in deps

    def test_params_are_the_blocks_taken_of_base_and_recipe(self, stage: str) -> None:
        tracked = [
            (file, name)
            for entry in DVC["stages"][stage]["params"]
            for file, names in entry.items()
            for name in names
        ]
        for file, name in tracked:
            known = yaml.safe_load((PROJECT / resolved(file)).read_text(encoding="utf-8"))
            assert name in known, file
        expected = {
            n.removeprefix("params:") for n in REGISTERED[stage].inputs() if is_parameter(n)
        }
        assert len(tracked) == len(set(tracked)) and {name for _, name in tracked} == expected
        overlays = [(f.replace("${recipe.env}", "base"), n) for f, n in tracked if "$" in f]
        if stage != "demo":
            assert overlays == [(file, name) for file, name in tracked if "$" not in file]

    def test_code_is_there(self, stage: str) -> None:
        deps = [resolved(dep) for dep in DVC["stages"][stage]["deps"]]
        code = [dep for dep in deps if not dep.startswith("data/")]
        assert f"src/msc_kedro/pipelines/{stage}" in code
        assert all((PROJECT / path).exists() for path in code)


# --- the session ---------------------------------------------------------------------------------


@pytest.fixture
def session_of(monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[ProjectSession, dict]]:
    """A session that has run pipelines, and what Kedro was asked to do."""

    def make(names: list[str], *, dvc: bool, **options: Any) -> tuple[ProjectSession, dict]:
        monkeypatch.delenv("DVC_STAGE", raising=False)
        if dvc:
            monkeypatch.setenv("DVC_STAGE", names[0])
        asked: dict[str, Any] = {}
        monkeypatch.setattr(KedroSession, "run", lambda self, **kwargs: asked.update(kwargs) or {})
        bootstrap_project(PROJECT)
        parameters = options.pop("parameters", None)
        with ProjectSession.create(
            PROJECT, save_on_close=False, runtime_params=parameters
        ) as session:
            session.run(pipeline_names=names, **options)
        return session, asked  # type: ignore[return-value]

    return make


def test_outside_dvc_a_version_is_a_time(session_of: Callable[..., Any]) -> None:
    session, asked = session_of(["segment"], dvc=False)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT[\d.]+Z", session.session_id)
    assert session.store["session_id"] == session.session_id
    assert asked["pipeline_names"] == ["segment"] and not asked["load_versions"]


def test_in_dvc_one_version_is_saved_and_loaded(session_of: Callable[..., Any]) -> None:
    session, asked = session_of(["segment"], dvc=True)
    assert session.store["session_id"] == session.session_id == DVC_VERSION == "0-dvc"
    assert asked["pipeline_names"] == ["segment"]
    versioned = {name for name, entry in CATALOG.items() if entry.get("versioned")}
    assert asked["load_versions"] == dict.fromkeys(versioned, DVC_VERSION)
    # Also what a stage hands on between its own nodes: else the latest would be read, a user's.
    assert {"sources", "scenes", "utterances"} <= versioned


def test_an_asked_for_version_comes_first(session_of: Callable[..., Any]) -> None:
    _, asked = session_of(["segment"], dvc=True, load_versions={"sources": "2025"})
    assert asked["load_versions"]["sources"] == "2025"
    assert asked["load_versions"]["sound"] == DVC_VERSION


def test_an_unknown_pipeline_is_left_to_kedro(session_of: Callable[..., Any]) -> None:
    _, asked = session_of(["nonsense"], dvc=True)
    assert asked["pipeline_names"] == ["nonsense"]


def test_the_dvc_version_is_older_than_any_time() -> None:
    assert min(DVC_VERSION, "1970-01-01T00.00.00.000Z", generate_timestamp()) == DVC_VERSION


def test_the_demo_is_made_only_where_it_is_wanted(
    session_of: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    from msc_kedro import session

    monkeypatch.setattr(session, "is_whole", lambda folder: False)
    mine = {"corpus": {"folder": "/videos"}}
    assert session_of(["ingest"], dvc=False)[1]["pipeline_names"] == ["demo", "ingest"]
    assert session_of(["__default__"], dvc=False)[1]["pipeline_names"] == ["demo", "__default__"]
    assert session_of(["train"], dvc=False)[1]["pipeline_names"] == ["train"]
    assert session_of(["demo"], dvc=False)[1]["pipeline_names"] == ["demo"]
    assert session_of(["ingest"], dvc=True)[1]["pipeline_names"] == ["ingest"]
    asked = session_of(["ingest"], dvc=False, parameters=mine)[1]
    assert asked["pipeline_names"] == ["ingest"]
    monkeypatch.setattr(session, "is_whole", lambda folder: True)
    assert session_of(["ingest"], dvc=False)[1]["pipeline_names"] == ["ingest"]


def test_kedro_knows_the_same_pipelines() -> None:
    bootstrap_project(PROJECT)
    pipelines.set_requested(None)
    assert set(pipelines.keys()) == set(REGISTERED)
    assert isinstance(pipelines["train"], Pipeline)
