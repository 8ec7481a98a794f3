"""Brouhaha from a checkpoint: a tiny one, written here in the published one's layout."""

from pathlib import Path

import numpy as np
import pytest
import torch

from msc_kedro.errors import MscKedroError
from msc_kedro.listening.brouhaha import CHECKPOINT, Brouhaha, open_brouhaha
from msc_kedro.listening.pyannote_models import import_pyannote

FIGURES = {
    "sincnet": {"stride": 10, "sample_rate": 16_000},
    "lstm": {
        "hidden_size": 4,
        "num_layers": 1,
        "bidirectional": True,
        "monolithic": True,
        "dropout": 0.0,
        "batch_first": True,
    },
    "linear": {"hidden_size": 8, "num_layers": 1},
}


def stored(**said: float) -> dict:
    """A checkpoint whose heads always say the same, before the bounds are put on it."""
    import_pyannote()
    from pyannote.audio.core.task import Problem, Resolution, Specifications
    from pyannote.audio.models.segmentation import PyanNet

    torch.manual_seed(1)
    state = PyanNet(**FIGURES).state_dict()
    for head, value in said.items():
        state[f"classifier.linears.{head}.weight"] = torch.zeros(1, 8)
        state[f"classifier.linears.{head}.bias"] = torch.tensor([value])
    specifications = Specifications(
        problem=Problem.MULTI_LABEL_CLASSIFICATION,
        resolution=Resolution.FRAME,
        duration=6.0,
        classes=["vad", "snr", "c50"],
    )
    return {
        "state_dict": state | {"validation_metric.total": torch.zeros(1)},
        "hyper_parameters": FIGURES,
        "pyannote.audio": {
            "specifications": specifications,
            "architecture": {"module": "brouhaha.models", "class": "CustomPyanNetModel"},
        },
    }


@pytest.fixture
def checkpoint(tmp_path: Path):
    def write(**said: float) -> Path:
        torch.save(stored(**said), tmp_path / CHECKPOINT)
        return tmp_path

    return write


SOUND = np.random.default_rng(0).standard_normal(32_000).astype(np.float32) / 10


def test_heads_are_read_within_their_bounds(checkpoint) -> None:
    told = Brouhaha(checkpoint(vad=9.0, snr=0.0, c50=0.0), device="cpu")(SOUND)
    assert told.snr_db == pytest.approx(32.5) and told.c50_db == pytest.approx(25.0)
    clear = Brouhaha(checkpoint(vad=9.0, snr=-30.0, c50=-30.0), device="cpu")(SOUND)
    assert clear.snr_db == pytest.approx(80.0) and clear.c50_db == pytest.approx(60.0)


def test_about_59_frames_a_second(checkpoint) -> None:
    frames = Brouhaha(checkpoint(vad=0.0, snr=0.0, c50=0.0), device="cpu").frames(SOUND)
    assert frames.shape[1] == 3 and 57 * 2 <= len(frames) <= 60 * 2


def test_without_speech_nothing_is_told(checkpoint) -> None:
    told = Brouhaha(checkpoint(vad=-9.0, snr=0.0, c50=0.0), device="cpu")(SOUND)
    assert told == (None, None, "no speech heard")


def test_what_is_no_brouhaha_is_refused(checkpoint, tmp_path: Path) -> None:
    with pytest.raises(MscKedroError, match="kedro models fetch"):
        open_brouhaha(tmp_path)
    with pytest.raises(MscKedroError, match="does not fit"):
        open_brouhaha(checkpoint(vad=0.0))
    torch.save({"weights": torch.zeros(1)}, tmp_path / CHECKPOINT)
    with pytest.raises(MscKedroError, match="no checkpoint of Brouhaha"):
        open_brouhaha(tmp_path)
