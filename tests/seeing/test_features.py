"""Picture features: memory."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

TESTS = Path(__file__).parents[1]
LOOK = """
import resource, sys
from pathlib import Path
from toy_encoders import MeanColour
from msc_kedro.execution.parallel import in_parallel
from msc_kedro.seeing.features import Seen, encode_pieces, pieces, read_piece

class Large(MeanColour):
    short_side = crop = 160

video, minutes = Path(sys.argv[1]), int(sys.argv[2])
spans = [(n * 4.0, n * 4.0 + 4.0) for n in range(15 * minutes)]
said = [Seen(str(n), video, start, end) for n, (start, end) in enumerate(spans)]
looks = pieces(said, frames_per_s=3.0, most=32)
encode = Large()
read = in_parallel(
    lambda piece: (piece, read_piece(piece, encode=encode)), looks, workers=2, title=""
)
rows = encode_pieces(read, {s.utterance_id: s.start_s for s in said}, encode=encode)
assert len(rows) == 15 * minutes and all(len(row.values) == 12 for row in rows.values())
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def write_film(path: Path, minutes: int) -> Path:
    """Grey that gets lighter, five pictures a second, of 160 by 90 pixels."""
    import av

    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=5, options={"g": "50"})
        stream.width, stream.height, stream.pix_fmt = 160, 90, "yuv420p"
        for second in range(60 * minutes):
            grey = np.full((90, 160, 3), second % 200, np.uint8)
            for _ in range(5):
                for packet in stream.encode(av.VideoFrame.from_ndarray(grey, format="rgb24")):
                    container.mux(packet)
        for packet in stream.encode(None):
            container.mux(packet)
    return path


@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss is in kilobytes on Linux alone")
def test_memory_does_not_grow_with_the_length_of_a_video(tmp_path: Path) -> None:
    """Eight minutes at 3 a second are 110 MB of small pictures; one minute is 14."""
    look = f"import sys; sys.path.insert(0, {str(TESTS)!r})\n{LOOK}"
    peak_mb = {}
    for minutes in (1, 8):
        film = write_film(tmp_path / f"{minutes}.mp4", minutes)
        done = subprocess.run(
            [sys.executable, "-c", look, str(film), str(minutes)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        peak_mb[minutes] = int(done.stdout) / 1024
    assert peak_mb[8] < peak_mb[1] + 30, peak_mb
