"""Files that several tests of media look at."""

from pathlib import Path

import pytest
from made_media import BLACK, RED, WHITE, Sound, steady, tone, write_media


@pytest.fixture(scope="session")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six seconds of red, white and black at 25 per second, with a tone in stereo."""
    path = tmp_path_factory.mktemp("film") / "film.mp4"
    both = [tone(6, rate=44_100), tone(6, rate=44_100)]
    return write_media(
        path,
        pictures=steady([RED, WHITE, BLACK], each_s=2),
        sound=Sound(both, 44_100, "stereo"),  # type: ignore[arg-type]
        options={"movflags": "faststart"},
    )


@pytest.fixture(scope="session")
def damaged(film: Path) -> Path:
    """The film with noise in place of the bytes between half and three quarters."""
    import numpy as np

    content = bytearray(film.read_bytes())
    first, last = len(content) // 2, len(content) * 3 // 4
    content[first:last] = np.random.default_rng(0).bytes(last - first)
    path = film.with_name("damaged.mp4")
    path.write_bytes(content)
    return path
