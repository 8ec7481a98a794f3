"""What each stage up to the features made, and how good it is: a section of the page for each."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from msc_kedro.metrics import corpus
from msc_kedro.report import grids, summaries, wording
from msc_kedro.report.histogram import histogram
from msc_kedro.report.sections import Cell, Grid, levels, numeric

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    from msc_kedro.report.contents import ReportContents, Stage

COUNTS = (1, 2, 5, 10, 20, 50)  # widths of a histogram's bars
LONGEST_S = 30.0  # utterances over this are counted, not drawn


@dataclass(frozen=True)
class Plot:
    """An SVG of ours, and a sentence below it."""

    svg: str
    note: str = ""


@dataclass(frozen=True)
class Section:
    """A stage on the page.

    Attributes:
        missing: what is not there yet; "" where the stage has run.
        sentences: what there is to say in words.
        shares: small tables of bars, side by side.
        left_out: what was rejected or mended, by reason.
    """

    stage: Stage
    title: str
    missing: str = ""
    sentences: tuple[str, ...] = ()
    grids: tuple[Grid, ...] = ()
    plots: tuple[Plot, ...] = ()
    shares: tuple[Grid, ...] = ()
    left_out: tuple[Grid, ...] = ()


def sections(contents: ReportContents) -> tuple[Section, ...]:
    """The stages in their order, also those that have not run."""
    return (
        _ingest(contents),
        _segment(contents),
        _speaker_assign(contents),
        _describe(contents),
        _featurize(contents),
    )


# --- Table 1 -------------------------------------------------------------------------------------

TABLE_1: dict[str, tuple[str | Cell, Callable[[Any], str]]] = {
    "dialogues": ("dialogues", wording.count),
    "utterances": ("utterances", wording.count),
    "speech_h": (Cell("duration", "of the utterances together"), wording.hours),
    "mean_utterance_s": (Cell("length", "per utterance, mean"), wording.seconds),
    "turns_per_dialogue": (Cell("utterances", "per dialogue, mean"), wording.tenth),
    "speakers_per_dialogue": (Cell("speakers", "per dialogue, mean"), wording.tenth),
    "words": ("words", wording.count),
    "words_per_utterance": (Cell("words", "per utterance, mean"), wording.tenth),
    "vocabulary": ("different words", wording.count),
    "replies": (Cell("replies", "to learn from, or to be tested on"), wording.count),
    "replies_by_another": (Cell("replies by another", "than who spoke before"), wording.percent),
    "with_sound": ("utterances with sound", wording.percent),
    "with_video": ("utterances with pictures", wording.percent),
    "with_voice": ("utterances with a measured voice", wording.percent),
}


def dataset(contents: ReportContents) -> Grid | None:
    """Counts by split, as Table 1 of the MSC paper and more."""
    if contents.dialogues is None:
        return None
    table = corpus.corpus_statistics(
        contents.dialogues,
        contents.utterances,
        contents.speakers,
        sources=contents.sources,
        voice=contents.voice,
    )
    splits = tuple(str(split) for split in table.index)
    rows = tuple(
        (label, *(write(table.loc[split, name]) for split in splits))
        for name, (label, write) in TABLE_1.items()
    )
    return Grid("The dataset by split", ("", *splits), rows, frozenset(splits))


def definitions() -> tuple[tuple[str, str], ...]:
    """What each row counts: its name on the page, and a sentence."""
    labels = {
        name: label if isinstance(label, str) else f"{label.text} {label.note}"
        for name, (label, _) in TABLE_1.items()
    }
    return tuple((label, corpus.DEFINITIONS[name]) for name, label in labels.items())


# --- the stages ----------------------------------------------------------------------------------


def _ingest(contents: ReportContents) -> Section:
    section = Section("ingest", "Recordings")
    sources = contents.sources
    if sources is None:
        return _with(section, contents, missing="No recordings yet.")
    rows: list[tuple[str, str]] = [("files", wording.count(len(sources)))]
    drawn: tuple[Plot, ...] = ()
    if len(sources):
        seen = sources[sources["has_video"]]
        sizes = zip(seen["width"], seen["height"], strict=True)
        heard = sources.loc[sources["has_audio"], ["channels", "sample_rate"]]
        sounds = heard.itertuples(index=False, name=None)
        rows += [
            ("together", wording.duration(sources["duration_s"].sum())),
            ("shortest", wording.duration(sources["duration_s"].min())),
            ("longest", wording.duration(sources["duration_s"].max())),
            ("with pictures", wording.count(len(seen))),
            ("pictures, px", grids.common(f"{w} × {h}" for w, h in sizes)),
            ("pictures a second", grids.common(f"{fps:.4g}" for fps in seen["fps"].dropna())),
            (
                "sound",
                grids.common(
                    f"{_channels(n)}, {wording.number(hz / 1000, 1)} kHz" for n, hz in sounds
                ),
            ),
        ]
        drawn = _dialogue_lengths(contents.dialogues)
    grid = Grid("The files that are used", ("", " "), tuple(row for row in rows if row[1]))
    return _with(section, contents, grids=(grid,), plots=drawn)


def _segment(contents: ReportContents) -> Section:
    section = Section("segment", "Utterances")
    utterances = contents.utterances
    if utterances is None:
        return _with(section, contents, missing="No utterances yet.")
    if utterances.empty:
        return _with(section, contents, sentences=("No utterance was found.",))
    lengths = (utterances["end_s"] - utterances["start_s"]).dropna()
    sentences, drawn = [], []
    if lengths.empty:
        sentences.append("There are words alone: no utterance can be heard, so none has a length.")
    else:
        svg = histogram(lengths, x="length, s", steps=(0.25, 0.5, 1, 2), beyond=LONGEST_S)
        drawn.append(Plot(svg, _lengths_note(lengths)))
    said = corpus.words(utterances["text"])
    drawn.append(
        Plot(
            histogram(said, x="words", steps=COUNTS, whole=True),
            f"Half of the utterances have {wording.amount(said.median(), 'word')} or fewer, the "
            f"longest {wording.count(said.max())}.",
        )
    )
    turns = utterances["dialogue_id"].value_counts()
    note = f"Half of the dialogues have {wording.amount(turns.median(), 'utterance')} or fewer."
    if alone := int((turns == 1).sum()):
        note += f" {wording.amount(alone, 'dialogue')} of a single one hold no reply."
    svg = histogram(turns, x="utterances", y="dialogues", steps=COUNTS, whole=True)
    drawn.append(Plot(svg, note))
    others = utterances.loc[utterances["other_language"], "language"].value_counts()
    if len(others):
        counted = ", ".join(f"{name} ({number})" for name, number in others.items())
        sentences.append(f"In another language than the one asked for: {counted}.")
    if doubtful := corpus.doubtful_sources(utterances):
        sentences.append(
            f"In {wording.amount(len(doubtful), 'video')} recognition was hardly sure of what it "
            "heard: another language than it knows, or sound that is hard to understand."
        )
    over = utterances["overlap_s"] > 0
    if over.any():
        share = wording.percent(utterances.loc[over, "overlap_s"].sum() / lengths.sum())
        sentences.append(
            f"In {wording.amount(over.sum(), 'utterance')} somebody else speaks at the same time, "
            f"{share} of all speech."
        )
    return _with(section, contents, sentences=tuple(sentences), plots=tuple(drawn))


def _speaker_assign(contents: ReportContents) -> Section:
    section = Section("speaker_assign", "Speakers")
    speakers, utterances = contents.speakers, contents.utterances
    if speakers is None:
        return _with(section, contents, missing="Nobody is told apart yet.")
    if utterances is None or speakers.empty:
        return _with(section, contents, sentences=("There is nobody to tell apart.",))
    counts = corpus.speaker_distribution(utterances, speakers)
    shares: tuple[Grid, ...] = ()
    if len(counts):
        named = {wording.amount(number, "speaker"): count for number, count in counts.items()}
        shares = (
            grids.bars(f"Speakers per dialogue, {wording.amount(counts.sum(), 'dialogue')}", named),
        )
    if (faces := contents.speaking_faces) is not None and len(faces):
        whose = faces["reason"].where(faces["track"].isna(), "known").value_counts()
        spans = f"{wording.count(len(faces))} spans in a shot"
        shares += (grids.bars(f"The face that speaks, {spans}", whose.to_dict()),)
    sentences = []
    told = int(utterances["name"].notna().sum())
    if told:
        sentences.append(
            f"Of {wording.amount(told, 'utterance')} the corpus itself says who speaks."
        )
    unknown = int((speakers["speaker"] == corpus.UNKNOWN).sum())
    if unknown:
        sentences.append(
            f"In {wording.amount(unknown, 'utterance')} no voice could be heard (“?”)."
        )
    people = speakers["person"].dropna()
    if len(people):
        sentences.append(
            f"Across dialogues they are {wording.amount(people.nunique(), 'person', 'people')}."
        )
    guessed = speakers.loc[
        (speakers["confidence"] < 1) & (speakers["speaker"] != corpus.UNKNOWN), "confidence"
    ]
    drawn: tuple[Plot, ...] = ()
    if len(guessed):
        svg = histogram(guessed, x="confidence", steps=(0.05,))
        doubted = f"{wording.count((guessed < 0.5).sum())} of {wording.count(len(guessed))}"
        drawn = (Plot(svg, f"{doubted} are under 0.5: another speaker is as likely."),)
    return _with(section, contents, sentences=tuple(sentences), shares=shares, plots=drawn)


def _describe(contents: ReportContents) -> Section:
    section = Section("describe", "Voices")
    voice = contents.voice
    if voice is None:
        return _with(section, contents, missing="No voice is described yet.")
    shares = []
    for measure in summaries.MEASURES:
        counts = summaries.level_counts(voice, measure, levels(measure, voice[measure].dropna()))
        if len(counts):
            caption = f"{measure.capitalize()}, {wording.amount(counts.sum(), 'utterance')}"
            shares.append(grids.bars(caption, counts.to_dict()))
    table = summaries.unmeasured(voice)
    rows = tuple(
        (measure, reason, wording.count(number))
        for measure, reason, number in table.itertuples(index=False)
    )
    sentences = () if shares else ("No level could be measured.",)
    if not rows and len(voice):
        sentences = ("Every measure was taken on every utterance.",)
    quality = voice["quality_mos"].dropna()
    drawn: tuple[Plot, ...] = ()
    if len(quality):
        svg = histogram(quality, x="quality, DNSMOS of 1 to 5", steps=(0.25,))
        middle = wording.number(quality.median(), 2)
        drawn = (
            Plot(svg, f"Half of the utterances are under {middle}. Short ones come out lower."),
        )
    section = _with(section, contents, sentences=sentences, shares=tuple(shares), plots=drawn)
    if not rows:
        return section
    columns = ("measure", "reason", "utterances")
    grid = Grid("Measures that could not be taken", columns, rows, numeric("utterances"))
    return replace(section, left_out=(*section.left_out, grid))


def _featurize(contents: ReportContents) -> Section:
    section = Section("featurize", "What the agent sees and hears")
    if not contents.features:
        return _with(section, contents, missing="There are no features yet.")
    rows = []
    for features in contents.features:
        frames = [count for count in features.frames.values() if count]
        mean = sum(frames) / len(frames) if frames else float("nan")
        rows.append(
            (
                Cell(features.of, features.encoder),
                wording.count(len(frames)),
                wording.count(len(features.frames) - len(frames)),
                wording.number(mean, 1),
                wording.count(features.width),
            )
        )
    columns = ("of", "utterances", "without any", "frames, mean", "width")
    grid = Grid("Features by encoder", columns, tuple(rows), frozenset(columns[1:]))
    return _with(section, contents, grids=(grid,))


# --- what they share -----------------------------------------------------------------------------


def _with(section: Section, contents: ReportContents, **parts: Any) -> Section:
    """The section with its parts, and with what the stage left out or found wrong."""
    rejects, defects, found = contents.rejects, contents.defects, []
    if rejects is not None:
        own = rejects[rejects["stage"] == section.stage]
        if len(own):
            found.append(grids.reasons("Left out", own, by="stage"))
    if section.stage == "ingest" and defects is not None and len(defects):
        found.append(
            grids.reasons("Defects of the corpus", defects, by="action", title="what was done")
        )
    return replace(section, left_out=tuple(found), **parts)


def _channels(number: int) -> str:
    return {1: "mono", 2: "stereo", 6: "5.1"}.get(number, f"{number} channels")


def _dialogue_lengths(dialogues: pd.DataFrame | None) -> tuple[Plot, ...]:
    if dialogues is None or (dialogues["end_s"] - dialogues["start_s"]).isna().all():
        return ()
    lengths = (dialogues["end_s"] - dialogues["start_s"]).dropna()
    svg = histogram(lengths, x="length, s", y="dialogues", steps=(2, 5, 10, 20, 60, 120))
    middle, longest = wording.duration(lengths.median()), wording.duration(lengths.max())
    return (Plot(svg, f"Half of the dialogues take less than {middle}, the longest {longest}."),)


def _lengths_note(lengths: pd.Series) -> str:
    """Middle and extremes of the lengths, and how many the plot leaves out."""
    low, middle, high = (wording.seconds(lengths.quantile(q), 1) for q in (0.1, 0.5, 0.9))
    note = (
        f"Half of the utterances are shorter than {middle}; one in ten is shorter than {low}, "
        f"one in ten longer than {high}. The longest takes {wording.duration(lengths.max())}."
    )
    beyond = int((lengths > LONGEST_S).sum())
    if beyond:
        note += f" Not drawn: {beyond} over {LONGEST_S:.0f}{wording.SPACE}s."
    return note
