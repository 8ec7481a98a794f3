"""How right the dialogue dataset is, against truth; writes the tables of docs/dataset-quality.md.

    kedro run --pipelines demo,ingest,segment,speaker_assign
    python benchmarks/dataset_quality.py                       the demo
    python benchmarks/dataset_quality.py --real FOLDER ...     and recordings with RTTM beside them
    python benchmarks/dataset_quality.py --sample              and the call in pyannote.audio
    python benchmarks/dataset_quality.py --calls FOLDER        and two calls of two people each
    python benchmarks/dataset_quality.py --env multilingual    with the models of another recipe

A folder of --real holds sound files and .rttm files, and .stm files where the words are known; a
recording's turns are those with its name's stem. Of the two calls (commercial_mono.wav,
katiesteve.wav) it is known who says what, but not when every word begins and ends: speakers are
compared where they are known to speak, and boundaries are not. `--only` leaves the demo out.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import pandas as pd
import soundfile
from pyannote.core import Annotation, Segment, Timeline
from pyannote.metrics.diarization import DiarizationErrorRate
from sklearn.metrics import adjusted_rand_score
from speakers_pieces import CALL, KATIE_AND_STEVE

from msc_kedro.metrics.segmentation import Matched, Span, boundary_matches, purity, span_matches
from msc_kedro.metrics.speech import word_errors

PROJECT = Path(__file__).resolve().parents[1]
PAGE = PROJECT / "docs" / "dataset-quality.md"
COLLAR_S = 0.5  # pyannote.metrics' total width: a quarter of a second on each side
NOBODY = "nobody"


@dataclass(frozen=True)
class Turn:
    """A stretch of speech of one person; `text` is None where the words are not known.

    `overlap_s` is how much of it somebody else speaks in, as the pipelines mark it.
    """

    start_s: float
    end_s: float
    speaker: str
    text: str | None = None
    overlap_s: float | None = None


@dataclass(frozen=True)
class Recording:
    """What is true of a recording, and what the pipelines made of it."""

    name: str
    true: tuple[Turn, ...]
    found: tuple[Turn, ...]
    dialogues_true: tuple[Span, ...]
    dialogues_found: tuple[Span, ...]
    words: str | None = None  # where they are known, but not of each turn
    partly: bool = False  # whether somebody may speak where no turn is known


def newest(project: Path, corpus: str, table: str) -> pd.DataFrame:
    """The newest version of a table."""
    found = sorted(project.glob(f"data/0[23]_*/{corpus}/{table}.parquet/*/{table}.parquet"))
    if not found:
        sys.exit(
            f"No '{table}' of the corpus '{corpus}': kedro run --pipelines "
            "ingest,segment,speaker_assign"
        )
    return pd.read_parquet(found[-1])


def found_in(project: Path, corpus: str) -> dict[str, tuple[list[Turn], list[Span]]]:
    """Utterances and dialogue spans by the stem of the source's file."""
    sources = newest(project, corpus, "sources")
    stems = {row.source_id: Path(row.path).stem for row in sources.itertuples()}
    known = newest(project, corpus, "utterances").merge(
        newest(project, corpus, "speakers"), on="utterance_id", validate="1:1"
    )
    made: dict[str, tuple[list[Turn], list[Span]]] = {stem: ([], []) for stem in stems.values()}
    for row in known.sort_values(["source_id", "start_s"]).itertuples():
        speaker = f"{row.dialogue_id} {row.speaker}"
        turn = Turn(row.start_s, row.end_s, speaker, row.text, row.overlap_s)
        made[stems[row.source_id]][0].append(turn)
    for row in newest(project, corpus, "dialogue_spans").itertuples():
        made[stems[row.source_id]][1].append((row.start_s, row.end_s))
    return made


def kedro_run(project: Path, corpus: Path, name: str, env: str | None) -> None:
    """The pipelines on a corpus, with the models of a recipe."""
    recipe = ["--env", env] if env else []
    subprocess.run(
        [sys.executable, "-m", "kedro", "run", "--pipelines", "ingest,segment,speaker_assign",
         *recipe, "--params", f"corpus.folder={corpus},corpus.name={name}"],
        cwd=project, check=True, stdout=subprocess.DEVNULL,
    )  # fmt: skip


def demo(project: Path, env: str | None) -> Iterator[Recording]:
    """The demo: one dialogue per video; of another recipe it is made anew."""
    folder, corpus = project / "data/01_raw/demo", "demo"
    if env:
        corpus = f"demo-{env}"
        kedro_run(project, folder, corpus, env)
    truth = json.loads((folder / "truth.json").read_text())
    made = found_in(project, corpus)
    for video in truth["dialogues"]:
        turns = (Turn(t["start_s"], t["end_s"], t["speaker"], t["text"]) for t in video["turns"])
        found, spans = made.get(video["name"], ([], []))
        whole = ((0.0, float(video["duration_s"])),)
        yield Recording(video["name"], tuple(turns), tuple(found), whole, tuple(spans))


