"""Whether a mouth moves with what is heard: by correlation, without a model.

Of each picture two figures, of the face turned, scaled and moved so that eyes, nose and corners of
the mouth lie in fixed places:

- motion: mean absolute difference of grey to the picture before in the mouth, less the same in the
  upper face; the picture is shifted first so that the upper faces lie on one another;
- contrast: standard deviation of grey in the mouth, which grows as it opens.

Of the sound the level in dB, at most 40 dB below the loudest of the stretch. All three are smoothed
(Gauss, 1 picture). `r` is the mean of the two correlations of Pearson with the level, at the shift
of up to 3 pictures where it is highest. The score is `atanh(r) * sqrt(seconds)`: over sounds that
are not from this mouth it scatters the same for short and long stretches (docs/faces.md has the
figures). It is less in proportion where the mouth hardly moves more than the upper face does: where
the mean motion is below 0.02 of the standard deviation of grey in the face.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from msc_kedro.seeing.faces import Face
from msc_kedro.seeing.speaking import RATE

if TYPE_CHECKING:
    import numpy as np

_SIDE = 128  # pixels of an aligned face
# Where eyes, nose and corners of the mouth lie in it: ArcFace's five points, moved to the middle.
_PLACES = ((46.3, 45.7), (81.5, 45.5), (64.0, 65.7), (49.6, 86.4), (78.7, 86.2))
_MOUTH = slice(72, 112), slice(40, 88)  # rows and columns
_UPPER = slice(20, 62), slice(34, 94)
_ANCHOR = slice(14, 66), slice(30, 98)  # by which pictures are laid on one another
_FARTHEST = 8.0  # pixels of such a shift; more is a mistake
_LAG = 3  # pictures between mouth and sound
_RANGE_DB = 40.0
_STILL = 0.02  # mean motion of a mouth that moves, as a share of the contrast of the face
_FACE = slice(20, 112), slice(34, 94)
_LIKELIEST = 0.99  # correlation that is counted at the most


class MouthMotion:
    """Scores of a face by how its mouth moves with the sound. See the module for the definition."""

    min_score = 0.5

    def patch(self, picture: np.ndarray, face: Face) -> np.ndarray:
        """The face with its landmarks in fixed places.

        Args:
            picture: uint8 [height, width] grey.
            face: in pixels of that picture.

        Returns:
            uint8 [128, 128].
        """
        import cv2

        return cv2.warpAffine(  # type: ignore[no-any-return]
            picture,
            _similarity(face.landmarks, _PLACES),
            (_SIDE, _SIDE),
            flags=cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        )

    def score(self, patches: np.ndarray, samples: np.ndarray) -> float:
        """Score one face over a stretch.

        Args:
            patches: uint8 [f, 128, 128], 25 per second.
            samples: float32 [n] at 16 kHz, the sound of the same stretch.
        """
        import numpy as np

        if len(patches) <= 4 * _LAG:
            return 0.0
        motion, contrast = _figures(patches)
        level = _smooth(_level_db(samples, len(patches)))
        seen = [_smooth(motion), _smooth(contrast)]
        agreement = max(
            sum(_correlation(*_shifted(figure, level, lag)) for figure in seen) / len(seen)
            for lag in range(-_LAG, _LAG + 1)
        )
        bounded = min(max(agreement, -_LIKELIEST), _LIKELIEST)
        score = float(np.arctanh(bounded) * np.sqrt(len(patches) / RATE))
        face = float(np.mean([patch[_FACE].std() for patch in patches]))
        moves = min(max(float(motion.mean()) / max(_STILL * face, 1e-9), 0.0), 1.0)
        return score * moves if score > 0 else score


def _similarity(
    points: tuple[tuple[float, float], ...], places: tuple[tuple[float, float], ...]
) -> np.ndarray:
    """Turn, scale and move points to places by least squares: a matrix [2, 3]."""
    import numpy as np

    source = np.array([complex(*point) for point in points])
    target = np.array([complex(*place) for place in places])
    spread = source - source.mean()
    turn = ((target - target.mean()) * spread.conj()).sum() / max((abs(spread) ** 2).sum(), 1e-9)
    move = target.mean() - turn * source.mean()
    return np.array([[turn.real, -turn.imag, move.real], [turn.imag, turn.real, move.imag]])


def _figures(patches: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Motion and contrast of each picture, float64 [f] each."""
    import cv2
    import numpy as np

    soft = [cv2.GaussianBlur(patch, (0, 0), 1.5).astype(np.float32) for patch in patches]
    window = cv2.createHanningWindow(soft[0][_ANCHOR].shape[::-1], cv2.CV_32F)
    motion = []
    for before, now in pairwise(soft):
        (across, down), _ = cv2.phaseCorrelate(before[_ANCHOR], now[_ANCHOR], window)
        if max(abs(across), abs(down)) > _FARTHEST:
            across = down = 0.0
        back = np.array([[1, 0, -across], [0, 1, -down]])
        laid = cv2.warpAffine(now, back, (_SIDE, _SIDE), borderMode=cv2.BORDER_REPLICATE)
        change = np.abs(laid - before)
        motion.append(float(change[_MOUTH].mean() - change[_UPPER].mean()))
    contrast = [float(patch[_MOUTH].std()) for patch in soft]
    return np.array([motion[0], *motion]), np.array(contrast)


def _level_db(samples: np.ndarray, frames: int) -> np.ndarray:
    """The level of the sound while each picture is on screen, float64 [frames]."""
    import numpy as np

    step = max(1, round(len(samples) / frames))
    wave: np.ndarray = np.zeros(step * frames, np.float64)
    wave[: min(len(wave), len(samples))] = samples[: len(wave)]
    level = 10 * np.log10((wave.reshape(frames, step) ** 2).mean(axis=1) + 1e-10)
    return np.maximum(level, level.max() - _RANGE_DB)  # type: ignore[no-any-return]


def _smooth(figures: np.ndarray) -> np.ndarray:
    from scipy.ndimage import gaussian_filter1d

    return gaussian_filter1d(figures, 1.0)  # type: ignore[no-any-return]


def _shifted(seen: np.ndarray, heard: np.ndarray, lag: int) -> tuple[np.ndarray, np.ndarray]:
    """The parts of both that lie on one another when the sound comes `lag` pictures earlier."""
    length = len(seen) - abs(lag)
    return seen[max(lag, 0) :][:length], heard[max(-lag, 0) :][:length]


def _correlation(first: np.ndarray, second: np.ndarray) -> float:
    """Pearson's; 0 where one does not change."""
    import numpy as np

    first, second = first - first.mean(), second - second.mean()
    power = (first**2).sum() * (second**2).sum()
    return float((first * second).sum() / np.sqrt(power)) if power > 1e-12 else 0.0
