"""Who speaks when, without knowing who: pyannote.audio's pipeline on weights from folders.

Local segmentation by segmentation-3.0 (Plaquet & Bredin, Interspeech 2023), embeddings of the
local speakers, agglomerative clustering: the scheme of pyannote's speaker-diarization-3.1. By
default with CAM++ in the place of WeSpeaker's ResNet34; with the published pipeline's own folder,
as published.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from msc_kedro.errors import MscKedroError
from msc_kedro.listening.embedding import SHORTEST_S, WEIGHTS, open_campplus
from msc_kedro.listening.pyannote_models import import_pyannote, open_checkpoint, open_segmentation
from msc_kedro.listening.sound import SAMPLE_RATE, as_mono
from msc_kedro.listening.turn_taking import TurnTaking, turn_taking

if TYPE_CHECKING:
    from numpy.typing import ArrayLike
    from pyannote.audio import Model

PIPELINE = "config.yaml"
# Mean cosine distance under which two clusters are one speaker; fitted by
# benchmarks/diarization_threshold.py. From 0.55 to 0.6 confusion is least, and the same.
SAME_SPEAKER_DISTANCE = 0.55
PUBLISHED_STEP = 0.1  # of a window of 10 s; what a published pipeline does not say otherwise
STEP = 0.25  # as right on the recordings at hand, in half of the time (docs/dataset-quality.md)


@dataclass(frozen=True)
class Turn:
    """One speaker talking without a break; seconds from the start of the sound."""

    start_s: float
    end_s: float
    speaker: str  # A, B, ... in order of first appearance


def _open_embedding(folder: Path) -> Model:
    """CAM++ where the folder holds it, else the checkpoint of pyannote in it."""
    plain = Path(folder) / WEIGHTS
    if plain.is_file():
        return _campplus_for_pyannote(folder)
    return open_checkpoint(folder, instead_of=plain)


def _campplus_for_pyannote(folder: Path) -> Model:
    """CAM++ in the form pyannote takes: waveforms [b, 1, n] and frame weights [b, f] in.

    A masked waveform is heard at its kept frames only. A local speaker with too little sound
    gets NaN, which pyannote leaves out of the clustering.
    """
    import torch
    from pyannote.audio import Model

    from msc_kedro.listening.campplus import WIDTH, filter_banks

    class CAMPPlusForPyannote(Model):
        def __init__(self) -> None:
            super().__init__(sample_rate=SAMPLE_RATE, num_channels=1)
            self.network = open_campplus(folder)

        @property
        def dimension(self) -> int:
            return WIDTH

        def forward(
            self, waveforms: torch.Tensor, weights: torch.Tensor | None = None
        ) -> torch.Tensor:
            embeddings = waveforms.new_full((len(waveforms), WIDTH), torch.nan)
            heard: tuple[torch.Tensor | None, torch.Tensor] = (None, waveforms)
            for place, waveform in enumerate(waveforms):
                # The local speakers of one window share their features.
                if heard[0] is None or not torch.equal(heard[0], waveform):
                    heard = (waveform, filter_banks(waveform[0]))
                features = heard[1]
                if weights is not None:
                    at = torch.linspace(0, weights.shape[1] - 1, len(features)).round().long()
                    features = features[weights[place][at] > 0.5]
                    if len(features) < SHORTEST_S * 100:
                        continue
                    features = features - features.mean(0, keepdim=True)
                embeddings[place] = self.network(features[None])[0]
            return embeddings

    return CAMPPlusForPyannote().eval()


class Diarizer:
    """Turns of speakers in a stretch of sound, and where they overlap.

    Args:
        segmentation_folder: segmentation-3.0, plain or as on the hub.
        embedding_folder: CAM++, or WeSpeaker's ResNet34 as on the hub.
        pipeline_folder: `config.yaml` of a published pipeline; its settings are taken then, and
            those below it are not.
        same_speaker_distance: mean cosine distance from which clusters are two speakers.
        step: hop of the windows, as a share of their length; None for the published pipeline's
            own, and without one `STEP`.
        fewest_windows: a speaker heard in fewer windows is given to the nearest other.
        min_pause_s: shorter pauses within a turn are filled.
        device: torch's name of it, or "auto".

    Attributes:
        pipeline: pyannote's SpeakerDiarization.
    """

    def __init__(
        self,
        segmentation_folder: Path,
        embedding_folder: Path,
        pipeline_folder: Path | None = None,
        *,
        same_speaker_distance: float = SAME_SPEAKER_DISTANCE,
        step: float | None = None,
        fewest_windows: int = 3,
        min_pause_s: float = 0.0,
        device: str = "cpu",
    ) -> None:
        import_pyannote()
        import torch
        from pyannote.audio.core.plda import PLDA
        from pyannote.audio.pipelines import SpeakerDiarization

        from msc_kedro.models.network import chosen_device

        self._one_at_a_time = Lock()  # the pipeline keeps state between its steps
        if pipeline_folder is None:
            parts: dict[str, Any] = {
                "clustering": "AgglomerativeClustering",
                "embedding_exclude_overlap": True,
                "embedding_batch_size": 8,
                "segmentation_batch_size": 8,
            }
            figures: dict[str, Any] = {
                "segmentation": {"min_duration_off": min_pause_s},
                "clustering": {
                    "method": "average",
                    "threshold": same_speaker_distance,
                    "min_cluster_size": fewest_windows,
                },
            }
        else:
            parts, figures = published_settings(pipeline_folder)
        # The pipeline opens a PLDA from the hub even where the clustering has no use for one.
        unused_plda = PLDA.__new__(PLDA)
        self._network = open_segmentation(segmentation_folder)
        self.pipeline = SpeakerDiarization(
            segmentation=self._network,
            segmentation_step=step or (PUBLISHED_STEP if pipeline_folder else STEP),
            embedding=_open_embedding(embedding_folder),
            plda=unused_plda,
            **parts,
        )
        self.pipeline.instantiate(figures)
        self.pipeline.to(torch.device(chosen_device(device)))

    def turn_taking(self, samples: ArrayLike) -> TurnTaking:
        """Where speakers overlap and where they change; nobody is told apart.

        Costs a small part of what turns do: one network, and few windows.

        Args:
            samples: mono [n] in [-1, 1] at 16 kHz.
        """
        with self._one_at_a_time:
            return turn_taking(self._network, samples)

    def __call__(self, samples: ArrayLike, *, speakers: int | None = None) -> tuple[Turn, ...]:
        """Turns in order of time; those of two speakers may overlap.

        Args:
            samples: mono [n] in [-1, 1] at 16 kHz.
            speakers: their number where it is known.
        """
        import torch

        sound = as_mono(samples)
        if sound.size < SHORTEST_S * SAMPLE_RATE or not sound.any():
            return ()
        file = {"waveform": torch.from_numpy(sound)[None], "sample_rate": SAMPLE_RATE}
        with self._one_at_a_time:
            found = self.pipeline(file, num_speakers=speakers).speaker_diarization
        length_s = sound.size / SAMPLE_RATE
        spans = sorted(
            (max(0.0, span.start), min(length_s, span.end), label)
            for span, _, label in found.itertracks(yield_label=True)
        )
        names: dict[str, str] = {}
        for _, _, label in spans:
            names.setdefault(label, _name(len(names)))
        return tuple(
            Turn(start_s, end_s, names[label]) for start_s, end_s, label in spans if end_s > start_s
        )


def published_settings(folder: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Arguments of pyannote's SpeakerDiarization and its figures, from a pipeline's config.yaml.

    The models that it names are left out: theirs are the folders of the recipe.

    Raises:
        MscKedroError: there is no such file, or it is of another kind of pipeline.
    """
    import yaml

    path = Path(folder) / PIPELINE
    if not path.is_file():
        raise MscKedroError(f"No diarization pipeline: expected {path}. Run `kedro models fetch`.")
    told = yaml.safe_load(path.read_text(encoding="utf-8"))
    pipeline = told.get("pipeline", {}) if isinstance(told, dict) else {}
    parts = dict(pipeline.get("params", {}))
    name = str(pipeline.get("name"))
    known = name.rpartition(".")[2] == "SpeakerDiarization"
    if not known or parts.get("clustering") != "AgglomerativeClustering":
        raise MscKedroError(
            f"{path} describes {name} with {parts.get('clustering')}: expected SpeakerDiarization "
            "with AgglomerativeClustering, as pyannote/speaker-diarization-3.1."
        )
    kept = {
        key: parts[key]
        for key in (
            "clustering",
            "embedding_exclude_overlap",
            "embedding_batch_size",
            "segmentation_batch_size",
        )
        if key in parts
    }
    return kept, told["params"]


def _name(place: int) -> str:
    """A, B, ..., Z, AA, AB, ..."""
    name = ""
    place += 1
    while place:
        place, letter = divmod(place - 1, 26)
        name = chr(ord("A") + letter) + name
    return name
