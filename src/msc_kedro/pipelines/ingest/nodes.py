"""Nodes of ingest."""

from __future__ import annotations

import logging
import os
from dataclasses import replace
from functools import partial
from pathlib import Path

import pandas as pd

from msc_kedro.corpora.folder import Corpus
from msc_kedro.corpora.spans import (
    LIST_NAME,
    Span,
    listed_spans,
    plain_name,
    propose_spans,
)
from msc_kedro.errors import MscKedroError
from msc_kedro.execution.files import code_of, key_of, once
from msc_kedro.execution.progress import steps
from msc_kedro.media.probe import (
    MediaInfo,
    UnreadableMediaError,
    content_id,
    probe,
    readable_s,
)
from msc_kedro.media.sound import flac_bytes, read_mono, read_span, sound_length_s
from msc_kedro.models.opener import Opener
from msc_kedro.pipelines.ingest.parameters import IngestParameters
from msc_kedro.pipelines.parameters import CorpusParameters
from msc_kedro.pipelines.rejects import Reject, refuse_if_too_many, rejects_table
from msc_kedro.tables import SPLITS, span_id

log = logging.getLogger(__name__)

_UNSURE_S = 1.0  # by so much lengths that headers name may be off


def read_sources(
    corpus: Corpus, work: Path, parameters: CorpusParameters
) -> tuple[pd.DataFrame, dict[str, Path], pd.DataFrame]:
    """Look at every file of the corpus once and decode its sound.

    Returns:
        The `sources` table, the sound of each source (16 kHz mono FLAC by source id), and the
        files, or the ends of files, that cannot be used.
    """

    files = corpus.files()
    rows: dict[str, dict[str, object]] = {}
    sounds: dict[str, Path] = {}
    rejects: list[Reject] = []
    lost: list[Reject] = []  # of files that are used for the rest
    for path in steps(files, title="reading videos", unit="files"):
        name = path.relative_to(corpus.folder).as_posix()
        try:
            info = _usable(path, name)
            source_id = content_id(path)
            if source_id in rows:
                same = rows[source_id]["path"]
                raise UnreadableMediaError(f"its content is the same as that of {same}")
            sound = once(
                work / "sound" / f"{key_of(source_id, code_of('media'))}.flac",
                partial(_write_sound, path),
            )
            length_s = _length_s(path, info, sound)
        except UnreadableMediaError as error:
            rejects.append((_shown(name), "ingest", str(error)))
            continue
        if length_s < info.duration_s:
            found = f"{length_s:.1f} s of {info.duration_s:.1f} s"
            lost.append((name, "ingest", f"it is cut off: of its length only {found} are there"))
        sounds[source_id] = sound
        rows[source_id] = {
            "source_id": source_id,
            "path": name,
            **vars(replace(info, duration_s=length_s)),
        }
    refuse_if_too_many(
        rejects, of=len(files), share=parameters.max_rejected_share, what="files of the corpus"
    )
    return pd.DataFrame(list(rows.values())), sounds, rejects_table([*rejects, *lost])


def _usable(path: Path, name: str) -> MediaInfo:
    """What a file holds.

    Raises:
        UnreadableMediaError: the file is of no use here.
    """
    if name != _shown(name):
        raise UnreadableMediaError("its name is not in UTF-8, which tables need: rename it")
    info = probe(path)
    if not info.has_audio:
        raise UnreadableMediaError("it has no sound, so nobody can be heard in it")
    return info


def _length_s(path: Path, info: MediaInfo, sound: Path) -> float:
    """Seconds of a file that are there: one that was cut off may name more, or less."""
    heard_s = sound_length_s(sound)
    if heard_s > info.duration_s + _UNSURE_S:
        return heard_s
    if heard_s < info.duration_s - _UNSURE_S:  # silent at the end, or cut off
        there_s = max(heard_s, readable_s(path))
        return there_s if there_s < info.duration_s - _UNSURE_S else info.duration_s
    return info.duration_s


def _shown(name: str) -> str:
    """A file's name that can be printed and stored, whatever bytes it is made of."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def _write_sound(video: Path, file: Path) -> None:
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
        The `dialogue_spans` table, and what gives no dialogue: sources in which nobody speaks,
        and rows of the user's list.
    """

    listed = listed_spans(corpus.folder)
    if listed is not None:
        spans, rejects = _listed(sources, listed)
        silent = f"{LIST_NAME} lists no dialogue of it that can be used"
    else:
        spans, rejects = _heard(sources, sounds, speech_detector, parameters), []
        silent = "no speech was found in it"
    rows = [
        (span_id(source, start_s, end_s), source, start_s, end_s)
        for source, found in spans.items()
        for start_s, end_s in found
    ]
    paths = dict(zip(sources["source_id"], sources["path"], strict=True))
    rejects += [(paths[source], "ingest", silent) for source, found in spans.items() if not found]
    columns = ["dialogue_id", "source_id", "start_s", "end_s"]
    return pd.DataFrame(rows, columns=columns), rejects_table(rejects)


def _heard(
    sources: pd.DataFrame, sounds: dict[str, Path], detector: Opener, parameters: IngestParameters
) -> dict[str, list[Span]]:
    """Spans by source, proposed from where somebody speaks."""
    detect = detector.open()
    speech = {
        source.source_id: detect(read_span(sounds[source.source_id], 0.0, source.duration_s)[0])
        for source in steps(list(sources.itertuples()), title="finding speech", unit="files")
    }
    few = sum(bool(found) for found in speech.values()) < len(SPLITS)
    return {
        source.source_id: propose_spans(
            speech[source.source_id],
            duration_s=source.duration_s,
            max_pause_s=parameters.max_pause_s,
            max_dialogue_s=parameters.max_dialogue_s,
            at_least=len(SPLITS) if few else 1,
        )
        for source in sources.itertuples()
    }


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
