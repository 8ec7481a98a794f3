"""Nodes of ingest that read the corpus: what is written about it, its files, its scenes."""

from __future__ import annotations

import json
import logging
import os
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pandas as pd

from msc_kedro.corpora.annotations import AnnotatedDialogue, absences, count, listed
from msc_kedro.corpora.folder import Corpus
from msc_kedro.corpora.kinds import read_corpus
from msc_kedro.execution.files import code_of, key_of, once
from msc_kedro.execution.parallel import in_parallel
from msc_kedro.execution.shards import map_shards
from msc_kedro.media.probe import (
    MediaInfo,
    UnreadableMediaError,
    content_id,
    info_of,
    opened,
    readable_s,
)
from msc_kedro.media.sound import mono_blocks, sound_length_s, write_flac
from msc_kedro.pipelines.ingest.parameters import IngestParameters
from msc_kedro.pipelines.parameters import CorpusParameters, EngineParameters
from msc_kedro.pipelines.rejects import Reject, refuse_if_too_many, rejects_table
from msc_kedro.tables import distinct, empty, schema

log = logging.getLogger(__name__)

_UNSURE_S = 1.0  # by so much lengths that headers name may be off


def read_annotations(
    corpus: Corpus, parameters: CorpusParameters
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Read what is written about a corpus; says what of it is missing.

    Returns:
        The tables `annotated_dialogues`, `annotations` (their turns) and `corpus_defects`; all
        empty for own videos.
    """
    read = read_corpus(parameters.kind, corpus.folder)
    dialogues, turns = [], []
    for dialogue in read.dialogues:
        by_span = _is_span(dialogue)
        about = {
            "path": dialogue.media if by_span else None,
            "start_s": dialogue.start_s if by_span else None,
            "end_s": dialogue.end_s if by_span else None,
            "group": dialogue.group or dialogue.name,
            "published_split": dialogue.split,
            "extra": json.dumps(dict(dialogue.extra), ensure_ascii=False),
        }
        dialogues.append({"name": dialogue.name, **about})
        for place, turn in enumerate(() if by_span else dialogue.turns):
            plain = {**vars(turn), "extra": json.dumps(dict(turn.extra), ensure_ascii=False)}
            paths = {"path": plain.pop("media"), "sound_path": plain.pop("sound")}
            turns.append({"dialogue": dialogue.name, "turn": place, **paths, **plain})
    defects = [vars(defect) for defect in read.defects]
    if read.dialogues:
        found = count(read)
        log.info("      %d dialogues with %d turns are listed", found.dialogues, found.turns)
    if lacking := absences(read):
        log.warning(
            "Missing in %s: %s. What is written about it is used all the same.",
            corpus.folder,
            listed(lacking, most=5),
        )
    tables = {"annotated_dialogues": dialogues, "annotations": turns}
    made = [pd.DataFrame(r, columns=list(schema(n).columns)) for n, r in tables.items()]  # type: ignore[arg-type]
    noted = pd.DataFrame(defects, columns=["item", "reason", "action"])
    return made[0], made[1], noted.rename(columns={"item": "item_id"})


def _is_span(dialogue: AnnotatedDialogue) -> bool:
    """Whether its utterances are to be found in a span of a video, as those of own videos are."""
    return dialogue.media is not None and not any(turn.media for turn in dialogue.turns)


@dataclass(frozen=True)
class _Seen:
    """What a file of the corpus holds."""

    content: str
    info: MediaInfo  # with the length that its header names
    length_s: float
    sound: Path
    sound_id: str


def read_sources(
    corpus: Corpus,
    annotated_dialogues: pd.DataFrame,
    annotations: pd.DataFrame,
    work: Path,
    parameters: CorpusParameters,
    engine: EngineParameters,
) -> tuple[pd.DataFrame, dict[str, Path], pd.DataFrame]:
    """Look at every file of the corpus once and decode its sound.

    Of an annotated corpus only the files that it names are read, and two names for one content are
    two sources: each is somebody's turn. Of own videos the second is left out.

    Returns:
        The `sources` table, the sound of each source (16 kHz mono FLAC by source id), and the
        files, or the ends of files, that cannot be used.
    """
    own = parameters.kind == "own"
    if own:
        names = [path.relative_to(corpus.folder).as_posix() for path in corpus.files()]
    else:
        named = {*annotated_dialogues["path"].dropna(), *annotations["path"].dropna()}
        names = sorted(named)
    beside = dict(annotations[["path", "sound_path"]].dropna().itertuples(index=False, name=None))
    looks = in_parallel(
        lambda name: _look(corpus, name, beside.get(name), work),
        names,
        workers=engine.threads,
        title="reading videos",
        unit="files",
    )
    seen: list[tuple[str, _Seen]] = []
    rejects: list[Reject] = []
    lost: list[Reject] = []  # of files that are used for the rest
    first: dict[str, str] = {}
    for name, look in zip(names, looks, strict=True):
        if isinstance(look, str):
            rejects.append((_shown(name), "ingest", look))
            continue
        if (same := first.setdefault(look.content, name)) != name and own:
            rejects.append((name, "ingest", f"its content is the same as that of {same}"))
            continue
        if look.length_s < look.info.duration_s:
            found = f"{look.length_s:.1f} s of {look.info.duration_s:.1f} s"
            lost.append((name, "ingest", f"it is cut off: of its length only {found} are there"))
        seen.append((name, look))
    refuse_if_too_many(
        rejects, of=len(names), share=parameters.max_rejected_share, what="files of the corpus"
    )
    ids = distinct(look.content for _, look in seen)
    rows = [
        {
            "source_id": source_id,
            "path": name,
            **vars(replace(look.info, duration_s=look.length_s)),
            "sound_id": look.sound_id,
        }
        for source_id, (name, look) in zip(ids, seen, strict=True)
    ]
    sounds = {source_id: look.sound for source_id, (_, look) in zip(ids, seen, strict=True)}
    return (
        pd.DataFrame(rows) if rows else empty("sources"),
        sounds,
        rejects_table([*rejects, *lost]),
    )


def _look(corpus: Corpus, name: str, beside: str | None, work: Path) -> _Seen | str:
    """What a file holds, its sound kept in `work`; or why it is of no use.

    Args:
        beside: a file of the sound alone, heard where the video has none.
    """
    path = corpus.path(name)
    if name != _shown(name):
        return "its name is not in UTF-8, which tables need: rename it"
    try:
        content = content_id(path)
        with opened(path) as container:  # once, for what it says and for its sound
            info = info_of(container)
            if info.has_audio:
                sound = _sound(content, container, work)
        if not info.has_audio:
            if beside is None:
                return "it has no sound, so nobody can be heard in it"
            heard = corpus.path(beside)
            with opened(heard) as container:
                sound = _sound(content_id(heard), container, work)
        length_s = _length_s(path, info, sound)
        return _Seen(content, info, length_s, sound, content_id(sound))
    except UnreadableMediaError as error:
        return str(error)


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


def _sound(content: str, container: Any, work: Path) -> Path:
    """The sound of an open file as FLAC, decoded where it is not kept yet."""
    key = key_of(content, code_of("media"))
    return once(
        work / "sound" / f"{key}.flac", lambda file: write_flac(file, mono_blocks(container))
    )


def find_scenes(
    sources: pd.DataFrame,
    annotated_dialogues: pd.DataFrame,
    annotations: pd.DataFrame,
    corpus: Corpus,
    work: Path,
    parameters: IngestParameters,
    engine: EngineParameters,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Cut sources at their scene changes; one without pictures is one scene.

    Clips of an annotated corpus are somebody's turn each, and are taken as they are given: cuts in
    them are looked for, which is most of the work of ingest, where `scenes_of_clips` asks for them.

    Returns:
        The `scenes` table, without the clips that are not looked at, and the sources whose pictures
        cannot be decoded (they count as one scene).
    """
    from msc_kedro.media.scenes import find_cuts

    if not parameters.scenes_of_clips:
        clips = set(annotations["path"].dropna()) - set(annotated_dialogues["path"].dropna())
        sources = sources[~sources["path"].isin(clips)]

    def detect(source: Any, file: Path) -> None:
        try:
            cuts = find_cuts(
                corpus.existing(source.path),
                threshold=parameters.scene_threshold,
                min_scene_s=parameters.min_scene_s,
            )
            file.write_text(json.dumps({"cuts": cuts}))
        except UnreadableMediaError as error:
            file.write_text(json.dumps({"cuts": [], "reason": str(error)}))

    seen = list(sources[sources["has_video"]].itertuples())
    files = map_shards(
        detect,
        seen,
        key=lambda source: key_of(
            "scenes",
            source.source_id,
            parameters.scene_threshold,
            parameters.min_scene_s,
            code_of("media"),
        ),
        folder=work / "scenes",
        suffix=".json",
        title="finding cuts",
        workers=engine.threads,
    )
    found = {s.source_id: json.loads(f.read_text()) for s, f in zip(seen, files, strict=True)}
    rejects = [
        (source.path, "ingest", found[source.source_id]["reason"])
        for source in seen
        if "reason" in found[source.source_id]
    ]
    rows = []
    for source in sources.itertuples():
        cuts = found.get(source.source_id, {"cuts": []})["cuts"]
        edges = [0.0, *[cut for cut in cuts if 0 < cut < source.duration_s], source.duration_s]
        rows += [(source.source_id, start, end) for start, end in pairwise(edges) if end > start]
    return pd.DataFrame(rows, columns=["source_id", "start_s", "end_s"]), rejects_table(rejects)
