"""How long each stage takes, how that grows with the length of a video, and what memory it needs.

    python benchmarks/stage_speed.py FOLDER                      1, 4 and 16 minutes of the demo
    python benchmarks/stage_speed.py FOLDER --minutes 1 4        shorter
    python benchmarks/stage_speed.py FOLDER --video talk.mp4     of a recording
    python benchmarks/stage_speed.py FOLDER --several            a video of each minute, not one
    python benchmarks/stage_speed.py FOLDER --out docs/speed.md  put the table into that page

Films are put together in FOLDER, and the project is copied there: each length begins with no work
kept. Each stage is a process of its own on two cores. Every minute of a film is its first minute
again, so that films differ in length alone, not in how much is said or how long a dialogue is. What
is said again is at another time of the same source, so nothing is taken from what was done before.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import cycle, pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np

from msc_kedro.media.probe import frames_of, opened, probe, video_stream
from msc_kedro.media.sound import mono_blocks

PROJECT = Path(__file__).resolve().parents[1]
STAGES = ("ingest", "segment", "speaker_assign", "describe", "featurize")
COPIED = ("conf", "src", "pyproject.toml", "dvc.yaml", ".telemetry")
CORES = 2
RATE = 48_000  # of the sound of the films, in Hz
TICKS = 120_000  # per second, of their pictures


@dataclass(frozen=True)
class Cost:
    """Of a stage: seconds of its nodes, and the peak of its process's memory in MB."""

    seconds: float
    peak_mb: float


def film(parts: Sequence[Path], target: Path, seconds: float) -> None:
    """Put recordings one after the other, again from the first, until a film has its length."""
    with av.open(str(target), "w") as file:
        first = probe(parts[0])
        video = file.add_stream("libx264", rate=30, options={"preset": "veryfast", "crf": "23"})
        video.width, video.height, video.pix_fmt = first.width, first.height, "yuv420p"
        video.codec_context.time_base = Fraction(1, TICKS)
        audio = file.add_stream("aac", rate=RATE, layout="mono")
        start_s = 0.0
        for part in cycle(parts):
            end_s = min(start_s + probe(part).duration_s, seconds)
            for frame in pictures(part, start_s, end_s, video):
                file.mux(video.encode(frame))
            for frame in sounds(part, start_s, end_s, audio.codec_context.frame_size):
                file.mux(audio.encode(frame))
            # Whole frames of sound, so that its clock goes on without a gap.
            step_s = audio.codec_context.frame_size / RATE
            start_s = round(end_s / step_s) * step_s
            if seconds - start_s < step_s:
                break
        file.mux(video.encode(None))
        file.mux(audio.encode(None))


def pictures(part: Path, start_s: float, end_s: float, video: Any) -> Iterator[Any]:
    """Frames of a recording in the film's size, on its clock."""
    with opened(part) as container:
        for frame in frames_of(container, video_stream(container)):
            if frame.time is None or start_s + frame.time >= end_s:
                continue
            small = frame.reformat(video.width, video.height, "yuv420p")
            small.pts, small.time_base = round((start_s + frame.time) * TICKS), Fraction(1, TICKS)
            yield small


def sounds(part: Path, start_s: float, end_s: float, size: int) -> Iterator[Any]:
    """Sound of a recording in frames of `size` samples, silent where it is shorter."""
    with opened(part) as container:
        samples = np.concatenate(list(mono_blocks(container, sample_rate=RATE)))
    first = round(start_s * RATE / size)
    for place in range(first, round(end_s * RATE / size)):
        piece = samples[(place - first) * size :][:size]
        piece = np.pad(piece, (0, size - piece.size))
        frame = av.AudioFrame.from_ndarray(piece[None], format="fltp", layout="mono")
        frame.sample_rate, frame.time_base, frame.pts = RATE, Fraction(1, RATE), place * size
        yield frame


def copy_project(folder: Path) -> None:
    """The project without its data."""
    shutil.rmtree(folder, ignore_errors=True)
    for name in COPIED:
        source = PROJECT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            folder.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, folder / name)
    (folder / "conf/local").mkdir(exist_ok=True)


def demo(project: Path) -> list[Path]:
    """The demo's videos; made in the copy where the project has none."""
    folder = PROJECT / "data/01_raw/demo"
    if not (folder / "_SUCCESS").is_file():
        subprocess.run(
            [sys.executable, "-m", "kedro", "run", "--pipeline", "demo"], cwd=project, check=True
        )
        folder = shutil.move(project / "data/01_raw/demo", project.parent / "demo")
    return sorted(Path(folder).glob("*.mp4"))