def rttm(folder: Path) -> dict[str, list[Turn]]:
    """The turns of the .rttm files of a folder, by recording."""
    turns: dict[str, list[Turn]] = {}
    for file in sorted(folder.glob("*.rttm")):
        for line in file.read_text(encoding="utf-8").splitlines():
            _, name, _, start, length, _, _, speaker, *_ = line.split()
            turn = Turn(float(start), float(start) + float(length), speaker)
            turns.setdefault(name, []).append(turn)
    return turns


def stm(folder: Path) -> dict[str, str]:
    """The words of the .stm files of a folder in order of time, by recording."""
    said: dict[str, list[tuple[float, str]]] = {}
    for file in sorted(folder.glob("*.stm")):
        for line in file.read_text(encoding="utf-8").splitlines():
            name, _, _, start, _, text = line.split(maxsplit=5)
            said.setdefault(name, []).append((float(start), text))
    return {name: " ".join(text for _, text in sorted(lines)) for name, lines in said.items()}


def real(folder: Path, project: Path, env: str | None) -> Iterator[Recording]:
    """Recordings with RTTM; their words are known where there is an STM."""
    yield from run(folder, project, env, rttm(folder), words=stm(folder))


def calls(folder: Path, project: Path, env: str | None) -> Iterator[Recording]:
    """The two calls, by what is known of who speaks in them."""
    turns = {
        name: [Turn(a, b, who) for who, spans in told.items() for a, b in spans]
        for name, told in (("commercial_mono", CALL), ("katiesteve", KATIE_AND_STEVE))
    }
    yield from run(folder, project, env, turns, partly=True)


def run(
    folder: Path,
    project: Path,
    env: str | None,
    turns: Mapping[str, Sequence[Turn]],
    *,
    words: Mapping[str, str] | None = None,
    partly: bool = False,
) -> Iterator[Recording]:
    """The pipelines on those recordings of a folder whose turns are known."""
    corpus = "-".join(filter(None, ("quality", folder.name, env)))
    sounds = [
        path
        for path in sorted(folder.iterdir())
        if path.stem in turns and path.suffix not in (".rttm", ".stm")
    ]
    if not sounds:
        sys.exit(f"{folder} holds no recording of which the turns are known.")
    with tempfile.TemporaryDirectory() as copy:
        whole = {path.name: soundfile.info(path).duration for path in sounds}
        for path in sounds:
            shutil.copy(path, copy)
        # Each is one conversation; short corpora would be cut in three, to have something to test.
        rows = [{"video": name, "start": 0.0, "end": length} for name, length in whole.items()]
        pd.DataFrame(rows).to_csv(Path(copy) / "dialogues.csv", index=False)
        kedro_run(project, Path(copy), corpus, env)
    made = found_in(project, corpus)
    for path in sounds:
        true = sorted(turns[path.stem], key=lambda turn: turn.start_s)
        found, _ = made.get(path.stem, ([], []))
        yield Recording(
            path.stem,
            tuple(true),
            tuple(found),
            dialogues_true=(),
            dialogues_found=(),
            words=(words or {}).get(path.stem),
            partly=partly,
        )


def annotation(turns: Iterable[Turn]) -> Annotation:
    """Turns as pyannote knows them; each is a track of its own, so that they may overlap."""
    made = Annotation()
    for number, turn in enumerate(turns):
        made[Segment(turn.start_s, turn.end_s), number] = turn.speaker
    return made


def labels(recording: Recording) -> tuple[list[str], list[str]]:
    """Found and true speaker of each utterance; true is who speaks longest within it."""
    found, true = [], []
    for utterance in recording.found:
        shares: dict[str, float] = {NOBODY: 0.0}
        for turn in recording.true:
            shared = min(utterance.end_s, turn.end_s) - max(utterance.start_s, turn.start_s)
            if shared > 0:
                shares[turn.speaker] = shares.get(turn.speaker, 0.0) + shared
        found.append(utterance.speaker)
        true.append(max(shares, key=lambda name: shares[name]))
    return found, true


def overlap(recording: Recording) -> tuple[float, float, float]:
    """Seconds of overlap in the utterances: right, marked, true.

    Of an utterance only the sum is marked, so the lesser of marked and true counts as right.
    """
    heard = annotation(recording.true).get_overlap()
    right = marked = true = 0.0
    for utterance in recording.found:
        own = utterance.overlap_s or 0.0
        within = Timeline([Segment(utterance.start_s, utterance.end_s)])
        really = heard.crop(within).duration()
        right, marked, true = right + min(own, really), marked + own, true + really
    return right, marked, true


