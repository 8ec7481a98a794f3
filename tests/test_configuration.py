"""Parameters that nobody would read are refused; the catalog knows corpus, recipe and models."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from msc_kedro.configuration import ProjectConfig, refuse_strangers
from msc_kedro.errors import MscKedroError
from msc_kedro.settings import CONFIG_LOADER_ARGS

BASE = {
    "corpus": {"folder": "films", "name": None},
    "train": {"steps": 3},
    "engine": {"threads": 2},
}


@pytest.fixture
def conf(tmp_path: Path) -> Path:
    for name in ("base", "local", "meld"):
        (tmp_path / name).mkdir()
    (tmp_path / "base" / "parameters.yml").write_text("corpus:\n  folder: films\n  name: null\n")
    (tmp_path / "base" / "parameters_train.yml").write_text("train:\n  steps: 3\n")
    return tmp_path


def config(conf: Path, env: str = "local", **parameters: Any) -> ProjectConfig:
    return ProjectConfig(str(conf), env=env, runtime_params=parameters, **CONFIG_LOADER_ARGS)


def test_a_recipe_holds_only_what_differs(conf: Path) -> None:
    (conf / "meld" / "parameters_train.yml").write_text("train:\n  steps: 9\n")
    assert config(conf, "meld")["parameters"]["train"] == {"steps": 9}
    assert config(conf, "meld", train={"steps": 4})["parameters"]["train"] == {"steps": 4}


@pytest.mark.parametrize("where", ["meld", "local", "command line"])
def test_a_misspelt_block_is_refused_wherever_it_stands(conf: Path, where: str) -> None:
    if where == "command line":
        wrong = config(conf, trian={"steps": 9})
    else:
        (conf / where / "parameters_mine.yml").write_text("trian:\n  steps: 9\n")
        wrong = config(conf, where)
    with pytest.raises(MscKedroError, match=r"'trian'. Did you mean 'train'\?\n.*: corpus, train."):
        _ = wrong["parameters"]


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"corpus": "films"}, r"'corpus' is a block of folder, name; found 'films'[\s\S]*folder="),
        ({"train": None}, r"'train' is a block of steps; found None"),
        ({"corpus": {"folder": None}}, r"corpus.folder must be the path .* found None"),
        ({"corpus": {"folder": " "}}, r"corpus.folder must be the path"),
        ({"corpus": {"folder": 2024}}, r"found 2024[\s\S]*corpus.folder=./2024"),
        ({"nothing like it": 1}, r"'nothing like it'.\nThose that there are"),
    ],
)
def test_mistakes(changed: dict[str, Any], told: str) -> None:
    with pytest.raises(MscKedroError, match=told):
        refuse_strangers({**BASE, **changed}, BASE)


def test_what_is_right_passes() -> None:
    refuse_strangers(BASE, BASE)
    refuse_strangers({"train": {"steps": 9}}, BASE)


def test_the_catalog_reads_each_part_once(conf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    entries = [f"table{n}:\n  filepath: data/${{corpus:name}}/{n}\n" for n in range(9)]
    (conf / "base" / "catalog.yml").write_text("".join(entries))
    loader = config(conf, corpus={"folder": "/films/my own"})
    read: list[str] = []
    reading = ProjectConfig._read_raw_config

    def counted(self: ProjectConfig, key: str) -> Any:
        read.append(key)
        return reading(self, key)

    monkeypatch.setattr(ProjectConfig, "_read_raw_config", counted)
    for _ in range(2):  # and again, should a file have changed
        assert loader["catalog"]["table3"]["filepath"] == "data/my-own/3"
    assert sorted(read) == ["catalog", "catalog", "parameters", "parameters"]