def run(project: Path, corpus: Path, stage: str) -> Cost:
    """Run a stage in a process of its own."""
    command = [
        *(sys.executable, "-m", "kedro", "run", "--pipeline", stage),
        *("--params", f"corpus.folder={corpus},corpus.name=speed"),
    ]
    with (project / "run.log").open("w+") as told:
        running = subprocess.Popen(command, cwd=project, stdout=told, stderr=told)
        _, status, usage = os.wait4(running.pid, 0)
        if status:
            told.seek(0)
            sys.exit(f"{stage} of {corpus.name} failed:\n{told.read()[-4000:]}")
    (timings,) = project.glob("data/08_reporting/**/timings.json")
    unit = 1e6 if sys.platform == "darwin" else 1e3  # bytes there, kilobytes elsewhere
    return Cost(json.loads(timings.read_text())[stage], usage.ru_maxrss / unit)


def measure(project: Path, corpus: Path) -> dict[str, Cost]:
    """All stages, with no work kept from before."""
    shutil.rmtree(project / "data", ignore_errors=True)
    return {stage: run(project, corpus, stage) for stage in STAGES}


def table(costs: dict[int, dict[str, Cost]]) -> str:
    """A row per stage: seconds and real-time factor per length, growth, memory.

    Growth is the time of the further minutes in relation to that of those before: for 1, 4 and 16
    minutes (t16 - t4) / (t4 - t1) / 4. What a stage takes to begin, its models above all, falls
    out of it; 1 is linear.
    """
    lengths = list(costs)
    growing = list(zip(pairwise(lengths), list(pairwise(lengths))[1:], strict=False))
    heads = [
        *(f"{n} min: s" for n in lengths),
        *(f"{n} min: s per s" for n in lengths),
        *(f"growth to {c} min" for _, (_, c) in growing),
        *(f"{n} min: MB" for n in lengths),
    ]
    lines = [f"| stage | {' | '.join(heads)} |", "|---" * (len(heads) + 1) + "|"]
    for stage in (*STAGES, "all"):
        names = STAGES if stage == "all" else (stage,)
        took = {n: sum(costs[n][name].seconds for name in names) for n in lengths}
        peak = {n: max(costs[n][name].peak_mb for name in names) for n in lengths}
        per_minute = {(a, b): (took[b] - took[a]) / (b - a) for a, b in pairwise(lengths)}
        cells = [
            *(f"{took[n]:.1f}" for n in lengths),
            *(f"{took[n] / (60 * n):.3f}" for n in lengths),
            *(f"{per_minute[late] / per_minute[early]:.2f}" for early, late in growing),
            *(f"{peak[n]:.0f}" for n in lengths),
        ]
        lines.append(f"| {stage} | {' | '.join(cells)} |")
    return "\n".join(lines)


def corpus_of(folder: Path, parts: list[Path], minutes: int, *, several: bool) -> Path:
    """A folder of one film of some minutes, or of a film per minute."""
    corpus = folder / f"{minutes} min{' in several' if several else ''}"
    shutil.rmtree(corpus, ignore_errors=True)
    corpus.mkdir(parents=True)
    if not several:
        minute = folder / "minute.mp4"
        film(parts, minute, 60.0)
        film([minute], corpus / "film.mp4", 60.0 * minutes)
    for number in range(minutes if several else 0):
        first = number * 3 % len(parts)  # a minute is about three dialogues of the demo
        film([*parts[first:], *parts[:first]], corpus / f"film{number:03d}.mp4", 60.0)
    return corpus


def main() -> None:
    """Make the films, measure, print, and put the table into a page between its marks."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path, help="where films and the copy are put")
    parser.add_argument("--minutes", type=int, nargs="+", default=[1, 4, 16])
    parser.add_argument("--video", type=Path, help="a recording to take in place of the demo")
    parser.add_argument("--several", action="store_true", help="a film per minute, not one")
    parser.add_argument("--out", type=Path, help="a page with a place for the table")
    chosen = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:CORES])
    folder = chosen.folder.resolve()
    project = folder / "project"
    copy_project(project)
    parts = [chosen.video.resolve()] if chosen.video else demo(project)
    corpora = {
        minutes: corpus_of(folder, parts, minutes, several=chosen.several)
        for minutes in sorted(chosen.minutes)
    }
    measure(project, next(iter(corpora.values())))  # once, so that models and code are at hand
    costs = {}
    for minutes, corpus in corpora.items():
        costs[minutes] = measure(project, corpus)
        print(f"{minutes} min:", {k: (round(v.seconds, 1), round(v.peak_mb)) for k, v in
                                  costs[minutes].items()}, flush=True)  # fmt: skip
    made = table(costs)
    print(made)
    if chosen.out:
        before, begin, rest = chosen.out.read_text(encoding="utf-8").partition(
            "<!-- several -->\n" if chosen.several else "<!-- measured -->\n"
        )
        _, end, after = rest.partition("<!-- end -->")
        if not (begin and end):
            sys.exit(f"{chosen.out} has no place for the table: {begin or '<!-- measured -->'}")
        chosen.out.write_text(f"{before}{begin}{made}\n{end}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
