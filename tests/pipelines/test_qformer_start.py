"""Where Q-Formers start, as the recipe says."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from msc_kedro.errors import MscKedroError
from msc_kedro.models.opener import Opener
from msc_kedro.pipelines.evaluate.parameters import EvaluateParameters
from msc_kedro.pipelines.train.job import start_of
from msc_kedro.pipelines.train.parameters import TrainParameters

CONF = Path(__file__).parents[2] / "conf"
READER = "msc_kedro.agent.blip2.read_blip2"


def block(recipe: str, name: str) -> dict:
    file = CONF / recipe / f"parameters_{name}.yml"
    return yaml.safe_load(file.read_text(encoding="utf-8"))[name]


def merged(name: str, **changed: object) -> dict:
    found = block("base", name)
    for key, value in changed.items():
        found[key] = {**found[key], **value} if isinstance(value, dict) else value
    return found


def test_a_start_that_the_recipe_does_not_name_is_refused() -> None:
    nothing = Opener.of(READER, {}, {}, fingerprint="")
    there = Opener.of(READER, {"folder": "somewhere"}, {}, fingerprint="a")
    plain = TrainParameters.model_validate(merged("train"))
    assert start_of(nothing, plain) is None and start_of(there, plain) is None
    asked = TrainParameters.model_validate(merged("train", qformer={"init": "blip2"}))
    assert start_of(there, asked) == Path("somewhere")
    with pytest.raises(MscKedroError, match=r"names no checkpoint.*models\.yml"):
        start_of(nothing, asked)


def test_the_papers_settings_fit_and_have_blip_2s_shape() -> None:
    from msc_kedro.agent.blip2 import blip2_shape
    from msc_kedro.agent.qformer import QFormerConfig

    parameters = TrainParameters.model_validate(merged("train", **block("paper", "train")))
    shape = parameters.qformer.model_dump(exclude={"init"})
    assert QFormerConfig(**shape) == blip2_shape()
    assert (parameters.learning_rate, parameters.packing) == (5e-5, "reply")
    EvaluateParameters.model_validate(merged("evaluate", **block("paper", "evaluate")))
