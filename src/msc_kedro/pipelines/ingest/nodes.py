"""Nodes of ingest."""

from __future__ import annotations

import logging
from functools import partial
from pathlib import Path

import pandas as pd

from msc_kedro.corpora.folder import Corpus
from msc_kedro.corpora.spans import Span, listed_spans, propose_spans
from msc_kedro.execution.files import code_of, key_of, once
from msc_kedro.execution.progress import steps
from msc_kedro.media.probe import UnreadableMediaError, content_id, probe
from msc_kedro.models.opener import Opener
from msc_kedro.pipelines.ingest.parameters import IngestParameters
from msc_kedro.pipelines.parameters import CorpusParameters
from msc_kedro.pipelines.rejects import Reject, refuse_if_too_many, rejects_table
from msc_kedro.tables import SPLITS, span_id

log = logging.getLogger(__name__)


def read_sources(
    corpus: Corpus, work: Path, parameters: CorpusParameters
) -> tuple[pd.DataFrame, dict[str, Path], pd.DataFrame]:
    """Look at every file of the corpus once and decode its sound.

    Returns:
        The `sources` table, the sound of each source (16 kHz mono FLAC by source id), and the
        files that cannot be used.
    """

    files = corpus.files()
    rows: list[dict[str, object]] = []
    sounds: dict[str, Path] = {}
    rejects: list[Reject] = []
    for path in steps(files, title="reading videos", unit="files"):
        name = path.relative_to(corpus.folder).as_posix()
        try:
            info = probe(path)
            if not info.has_audio:
                raise UnreadableMediaError("it has no sound, so nobody can be heard in it")
            source_id = content_id(path)
            if source_id in sounds:
                raise UnreadableMediaError("its content is the same as an earlier file's")
            sounds[source_id] = once(
                work / "sound" / f"{key_of(source_id, code_of('media'))}.flac",
                partial(_write_sound, path),
            )
        except UnreadableMediaError as error:
            rejects.append((name, "ingest", str(error)))
            continue
        rows.append({"source_id": source_id, "path": name, **vars(info)})
    refuse_if_too_many(
        rejects, of=len(files), share=parameters.max_rejected_share, what="files of the corpus"
    )
    return pd.DataFrame(rows), sounds, rejects_table(rejects)


def _write_sound(video: Path, file: Path) -> None:
    from msc_kedro.media.sound import flac_bytes, read_mono

    file.write_bytes(flac_bytes(read_mono(video)))


def find_dialogues(
    sources: pd.DataFrame,
    sounds: dict[str, Path],
    corpus: Corpus,
    speech_detector: Opener,
    parameters: IngestParameters,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Dialogue spans of every source.

    Returns:
        The `dialogue_spans` table, and the sources in which nobody speaks.
    """

    from msc_kedro.media.sound import read_span

    detect = speech_detector.open()
    spans, silent = _listed(sources, corpus)
    if spans is None:
        speech = {
            source.source_id: detect(read_span(sounds[source.source_id], 0.0, source.duration_s)[0])
            for source in steps(list(sources.itertuples()), title="finding speech", unit="files")
        }
        few = sum(bool(found) for found in speech.values()) < len(SPLITS)
        spans = {
            source.source_id: propose_spans(
                speech[source.source_id],
                duration_s=source.duration_s,
                max_pause_s=parameters.max_pause_s,
                max_dialogue_s=parameters.max_dialogue_s,
                at_least=len(SPLITS) if few else 1,
            )
            for source in sources.itertuples()
        }
        silent = "no speech was found in it"
    rows = [
        (span_id(source, start_s, end_s), source, start_s, end_s)
        for source, found in spans.items()
        for start_s, end_s in found
    ]
    rejects = [(source, "ingest", silent) for source, found in spans.items() if not found]
    columns = ["dialogue_id", "source_id", "start_s", "end_s"]
    return pd.DataFrame(rows, columns=columns), rejects_table(rejects)


def _listed(sources: pd.DataFrame, corpus: Corpus) -> tuple[dict[str, list[Span]] | None, str]:
    """Spans of the user's dialogues.csv by source, and what it means that a source has none."""
    listed = listed_spans(corpus.folder)
    if listed is None:
        return None, ""
    unknown = sorted(set(listed) - set(sources["path"]))
    if unknown:
        log.warning("dialogues.csv names videos that are not usable: %s", ", ".join(unknown[:5]))
    spans = {
        source.source_id: [
            (start, min(end, source.duration_s))
            for start, end in listed.get(source.path, [])
            if start < source.duration_s
        ]
        for source in sources.itertuples()
    }
    return spans, "dialogues.csv lists no dialogue of it"
