"""Nodes of ingest that find the dialogues: by the corpus, by the user's list, or proposed."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pandas as pd

from msc_kedro.corpora.folder import Corpus
from msc_kedro.corpora.spans import (
    LIST_NAME,
    Span,
    listed_spans,
    pauses_to_hear,
    plain_name,
    propose_spans,
)
from msc_kedro.errors import MscKedroError
from msc_kedro.execution.files import code_of, key_of, once
from msc_kedro.execution.parallel import in_parallel
from msc_kedro.execution.shards import map_shards
from msc_kedro.models.opener import Opener
from msc_kedro.pipelines.ingest.parameters import IngestParameters
from msc_kedro.pipelines.parameters import EngineParameters
from msc_kedro.pipelines.rejects import Reject, rejects_table
from msc_kedro.tables import SPLITS, distinct, name_id, schema, span_id

log = logging.getLogger(__name__)


def propose_dialogues(
    sources: pd.DataFrame,
    annotated_dialogues: pd.DataFrame,
    sounds: dict[str, Path],
    scenes: pd.DataFrame,
    corpus: Corpus,
    speech_detector: Opener,
    speaker_encoder: Opener,
    work: Path,
    parameters: IngestParameters,
    engine: EngineParameters,
) -> pd.DataFrame:
    """Propose dialogues of own videos without a list, by silences, scenes and people.

    Returns:
        A table as the user's dialogues.csv: video, start, end. Empty where there is a list, or the
        corpus says where its dialogues are.
    """
    columns = ["video", "start", "end"]
    if len(annotated_dialogues) or listed_spans(corpus.folder) is not None:
        return pd.DataFrame([], columns=columns)
    inner = scenes[scenes["start_s"] > 0].groupby("source_id")["start_s"].agg(sorted).to_dict()
    cuts = {s.source_id: inner.get(s.source_id, []) for s in sources.itertuples()}
    rows = list(sources.itertuples())
    made_by = (
        speech_detector.name,
        speaker_encoder.name,
        code_of("corpora.spans", "listening", "media"),
        parameters.model_dump(),
    )
    files = map_shards(
        lambda source, file: _listen(
            file,
            sounds[source.source_id],
            source.duration_s,
            cuts[source.source_id] if source.has_video else None,
            speech_detector,
            speaker_encoder,
            parameters,
        ),
        rows,
        key=lambda s: key_of("speech", s.source_id, s.duration_s, cuts[s.source_id], made_by),
        folder=work / "speech",
        suffix=".json",
        title="finding dialogues",
        workers=engine.threads,
    )
    heard = [json.loads(file.read_text()) for file in files]
    few = sum(bool(one["speech"]) for one in heard) < len(SPLITS)
    spans = [
        (source.path, start_s, end_s)
        for source, one in zip(rows, heard, strict=True)
        for start_s, end_s in propose_spans(
            one["speech"],
            duration_s=source.duration_s,
            max_pause_s=parameters.max_pause_s,
            max_dialogue_s=parameters.max_dialogue_s,
            at_least=len(SPLITS) if few else 1,
            cuts=cuts[source.source_id],
            changes=one["changes"],
        )
    ]
    log.info(
        "      %d dialogues are proposed. To correct them, copy dialogues_proposed.csv as %s into "
        "%s, look at contact_sheets (both are below data/02_intermediate), and run again.",
        len(spans),
        LIST_NAME,
        corpus.folder,
    )
    return pd.DataFrame(spans, columns=columns)


def _listen(
    file: Path,
    sound: Path,
    duration_s: float,
    cuts: list[float] | None,
    detector: Opener,
    encoder: Opener,
    parameters: IngestParameters,
) -> None:
    """Write where somebody speaks, and at which pauses other people begin to."""
    from msc_kedro.listening.changes import changes_of_people
    from msc_kedro.listening.long_sound import speech_in

    speech: list[Span] = speech_in(sound, duration_s, detector.open())
    pauses = pauses_to_hear(speech, cuts, min_pause_s=parameters.min_change_pause_s)
    changes: list[int] = []
    if pauses and parameters.people_distance is not None:
        changes = changes_of_people(
            sound,
            speech,
            pauses,
            encode=encoder.open(),
            farther_than=parameters.people_distance,
        )
    file.write_text(json.dumps({"speech": speech, "changes": changes}))


def find_dialogues(
    sources: pd.DataFrame,
    annotated_dialogues: pd.DataFrame,
    annotations: pd.DataFrame,
    dialogues_proposed: pd.DataFrame,
    corpus: Corpus,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The dialogues of an annotated corpus, of the user's list, or as proposed.

    Returns:
        The `dialogue_spans` table, and what gives no dialogue: sources in which nobody speaks,
        rows of the user's list, dialogues whose video is missing.
    """
    if len(annotated_dialogues):
        return _annotated(annotated_dialogues, annotations, sources)
    listed = listed_spans(corpus.folder)
    if listed is not None:
        spans, rejects = _listed(sources, listed)
        silent = f"{LIST_NAME} lists no dialogue of it that can be used"
    else:
        proposed = dialogues_proposed.groupby("video")
        spans = {
            source.source_id: list(
                proposed.get_group(source.path)[["start", "end"]].itertuples(index=False, name=None)
            )
            if source.path in proposed.groups
            else []
            for source in sources.itertuples()
        }
        rejects, silent = [], "no speech was found in it"
    rows = [
        {"source_id": source, "start_s": start_s, "end_s": end_s, "group": source}
        for source, found in spans.items()
        for start_s, end_s in found
    ]
    paths = dict(zip(sources["source_id"], sources["path"], strict=True))
    rejects += [(paths[source], "ingest", silent) for source, found in spans.items() if not found]
    return _table(rows), rejects_table(rejects)


