"""The one form of sound that all listening models take."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

SAMPLE_RATE = 16_000


def as_mono(samples: ArrayLike) -> NDArray[np.float32]:
    """The samples as contiguous float32 `[n]`.

    Raises:
        ValueError: where the sound is not mono, or holds NaN or infinity.
    """
    import numpy as np

    sound = np.ascontiguousarray(samples, dtype=np.float32)
    if sound.ndim != 1:
        raise ValueError(f"Expected mono sound of shape [n], found shape {list(sound.shape)}.")
    if not np.isfinite(sound).all():
        raise ValueError("The sound holds NaN or infinite samples.")
    return sound
