"""Nodes of train."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

from msc_kedro.errors import MscKedroError
from msc_kedro.execution.ragged import Ragged, RaggedShards, write_shard
from msc_kedro.models.opener import Opener
from msc_kedro.pipelines.featurize.parameters import FeaturizeParameters
from msc_kedro.pipelines.featurize.shards import pictures_by
from msc_kedro.pipelines.parameters import EngineParameters
from msc_kedro.pipelines.train import nodes as train_nodes
from msc_kedro.pipelines.train.job import check_encoder, training_job
from msc_kedro.pipelines.train.parameters import TrainParameters

BASE = Path(__file__).parents[2] / "conf" / "base"
ENGINE = EngineParameters(threads=1, shard_utterances=8)
IMAGES = Opener.of("some.Images", {}, {}, fingerprint="images")
SOUNDS = Opener.of("some.Sounds", {}, {}, fingerprint="sounds")
IDS = ["a-1", "a-2"]


def block(name: str) -> dict[str, Any]:
    return yaml.safe_load((BASE / f"parameters_{name}.yml").read_text())[name]


FEATURIZE = FeaturizeParameters(**block("featurize"))


class Stop(Exception):
    """Says which job would have been run."""


def shards(folder: Path, encoder: str, widths: tuple[int, ...] = (3, 3)) -> RaggedShards:
    paths = []
    for name, width in zip(IDS, widths, strict=True):
        paths.append(folder / f"{encoder[:6]}-{name}.safetensors")
        write_shard(paths[-1], {name: Ragged(np.ones((4, width)), np.arange(4) / 3)})
    return RaggedShards(paths, encoder=encoder, width=widths[0])


def run(
    tmp_path: Path, *, split: str = "train", pictures: str | None = None, **changed: Any
) -> Any:
    utterances = pd.DataFrame(
        {
            "utterance_id": IDS,
            "dialogue_id": "a",
            "turn": [0, 1],
            "start_s": [0.0, 1.0],
            "text": "Hm",
        }
    )
    by = pictures_by(IMAGES, FEATURIZE.frames_per_s) if pictures is None else pictures
    return train_nodes.train_agent(
        utterances,
        pd.DataFrame({"utterance_id": IDS, "speaker": ["A", "B"]}),
        pd.DataFrame({"utterance_id": IDS, "description": ""}),
        pd.DataFrame({"dialogue_id": ["a"], "split": [split]}),
        shards(tmp_path, by),
        shards(tmp_path, SOUNDS.name),
        IMAGES,
        SOUNDS,
        Opener.of("none.such", {}, {}, fingerprint="model"),
        Opener.of("none.such", {}, {}, fingerprint="start"),
        tmp_path,
        TrainParameters(**{**block("train"), **changed}),
        FEATURIZE,
        ENGINE,
    )


@pytest.fixture
def job_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    def run_job(job: Any, **_: object) -> None:
        raise Stop(job)

    monkeypatch.setattr("msc_kedro.training.launch.run_job", run_job)

    def found(**changed: Any) -> Any:
        with pytest.raises(Stop) as caught:
            run(tmp_path, **changed)
        return caught.value.args[0]

    return found


def test_another_split_is_another_training(job_of: Any, tmp_path: Path) -> None:
    """A checkpoint of one split must not be gone on with in another, nor stop it."""

    def folder_of(**changed: Any) -> Path:
        return job_of(**changed).checkpoint_folder

    assert folder_of() == folder_of()
    assert folder_of().is_relative_to(tmp_path)
    different = [folder_of(), folder_of(split="valid"), folder_of(seed=1)]
    assert len(set(different)) == 3


def test_what_only_costs_is_the_same_training(job_of: Any) -> None:
    plain = job_of()
    lighter = job_of(activation_checkpointing=True, tracking=None)
    assert lighter.checkpoint_folder == plain.checkpoint_folder
    assert lighter.config.activation_checkpointing


def test_a_budget_is_over_the_history_for_single_replies_alone(job_of: Any) -> None:
    assert job_of(packing="reply").budget.over == "history"
    assert {job_of(packing=p).budget.over for p in ("dialogue", "window")} == {"utterance"}


def test_features_of_another_encoder_are_refused_before_anything_is_loaded(tmp_path: Path) -> None:
    with pytest.raises(MscKedroError) as caught:
        run(tmp_path, pictures="CLIP 1234, 3.0/s")
    said = str(caught.value)
    assert f"Expected: {pictures_by(IMAGES, FEATURIZE.frames_per_s)}" in said
    assert "Found:    CLIP 1234, 3.0/s" in said
    assert "kedro run --pipeline featurize" in said


def test_a_shard_of_another_width_is_refused(tmp_path: Path) -> None:
    mixed = shards(tmp_path, SOUNDS.name, widths=(3, 5))
    with pytest.raises(MscKedroError, match=r"5 wide in .*a-2.safetensors, expected 3"):
        check_encoder("sound", mixed, SOUNDS.name)


def test_a_job_goes_to_another_process(tmp_path: Path) -> None:
    job = training_job(
        [],
        picture_features=shards(tmp_path, "pictures"),
        sound_features=shards(tmp_path, "sounds"),
        language_model=Opener.of("none.such", {}, {}, fingerprint="model"),
        qformer_start=Opener.of("none.such", {}, {}, fingerprint="start"),
        checkpoint_folder=tmp_path,
        parameters=TrainParameters(**block("train")),
        threads=1,
    )
    again = pickle.loads(pickle.dumps(job))  # as torch hands it over
    assert again.config == job.config and again.lengths is not None
    assert again.lengths("a-1", "video") == 4 and again.lengths("none", "audio") == 0
    assert again.load("a-2").audio.shape == (4, 3)
