"""How good a recording of speech sounds: DNSMOS P.835.

The network was trained to give the mean opinion of listeners (Reddy et al., ICASSP 2022, "DNSMOS
P.835: A non-intrusive perceptual objective speech quality metric to evaluate noise suppressors").
Windows, repetition and calibration are those of Microsoft's dnsmos_local.py, for a voice that is
not known beforehand.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from msc_kedro.errors import MscKedroError
from msc_kedro.listening.sound import SAMPLE_RATE, as_mono

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

FILE = "sig_bak_ovr.onnx"
WINDOW = 144_160  # samples, 9.01 s
_HOP = SAMPLE_RATE
SHORTEST_S = 0.5  # of less, hardly more than the seams of its repetition is heard
# Polynomials from what the network says to opinions, highest power first, in its outputs' order.
_CALIBRATION = (
    (-0.08397278, 1.22083953, 0.0052439),  # of the speech
    (-0.13166888, 1.60915514, -0.39604546),  # of what is behind it
    (-0.06766283, 1.11546468, 0.04602535),  # of all together
)


class QualityGuess(NamedTuple):
    """Opinions from 1, bad, to 5, excellent: of all, of the speech, of what is behind it.

    None where they could not be told, with the reason.
    """

    overall: float | None
    speech: float | None
    background: float | None
    reason: str = ""


def windows(sound: NDArray[np.float32]) -> NDArray[np.float32]:
    """The stretches that are judged, [w, 144160], one every second.

    Sound shorter than one of them is doubled until it is long enough.

    The published loop passes over those that begin 7 to 23 s in: a rounding error makes them a
    sample short. Here they count, so sound of 17 s and more may be judged otherwise.

    Args:
        sound: mono [n] at 16 kHz, not empty.
    """
    import numpy as np

    while len(sound) < WINDOW:
        sound = np.append(sound, sound)
    # The published loop counts whole seconds: what is left of the last one is not waited for.
    whole = max(len(sound) // SAMPLE_RATE * SAMPLE_RATE, WINDOW)
    return np.lib.stride_tricks.sliding_window_view(sound[:whole], WINDOW)[::_HOP]


class DNSMOS:
    """DNSMOS P.835, one window at a time on one thread.

    Args:
        folder: holds `sig_bak_ovr.onnx`.

    Raises:
        MscKedroError: the file is not there.
    """

    def __init__(self, folder: Path) -> None:
        import onnxruntime

        if not (folder / FILE).is_file():
            raise MscKedroError(
                f"DNSMOS lacks its network: {folder / FILE} was not found. "
                "Fetch it with `kedro models fetch speech_quality`."
            )
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(
            str(folder / FILE), options, providers=["CPUExecutionProvider"]
        )

    def __call__(self, samples: ArrayLike) -> QualityGuess:
        """Mean opinion over the windows of mono samples [n] in [-1, 1] at 16 kHz."""
        import numpy as np

        sound = as_mono(samples)
        if len(sound) < SHORTEST_S * SAMPLE_RATE:
            return QualityGuess(None, None, None, f"under {SHORTEST_S} s of sound")
        if not sound.any():
            return QualityGuess(None, None, None, "silence")
        said = np.array(
            [self._session.run(None, {"input_1": one[None]})[0][0] for one in windows(sound)]
        )
        speech, background, overall = (
            float(np.polyval(polynomial, told).mean())
            for polynomial, told in zip(_CALIBRATION, said.T, strict=True)
        )
        return QualityGuess(overall, speech, background)
