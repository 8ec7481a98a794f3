"""Voice descriptions and features, measured; writes the tables of docs/voice-and-features.md.

    python benchmarks/voice_and_features.py --voice                levels, against the demo's making
    python benchmarks/voice_and_features.py --real FOLDER          pitch and gender of real voices
    python benchmarks/voice_and_features.py --limits SPEECH        what limits were chosen on
    python benchmarks/voice_and_features.py --writer 40            the language model, read back
    python benchmarks/voice_and_features.py --features             time, against the plain way
    python benchmarks/voice_and_features.py --features --device cuda --videos FOLDER \\
        --seconds 7200 --large-share 1

Each part may be asked for alone and writes its own table; the others stay. --voice reads a run:
`kedro run --pipelines demo,ingest,segment,speaker_assign`. --real and the pitch of --limits compare
with praat: `pip install praat-parselmouth` first.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
PAGE = PROJECT / "docs" / "voice-and-features.md"


def written_by_model(count: int, seed: int) -> str:
    """How often what a language model writes says what it was asked to, in Markdown."""
    import yaml
    from voice_measures import opener

    from msc_kedro.agent.chat import ChatModel
    from msc_kedro.voice import bins
    from msc_kedro.voice.grammar import VoiceLevels
    from msc_kedro.voice.writer import by_language_model

    draw = random.Random(seed)
    said = [
        VoiceLevels(
            draw.choice(bins.GENDERS),
            **{name: draw.choice(bins.words(name)) for name in bins.MEASURES if name != "noise"},
        )
        for _ in range(count)
    ]
    chat = ChatModel(opener("description_writer").open())
    found = by_language_model(said, chat, seeds=range(count), tries=3)
    by_model = [one.tries for one in found if one.written_by == "language_model"]
    models = (PROJECT / "conf" / "base" / "models.yml").read_text(encoding="utf-8")
    title = yaml.safe_load(models)["language_model"]["title"]
    return (
        f"{title}: of {count} descriptions of levels drawn at random, "
        f"{sum(tries == 1 for tries in by_model)} said exactly their levels at the first try, "
        f"{len(by_model)} within three; the template wrote the others."
    )


def write(page: Path, part: str, made: str) -> None:
    """Put what was made between the marks of its part; the rest of the page stays."""
    begin, end = f"<!-- measured: {part} -->\n", "<!-- end -->"
    before, found, rest = page.read_text(encoding="utf-8").partition(begin)
    _, closed, after = rest.partition(end)
    if not (found and closed):
        sys.exit(f"{page} has no place for {part}: {begin}…{end}")
    page.write_text(f"{before}{begin}{made}\n{end}{after}", encoding="utf-8")


def main() -> None:
    """Measure what was asked for, print it, and write it into the page."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=PAGE, help="the page")
    parts = parser.add_argument_group("parts")
    parts.add_argument("--voice", action="store_true")
    parts.add_argument("--real", type=Path, metavar="FOLDER")
    parts.add_argument("--limits", type=Path, metavar="SPEECH")
    parts.add_argument("--writer", type=int, metavar="N", help="descriptions")
    parts.add_argument("--features", action="store_true")
    voice = parser.add_argument_group("of --voice")
    voice.add_argument("--data", type=Path, default=PROJECT / "data")
    voice.add_argument("--version", default="0-dvc", help="of the tables that are read")
    voice.add_argument("--work", type=Path, default=PROJECT / "data" / ".work")
    voice.add_argument("--threads", type=int, default=1)
    voice.add_argument("--seed", type=int, default=7, help="demo.seed, and of what is drawn")
    voice.add_argument("--table", type=Path, help="figures per utterance, CSV")
    features = parser.add_argument_group("of --features")
    features.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    features.add_argument("--videos", type=Path, default=PROJECT / "data" / "01_raw" / "demo")
    features.add_argument("--seconds", type=float, default=120.0, help="of media")
    features.add_argument("--large-share", type=int, default=6, help="WavLM gets one in so many")
    features.add_argument("--workers", type=int, default=os.cpu_count(), help="that decode")
    features.add_argument("--branches", nargs="+", help="mobilenet, clip, whisper, wavlm")
    chosen = parser.parse_args()
    if not chosen.features:  # whose time is that of all cores
        os.environ.setdefault("OMP_NUM_THREADS", "1")
    made = {}
    if chosen.voice:
        from voice_measures import measured as voices

        made["voice"] = voices(
            chosen.data,
            chosen.version,
            work=chosen.work,
            threads=chosen.threads,
            seed=chosen.seed,
            table=chosen.table,
        )
    if chosen.real:
        from real_voices import measured as real

        made["real"] = real(chosen.real)
    if chosen.limits:
        from voice_limits import measured as limits

        made["limits"] = limits(chosen.limits)
    if chosen.writer:
        made["writer"] = written_by_model(chosen.writer, chosen.seed)
    if chosen.features:
        import features as timed

        made[f"features on {chosen.device}"] = timed.measured(
            chosen.videos,
            device=chosen.device,
            seconds=chosen.seconds,
            large_share=chosen.large_share,
            workers=chosen.workers,
            branches=chosen.branches or timed.BRANCHES,
        )
    if not made:
        parser.error("no part was asked for")
    for part, text in made.items():
        print(text, end="\n\n")
        write(chosen.out, part, text)


if __name__ == "__main__":
    main()
