"""The blocks of conf/base against their models."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from msc_kedro.pipelines.parameters import (
    CorpusParameters,
    EngineParameters,
    Parameters,
    SameVoiceParameters,
    SplitParameters,
)
from msc_kedro.pipelines.speaker_assign.parameters import FacesParameters

CONF = Path(__file__).parents[2] / "conf" / "base"
WITH = {"faces": "speaker_assign"}  # blocks beside another in one file
STAGES = "demo ingest segment speaker_assign describe featurize train evaluate synthesize".split()


def block_of(name: str) -> dict[str, Any]:
    own = CONF / f"parameters_{WITH.get(name, name)}.yml"
    file = own if own.is_file() else CONF / "parameters.yml"
    return yaml.safe_load(file.read_text(encoding="utf-8"))[name]


def model_of(name: str) -> type[Parameters]:
    shared = {
        "corpus": CorpusParameters,
        "splits": SplitParameters,
        "engine": EngineParameters,
        "same_voice": SameVoiceParameters,
        "faces": FacesParameters,
    }
    if name in shared:
        return shared[name]
    module = import_module(f"msc_kedro.pipelines.{name}.parameters")
    return getattr(module, f"{name.title().replace('_', '')}Parameters")


BLOCKS = ["corpus", "splits", "engine", "same_voice", "faces", *STAGES]


@pytest.mark.parametrize("name", BLOCKS)
def test_the_block_is_complete_and_fits(name: str) -> None:
    model, block = model_of(name), block_of(name)
    assert set(block) == set(model.model_fields)  # every value can be seen and changed in conf
    parameters = model.model_validate(block)
    with pytest.raises(ValidationError):
        parameters.seed = 1  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", BLOCKS)
def test_a_misspelt_key_is_refused(name: str) -> None:
    block = block_of(name)
    first = next(iter(block))
    with pytest.raises(ValidationError, match=f"{first}x"):
        model_of(name).model_validate({**block, f"{first}x": block[first]})


@pytest.mark.parametrize(
    ("name", "changed"),
    [
        ("corpus", {"max_rejected_share": 1.5}),
        ("splits", {"train": 0}),
        ("splits", {"allow": ["same_hat"]}),
        ("corpus", {"kind": "melt"}),
        ("engine", {"threads": 0}),
        ("segment", {"max_pause_s": 0}),
        ("speaker_assign", {"margin_s": -0.1}),
        ("faces", {"method": "syncnet"}),
        ("faces", {"frames_per_s": 30}),
        ("featurize", {"frames_per_s": 0}),
        ("train", {"modalities": []}),
        ("train", {"modalities": ["text", "smell"]}),
        ("train", {"lora": {"rank": 8}}),
        ("evaluate", {"method": "guess"}),
        ("synthesize", {"max_words": 0}),
    ],
)
def test_values_out_of_range_are_refused(name: str, changed: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match=next(iter(changed))):
        model_of(name).model_validate({**block_of(name), **changed})


def test_what_may_be_left_out() -> None:
    train = model_of("train").model_validate({**block_of("train"), "lora": None, "patience": None})
    assert train.lora is None  # type: ignore[attr-defined]
