"""CAM++ embeddings."""

import numpy as np
import pytest

from msc_kedro.errors import MscKedroError
from msc_kedro.listening.embedding import SpeakerEncoder


@pytest.fixture(scope="module")
def encode(model_folder):
    return SpeakerEncoder(model_folder("speaker_embedding"))


def test_missing_weights_say_what_to_do(tmp_path):
    with pytest.raises(MscKedroError, match="kedro models fetch"):
        SpeakerEncoder(tmp_path)


@pytest.mark.real
def test_one_voice_is_near_and_two_are_far(encode, composite):
    a, b, a2, b2, c = (encode(turn) for turn in composite)
    for vector in (a, b, c):
        assert vector.shape == (192,) and vector.dtype == np.float32
        assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-5)
    assert min(a @ a2, b @ b2) > 0.7
    assert max(a @ b, a @ c, b @ c, a2 @ b2) < 0.3


@pytest.mark.real
def test_loudness_does_not_matter(encode, composite):
    loud, soft = encode(composite[0]), encode(composite[0] * 0.1)
    assert loud @ soft > 0.98


@pytest.mark.real
def test_too_short_or_silent_gives_none(encode):
    assert encode(np.ones(4_000, np.float32)) is None
    assert encode(np.zeros(40_000, np.float32)) is None
    with pytest.raises(ValueError, match="mono"):
        encode(np.zeros((2, 16_000), np.float32))
