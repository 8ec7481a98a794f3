"""Small encoded sound for the page."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from msc_kedro.errors import MscKedroError
from msc_kedro.report.contents import Audio

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MP3_RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000)  # Hz


def encode_audio(samples: NDArray[np.float32], sample_rate: int) -> Audio:
    """Speech as MP3, about 7 kB a second at 24 kHz: every browser plays it.

    MP3 and not Ogg: Safari plays no Ogg before 18.4, and libsndfile gives each Ogg stream a
    random serial number, so that the same sound would not give the same page.

    Args:
        samples: float32 `[n]` in [-1, 1]; louder is clipped.
        sample_rate: Hz; one of `MP3_RATES`.

    Raises:
        MscKedroError: no samples, not mono, or a rate MP3 does not know.
    """
    import numpy as np
    import soundfile

    if samples.ndim != 1 or samples.size == 0:
        raise MscKedroError(
            f"found sound of shape {samples.shape}, expected mono samples [n] with n > 0"
        )
    if sample_rate not in MP3_RATES:
        raise MscKedroError(
            f"found a sample rate of {sample_rate} Hz, MP3 knows {MP3_RATES}; resample to 24000"
        )
    buffer = io.BytesIO()
    soundfile.write(
        buffer,
        np.clip(samples, -1.0, 1.0),
        sample_rate,
        format="MP3",
        subtype="MPEG_LAYER_III",
        bitrate_mode="VARIABLE",
        compression_level=0.5,
    )
    return Audio(buffer.getvalue(), "audio/mpeg")
