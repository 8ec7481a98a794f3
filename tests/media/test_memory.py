"""Memory does not grow with the length of a video: sixteen minutes need what one needs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from made_media import COLOURS, Sound, write_media

MOST_MB = 20

# The peak of a process counts what its parent had when it began it, so Linux is asked another way.
MEASURE = """
import resource, sys
from pathlib import Path

def peak_mb():
    status = Path("/proc/self/status")
    if status.is_file():
        line = next(l for l in status.read_text().splitlines() if l.startswith("VmHWM"))
        return int(line.split()[1]) / 1e3
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6

video, sound = Path(sys.argv[1]), Path(sys.argv[1]).with_suffix(".flac")
{work}
print(peak_mb())
"""
DECODED = """
from msc_kedro.media.probe import content_id, opened, probe, readable_s
from msc_kedro.media.scenes import find_cuts
from msc_kedro.media.sheet import contact_sheet
from msc_kedro.media.sound import mono_blocks, read_span, sound_length_s, write_flac

with opened(video) as container:
    write_flac(sound, mono_blocks(container))
length_s = sound_length_s(sound)
assert abs(length_s - readable_s(video)) < 1 and content_id(video) and probe(video).has_video
assert len(find_cuts(video)) > length_s / 20
assert len(read_span(sound, length_s - 5, length_s)[0]) == 80_000
contact_sheet(video, [(start, start + 5) for start in range(0, int(length_s), 30)])
"""
HEARD = """
import numpy as np
from msc_kedro.listening.long_sound import speech_in
from msc_kedro.media.sound import sound_length_s

loud = lambda samples: [(0.0, 0.1)] if np.abs(samples).max() > 0.1 else []
assert speech_in(sound, sound_length_s(sound), loud, stretch_s=30)
"""


def short(folder: Path) -> Path:
    """A minute: another colour every ten seconds, and noise, which is hard to compress."""
    pictures = [(n / 5, COLOURS[n // 50 % len(COLOURS)]) for n in range(300)]
    noise = np.random.default_rng(0).normal(0, 0.1, 60 * 16_000).astype(np.float32)
    return write_media(folder / "short.mp4", pictures=pictures, fps=5, sound=Sound(noise))


def over_and_over(path: Path, target: Path, *, times: int, step_s: float) -> Path:
    """A file that holds another several times, without another encoding."""
    import av

    with av.open(str(path)) as source, av.open(str(target), "w") as copy:
        made = {s.index: copy.add_stream_from_template(s) for s in source.streams}
        for place in range(times):
            source.seek(0)
            for packet in source.demux():
                if packet.dts is None:
                    continue
                shift = round(place * step_s / packet.time_base)
                packet.pts, packet.dts = packet.pts + shift, packet.dts + shift
                packet.stream = made[packet.stream.index]
                copy.mux(packet)
    return target


def peak_mb(work: str, video: Path) -> float:
    """What a process needs at most that does some work."""
    done = subprocess.run(
        [sys.executable, "-c", MEASURE.format(work=work), str(video)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return float(done.stdout)


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("films")
    minute = short(folder)
    return minute, over_and_over(minute, folder / "long.mp4", times=16, step_s=60.1)


def test_decoding(films: tuple[Path, Path]) -> None:
    minute, sixteen = (peak_mb(DECODED, film) for film in films)
    assert sixteen - minute < MOST_MB, (minute, sixteen)
    minute, sixteen = (peak_mb(HEARD, film) for film in films)
    assert sixteen - minute < MOST_MB, (minute, sixteen)


def test_the_measure_itself(films: tuple[Path, Path]) -> None:
    """What is decoded whole is seen to need more."""
    whole = "from msc_kedro.media.sound import read_mono; read_mono(video)"
    minute, sixteen = (peak_mb(whole, film) for film in films)
    assert sixteen - minute > 3 * MOST_MB, (minute, sixteen)