def figures(recordings: list[Recording]) -> dict[str, float | None]:
    """The figures over recordings; see the head of the page for their definitions."""
    boundaries, spans = Matched(0, 0, 0), Matched(0, 0, 0)
    wholly = [one for one in recordings if not one.partly]
    overlap_s = [sum(parts) for parts in zip((0.0, 0.0, 0.0), *map(overlap, wholly), strict=True)]
    strict = DiarizationErrorRate(collar=0.0, skip_overlap=False)
    lenient = DiarizationErrorRate(collar=COLLAR_S, skip_overlap=False)
    wrong = said = 0
    found_all: list[str] = []
    true_all: list[str] = []
    rand = []
    for one in recordings:
        if not one.partly:
            boundaries += boundary_matches(
                [(t.start_s, t.end_s) for t in one.found], [(t.start_s, t.end_s) for t in one.true]
            )
        spans += span_matches(one.dialogues_found, one.dialogues_true)
        reference, hypothesis = annotation(one.true), annotation(one.found)
        heard = Timeline([Segment(0.0, max(turn.end_s for turn in (*one.true, *one.found)))])
        if one.partly:
            heard = Timeline([Segment(turn.start_s, turn.end_s) for turn in one.true]).support()
        for rate in (strict, lenient):
            rate(reference, hypothesis, uem=heard)
        said_in_it = one.words
        texts = [turn.text for turn in sorted(one.true, key=lambda turn: turn.start_s)]
        if said_in_it is None and None not in texts:
            said_in_it = " ".join(text or "" for text in texts)
        if said_in_it is not None:
            errors, words = word_errors(" ".join(turn.text or "" for turn in one.found), said_in_it)
            wrong, said = wrong + errors, said + words
        found, true = labels(one)
        found_all += [f"{one.name} {label}" for label in found]
        true_all += true
        if found:  # of nothing, sklearn says 1
            rand.append(adjusted_rand_score(true, found))
    return {
        "recordings": len(recordings),
        "turns": sum(len(one.true) for one in recordings),
        "utterances": sum(len(one.found) for one in recordings),
        "boundary precision": boundaries.precision if wholly else None,
        "boundary recall": boundaries.recall if wholly else None,
        "boundary F1": boundaries.f1 if wholly else None,
        "word error rate": wrong / said if said else None,
        "diarization error rate": abs(strict),
        "diarization error rate, collar": abs(lenient),
        "speaker purity": purity(found_all, true_all),
        "speaker ARI": sum(rand) / len(rand) if rand else None,
        "overlap: seconds": overlap_s[2] if wholly else None,
        "overlap precision": overlap_s[0] / overlap_s[1] if overlap_s[1] else None,
        "overlap recall": overlap_s[0] / overlap_s[2] if overlap_s[2] else None,
        "dialogue span F1": spans.f1 if any(one.dialogues_true for one in recordings) else None,
    }


def table(columns: dict[str, dict[str, float | None]]) -> str:
    """A Markdown table, a column per corpus."""

    def shown(value: float | None) -> str:
        if value is None:
            return "—"
        return str(value) if isinstance(value, int) else f"{value:.3f}"

    names = next(iter(columns.values()))
    lines = [f"| | {' | '.join(columns)} |", "|---" * (len(columns) + 1) + "|"]
    lines += [
        f"| {name} | {' | '.join(shown(column[name]) for column in columns.values())} |"
        for name in names
    ]
    return "\n".join(lines)


def main() -> None:
    """Measure, print, and put the table into the page between its marks."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--project", type=Path, default=PROJECT)
    parser.add_argument("--real", type=Path, nargs="*", default=[], help="recordings with .rttm")
    parser.add_argument("--calls", type=Path, help="a folder of the two calls")
    parser.add_argument("--sample", action="store_true", help="the call in pyannote.audio")
    parser.add_argument("--only", action="store_true", help="without the demo")
    parser.add_argument("--env", help="the recipe whose models hear; by default conf/base")
    parser.add_argument("--verbose", action="store_true", help="also a line per recording")
    parser.add_argument("--out", type=Path, default=PAGE, help="the page that holds the table")
    chosen = parser.parse_args()
    corpora = {} if chosen.only else {"demo": list(demo(chosen.project, chosen.env))}
    for folder in chosen.real:
        corpora[folder.name] = list(real(folder, chosen.project, chosen.env))
    if chosen.sample:
        (package,) = find_spec("pyannote.audio").submodule_search_locations  # type: ignore[union-attr,misc]
        sample = Path(package) / "sample"
        corpora["pyannote sample"] = list(real(sample, chosen.project, chosen.env))
    if chosen.calls:
        corpora["two calls"] = list(calls(chosen.calls, chosen.project, chosen.env))
    if not corpora:
        parser.error("nothing to measure: --only leaves the demo out, and no other was named")
    if chosen.verbose:
        for one in (one for several in corpora.values() for one in several):
            print(one.name, {k: v and round(v, 3) for k, v in figures([one]).items()})
    made = table({name: figures(recordings) for name, recordings in corpora.items()})
    print(made)
    if chosen.out.is_file():
        before, begin, rest = chosen.out.read_text(encoding="utf-8").partition(
            f"<!-- measured{f' with {chosen.env}' if chosen.env else ''} -->\n"
        )
        _, end, after = rest.partition("<!-- end -->")
        if begin and end:
            chosen.out.write_text(f"{before}{begin}{made}\n{end}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
