"""Checkpoints as pyannote's repositories have them: read as plain weights, built, and used."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from msc_kedro.errors import MscKedroError

RATE = 16_000
# As published in pyannote/speaker-diarization-3.1.
CONFIG = """version: 3.1.0

pipeline:
  name: pyannote.audio.pipelines.SpeakerDiarization
  params:
    clustering: AgglomerativeClustering
    embedding: pyannote/wespeaker-voxceleb-resnet34-LM
    embedding_batch_size: 32
    embedding_exclude_overlap: true
    segmentation: pyannote/segmentation-3.0
    segmentation_batch_size: 32

params:
  clustering:
    method: centroid
    min_cluster_size: 12
    threshold: 0.7045654963945799
  segmentation:
    min_duration_off: 0.0
"""


def save_checkpoint(network: Any, specifications: Any, folder: Path, **figures: Any) -> Path:
    """In the layout that pyannote writes, with what its published files hold beside weights."""
    import torch
    from torch.torch_version import TorchVersion

    folder.mkdir()
    told = {
        "versions": {"torch": TorchVersion("2.0.0"), "pyannote.audio": "3.1.0"},
        "architecture": {
            "module": type(network).__module__,
            "class": type(network).__name__,
        },
        "specifications": specifications,
    }
    torch.save(
        {
            "state_dict": network.state_dict(),
            "hyper_parameters": {"sample_rate": RATE, "num_channels": 1, **figures},
            "pyannote.audio": told,
        },
        folder / "pytorch_model.bin",
    )
    return folder


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A tiny PyanNet, a WeSpeakerResNet34 of random weights, and the published pipeline's file."""
    from msc_kedro.listening.pyannote_models import import_pyannote

    import_pyannote()
    import torch
    from pyannote.audio.core.task import Problem, Resolution, Specifications
    from pyannote.audio.models.embedding import WeSpeakerResNet34
    from pyannote.audio.models.segmentation import PyanNet

    room = tmp_path_factory.mktemp("hub")
    torch.manual_seed(0)
    figures = {"lstm": {"hidden_size": 8, "num_layers": 1}, "linear": {"hidden_size": 8}}
    told = Specifications(
        problem=Problem.MONO_LABEL_CLASSIFICATION,
        resolution=Resolution.FRAME,
        duration=10.0,
        classes=["speaker#1", "speaker#2", "speaker#3"],
        powerset_max_classes=2,
        permutation_invariant=True,
    )
    segmentation = PyanNet(**figures)
    segmentation.specifications = told
    segmentation.build()
    of_voices = Specifications(
        problem=Problem.REPRESENTATION, resolution=Resolution.CHUNK, duration=5.0
    )
    pipeline = room / "pipeline"
    pipeline.mkdir()
    (pipeline / "config.yaml").write_text(CONFIG)
    return {
        "segmentation": save_checkpoint(segmentation, told, room / "segmentation", **figures),
        "embedding": save_checkpoint(WeSpeakerResNet34(), of_voices, room / "embedding"),
        "pipeline": pipeline,
    }


def noise(seconds: float) -> np.ndarray:
    return np.random.default_rng(0).normal(0, 0.1, round(seconds * RATE)).astype(np.float32)


def test_the_published_pipeline_runs_on_checkpoints(folders: dict[str, Path]) -> None:
    from msc_kedro.listening.diarization import Diarizer, published_settings

    parts, figures = published_settings(folders["pipeline"])
    assert parts["embedding_exclude_overlap"] is True and "segmentation" not in parts
    assert figures["clustering"]["threshold"] == 0.7045654963945799
    diarize = Diarizer(folders["segmentation"], folders["embedding"], folders["pipeline"], step=0.5)
    assert diarize.pipeline.clustering.threshold == 0.7045654963945799
    assert diarize.pipeline.clustering.method == "centroid"
    turns = diarize(noise(12))
    assert all(0 <= turn.start_s < turn.end_s <= 12 for turn in turns)
    assert diarize(noise(12)) == turns
    diarize.turn_taking(noise(12))


def test_a_voice_has_a_unit_vector(folders: dict[str, Path]) -> None:
    from msc_kedro.listening.embedding import WeSpeakerEncoder

    encode = WeSpeakerEncoder(folders["embedding"])
    vector = encode(noise(2))
    assert vector is not None and vector.shape == (encode.width,) == (256,)
    assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-5)
    assert encode(noise(0.1)) is None and encode(np.zeros(RATE, np.float32)) is None


def test_weights_are_those_of_the_file(folders: dict[str, Path]) -> None:
    import torch

    from msc_kedro.listening.pyannote_models import open_checkpoint

    stored = torch.load(folders["embedding"] / "pytorch_model.bin", weights_only=False)
    opened = open_checkpoint(folders["embedding"]).state_dict()
    assert all(torch.equal(opened[name], weight) for name, weight in stored["state_dict"].items())


def test_the_wrong_network_says_so(folders: dict[str, Path], tmp_path: Path) -> None:
    from msc_kedro.listening.diarization import published_settings
    from msc_kedro.listening.pyannote_models import open_checkpoint, open_segmentation

    with pytest.raises(MscKedroError, match="no network that says who speaks"):
        open_segmentation(folders["embedding"])
    with pytest.raises(MscKedroError, match="kedro models fetch"):
        open_checkpoint(tmp_path)
    with pytest.raises(MscKedroError, match="kedro models fetch"):
        published_settings(tmp_path)
    (tmp_path / "config.yaml").write_text(CONFIG.replace("Agglomerative", "VBx"))
    with pytest.raises(MscKedroError, match="AgglomerativeClustering"):
        published_settings(tmp_path)


def test_an_object_in_a_checkpoint_is_not_made(tmp_path: Path) -> None:
    import torch

    from msc_kedro.listening.pyannote_models import open_checkpoint

    torch.save({"state_dict": {}, "pyannote.audio": Path("x")}, tmp_path / "pytorch_model.bin")
    with pytest.raises(MscKedroError, match="plain weights"):
        open_checkpoint(tmp_path)
