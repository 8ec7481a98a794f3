"""Write the page: tables and records in, one HTML text out, nothing loaded from elsewhere.

`sections` says what is shown, `page.html.j2` and `page.css.j2` how it looks. Every text that
comes from data is escaped by Jinja; only the plots, made here, go in as they are.
"""

from __future__ import annotations

import base64
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from msc_kedro.report import plots, sections, stages, summaries, wording
from msc_kedro.report.headline import headline
from msc_kedro.report.losses import losses_of

if TYPE_CHECKING:
    from msc_kedro.report.contents import Audio, Example, ReportContents, Turn

HERE = Path(__file__).parent
TURNS_SHOWN = 6  # of a long history; the earlier ones fold away
COLOURS = 6  # of speakers, in page.css.j2


def build_page(contents: ReportContents) -> str:
    """The report as one HTML document: no script, no address that a browser would load.

    The same contents give the same text. Tables that are None become a line that names the
    pipeline to run.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["data_uri"] = data_uri
    environment.filters["earlier"] = earlier
    environment.filters["percent"] = wording.percent
    environment.filters["seconds"] = wording.seconds
    environment.globals.update(
        command=lambda pipeline: sections.command(pipeline, contents.recipe),
        speaker_colour=speaker_colour,
    )
    return environment.get_template("page.html.j2").render(
        contents=contents,
        headline=headline(contents),
        dataset=stages.dataset(contents),
        definitions=stages.definitions(),
        stages=[_drawn(section) for section in stages.sections(contents)],
        loss=_loss(contents),
        loss_legend=sections.loss_legend(contents),
        loss_verdict=sections.loss_verdict(contents),
        training=sections.training(contents),
        scores=sections.scores(contents.metrics),
        spoken=_spoken(contents),
        agreement=_agreement(contents),
        places=_places(contents),
        clip_places=_clip_places(contents),
        costs=sections.costs(contents.timings),
        models=sections.models(contents.models),
    )


def data_uri(media: Audio | bytes) -> str:
    """A sound, or the bytes of a JPEG, as an address that holds it."""
    data, mime = (media, "image/jpeg") if isinstance(media, bytes) else (media.data, media.mime)
    return f"data:{mime};base64,{base64.b64encode(data).decode('ascii')}"


def earlier(example: Example) -> tuple[Turn, ...]:
    """The turns of a long history that fold away; never a single one, which saves nothing."""
    more = len(example.history) - TURNS_SHOWN
    return example.history[:more] if more > 1 else ()


def speaker_colour(speaker: str, example: Example) -> str:
    """CSS class of a speaker: by first appearance in the dialogue shown."""
    order = list(dict.fromkeys([turn.speaker for turn in example.history] + [example.speaker]))
    return f"s{order.index(speaker) % COLOURS}"


def _drawn(section: stages.Section) -> stages.Section:
    """A section whose plots stand in the page as they are."""
    drawn = tuple(replace(plot, svg=_safe(plot.svg)) for plot in section.plots)
    return replace(section, plots=drawn)


def _loss(contents: ReportContents) -> object:
    if contents.losses is None or contents.losses.empty:
        return None
    return _safe(plots.loss_curve(losses_of(contents.losses, contents.training)))


def _spoken(contents: ReportContents) -> str:
    """How well the spoken replies are understood, in a sentence; "" when none was spoken."""
    speech = contents.speech
    if speech is None or speech.empty:
        return ""
    rate = summaries.word_error_rate(speech, contents.replies)
    perfect = int((speech["word_error_rate"] == 0).sum())
    return (
        f"{wording.amount(len(speech), 'reply was', 'replies were')} spoken "
        f"({wording.duration(speech['duration_s'].sum())}) and read back by speech "
        f"recognition: word error rate {wording.percent(rate)} over all words, "
        f"{wording.count(perfect)} without any error."
    )


def _agreement(contents: ReportContents) -> sections.Grid | None:
    if contents.speech is None or contents.speech.empty:
        return None
    return sections.agreement(contents.speech)


def _places(contents: ReportContents) -> dict[str, str]:
    """`dialogue_id` -> file and time: what a person can look up, rather than an id."""
    if contents.dialogues is None or contents.sources is None:
        return {}
    paths = dict(zip(contents.sources["source_id"], contents.sources["path"], strict=True))
    return {
        row.dialogue_id: f"{paths.get(row.source_id, row.source_id)}, "
        f"{_clock(row.start_s)} to {_clock(row.end_s)}"
        if isinstance(row.source_id, str)
        else row.name
        for row in contents.dialogues.itertuples(index=False)
    }


def _clip_places(contents: ReportContents) -> dict[str, str]:
    """`utterance_id` -> file and time, of what there is to listen to."""
    if contents.utterances is None or contents.sources is None:
        return {}
    shown = {clip.utterance_id for clips in contents.clips.values() for clip in clips}
    heard = contents.utterances[contents.utterances["utterance_id"].isin(shown)]
    paths = dict(zip(contents.sources["source_id"], contents.sources["path"], strict=True))
    return {
        row.utterance_id: f"{paths.get(row.source_id, row.source_id)}, {_clock(row.start_s)}"
        for row in heard.itertuples(index=False)
    }


def _clock(time_s: float) -> str:
    """83.4 -> 1:23; 3723 -> 1:02:03."""
    minutes, second = divmod(round(time_s), 60)
    hour, minute = divmod(minutes, 60)
    return f"{hour}:{minute:02d}:{second:02d}" if hour else f"{minute}:{second:02d}"


def _safe(svg: str) -> str:
    """Mark a plot of ours as HTML; matplotlib has escaped its texts."""
    from markupsafe import Markup

    return Markup(svg)