def _table(rows: list[dict[str, Any]]) -> pd.DataFrame:
    """The `dialogue_spans` table, with ids."""
    ids = distinct(
        span_id(row["source_id"], row["start_s"], row["end_s"])
        if row.get("source_id")
        else name_id(row["name"])
        for row in rows
    )
    named = [{"dialogue_id": i, **row} for i, row in zip(ids, rows, strict=True)]
    return pd.DataFrame(named, columns=list(schema("dialogue_spans").columns))


def _annotated(
    dialogues: pd.DataFrame, annotations: pd.DataFrame, sources: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The dialogues of an annotated corpus that have turns, or a span of a video that is there."""
    known = sources.set_index("path")
    with_turns = set(annotations["dialogue"])
    rows: list[dict[str, Any]] = []
    rejects: list[Reject] = []
    for dialogue in dialogues.itertuples():
        row = {
            "name": dialogue.name,
            "group": dialogue.group,
            "published_split": dialogue.published_split,
        }
        if dialogue.name in with_turns:
            rows.append(row)
        elif dialogue.path not in known.index:
            rejects.append((dialogue.name, "ingest", "its video is missing, or cannot be used"))
        elif dialogue.start_s >= known.at[dialogue.path, "duration_s"]:
            rejects.append((dialogue.name, "ingest", "it is listed after its video's end"))
        else:
            source_id, duration_s = known.loc[dialogue.path, ["source_id", "duration_s"]]
            end_s = min(dialogue.end_s, duration_s)
            span = {"source_id": source_id, "start_s": dialogue.start_s, "end_s": end_s}
            rows.append({**row, **span})
    return _table(rows), rejects_table(rejects)


def _listed(
    sources: pd.DataFrame, listed: dict[str, list[Span]]
) -> tuple[dict[str, list[Span]], list[Reject]]:
    """Spans of the user's dialogues.csv by source, and what of it cannot be used.

    Raises:
        MscKedroError: nothing of it can be used.
    """
    names = {plain_name(path) for path in sources["path"]}
    rejects: list[Reject] = [
        (name, "ingest", f"{LIST_NAME} names it, but no video that can be used has this name")
        for name in listed
        if name not in names
    ]
    spans: dict[str, list[Span]] = {}
    for source in sources.itertuples():
        spans[source.source_id] = []
        for start_s, end_s in listed.get(plain_name(source.path), []):
            if start_s < source.duration_s:
                spans[source.source_id].append((start_s, min(end_s, source.duration_s)))
            else:
                item = f"{source.path}, {start_s:g} to {end_s:g} s"
                rejects.append((item, "ingest", f"{LIST_NAME} lists it after the video's end"))
    if not any(spans.values()):
        told = "\n".join(f"  {item}: {reason}" for item, _, reason in rejects[:5])
        known = ", ".join(sorted(sources["path"])[:5])
        raise MscKedroError(
            f"{LIST_NAME} lists no dialogue that can be used.\n{told}\n"
            f"Videos that can be used are {known}; name them as here, or remove {LIST_NAME} to "
            "have dialogues proposed."
        )
    if rejects:
        log.warning("%d entries of %s cannot be used; see the report.", len(rejects), LIST_NAME)
    return spans, rejects


def draw_contact_sheets(
    dialogue_spans: pd.DataFrame,
    sources: pd.DataFrame,
    corpus: Corpus,
    work: Path,
    engine: EngineParameters,
) -> dict[str, Path]:
    """A contact sheet of every video that dialogues are spans of: a picture of each dialogue.

    Returns:
        JPEG files by the video's name.
    """
    from msc_kedro.media.sheet import contact_sheet

    spans = {
        source: sorted(found[["start_s", "end_s"]].itertuples(index=False, name=None))
        for source, found in dialogue_spans.dropna(subset="source_id").groupby("source_id")
    }
    seen = [s for s in sources.itertuples() if s.has_video and s.source_id in spans]

    def draw(source: Any) -> Path:
        own = spans[source.source_id]

        def make(file: Path) -> None:
            file.write_bytes(contact_sheet(corpus.existing(source.path), own))

        key = key_of(source.source_id, own, code_of("media"))
        return once(work / "sheets" / f"{key}.jpg", make)

    drawn = in_parallel(
        draw, seen, workers=engine.threads, title="drawing contact sheets", unit="videos"
    )
    names = distinct(name_id(source.path) for source in seen)
    return dict(zip(names, drawn, strict=True))
