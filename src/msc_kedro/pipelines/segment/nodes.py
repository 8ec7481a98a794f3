"""Nodes of segment."""

from __future__ import annotations

import json
import logging
from itertools import pairwise
from pathlib import Path
from typing import Any

import pandas as pd

from msc_kedro.corpora.folder import Corpus
from msc_kedro.corpora.splits import split_sources
from msc_kedro.errors import MscKedroError
from msc_kedro.execution.files import code_of, key_of
from msc_kedro.execution.shards import map_shards
from msc_kedro.media.probe import UnreadableMediaError
from msc_kedro.models.opener import Opener
from msc_kedro.pipelines.parameters import EngineParameters, SplitParameters
from msc_kedro.pipelines.rejects import Reject, rejects_table
from msc_kedro.pipelines.segment.parameters import SegmentParameters
from msc_kedro.tables import SPLITS, span_id

log = logging.getLogger(__name__)


def find_scenes(
    sources: pd.DataFrame, corpus: Corpus, work: Path, parameters: SegmentParameters
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Cut every source at its scene changes; one without pictures is one scene.

    Returns:
        The `scenes` table, and the sources whose pictures cannot be decoded (they count as one
        scene).
    """

    from msc_kedro.media.scenes import find_cuts

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
    )
    found = {s.source_id: json.loads(f.read_text()) for s, f in zip(seen, files, strict=True)}
    rejects = [
        (source.path, "segment", found[source.source_id]["reason"])
        for source in seen
        if "reason" in found[source.source_id]
    ]
    rows = []
    for source in sources.itertuples():
        cuts = found.get(source.source_id, {"cuts": []})["cuts"]
        edges = [0.0, *[cut for cut in cuts if 0 < cut < source.duration_s], source.duration_s]
        rows += [(source.source_id, start, end) for start, end in pairwise(edges) if end > start]
    return pd.DataFrame(rows, columns=["source_id", "start_s", "end_s"]), rejects_table(rejects)


def transcribe(
    dialogue_spans: pd.DataFrame,
    scenes: pd.DataFrame,
    sounds: dict[str, Path],
    asr: Opener,
    diarizer: Opener,
    work: Path,
    parameters: SegmentParameters,
    engine: EngineParameters,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Cut every dialogue into utterances, with their words.

    Returns:
        The `utterances` table, and the dialogues in which no word was understood.
    """

    from msc_kedro.listening.utterances import find_utterances

    cuts = dict(list(scenes.groupby("source_id")))

    def listen(dialogue: Any, file: Path) -> None:
        spans = cuts[dialogue.source_id][["start_s", "end_s"]].itertuples(index=False, name=None)
        utterances = find_utterances(
            sounds[dialogue.source_id],
            (dialogue.start_s, dialogue.end_s),
            scenes=list(spans),
            transcribe=asr.open(),
            diarize=lambda samples: diarizer.open()(samples),
            max_piece_s=parameters.max_piece_s,
            max_pause_s=parameters.max_pause_s,
            min_utterance_s=parameters.min_utterance_s,
        )
        file.write_text(json.dumps(utterances))

    def key(dialogue: Any) -> str:
        spans = cuts[dialogue.source_id][["start_s", "end_s"]].to_numpy().tolist()
        made_by = (asr.fingerprint, diarizer.fingerprint, code_of("listening", "media"))
        return key_of("utterances", dialogue.dialogue_id, spans, made_by, parameters.model_dump())

    rows: list[dict[str, object]] = []
    rejects: list[Reject] = []
    items = list(dialogue_spans.itertuples())
    files = map_shards(
        listen,
        items,
        key=key,
        folder=work / "utterances",
        suffix=".json",
        title="transcribing",
        workers=engine.threads,
    )
    for dialogue, file in zip(items, files, strict=True):
        heard = json.loads(file.read_text())
        if not heard:
            rejects.append((dialogue.dialogue_id, "segment", "no words were understood"))
        for turn, utterance in enumerate(heard):
            start_s, end_s = utterance["start_s"], utterance["end_s"]
            identity = span_id(dialogue.source_id, start_s, end_s)
            owner = {"dialogue_id": dialogue.dialogue_id, "source_id": dialogue.source_id}
            rows.append({"utterance_id": identity, **owner, "turn": turn, **utterance})
    if not rows:
        raise MscKedroError(
            "No speech was understood anywhere in the corpus. Is there English speech in the "
            "videos? The embedded speech recognition knows English only."
        )
    return pd.DataFrame(rows), rejects_table(rejects)


def hold_out(
    dialogue_spans: pd.DataFrame, utterances: pd.DataFrame, parameters: SplitParameters
) -> pd.DataFrame:
    """Put every dialogue in which something was said into train, valid or test, by source.

    Only dialogues of two utterances or more count for the shares: the others hold no reply. Where
    fewer than three sources have any, dialogues are held out within a source.

    Returns:
        The `dialogues` table.
    """
    turns = utterances["dialogue_id"].value_counts()
    dialogues = dialogue_spans[dialogue_spans["dialogue_id"].isin(turns.index)]
    answered = dialogues[dialogues["dialogue_id"].map(turns) > 1]
    by = "source_id"
    if answered[by].nunique() < len(SPLITS):
        by = "dialogue_id"
        log.warning(
            "Fewer than %d videos have a dialogue of two utterances or more: dialogues are held "
            "out within a video, so the scores say less than with more videos.",
            len(SPLITS),
        )
    assigned = split_sources(
        answered[by].value_counts().to_dict(),
        shares=(parameters.train, parameters.valid, parameters.test),
        seed=parameters.seed,
    )
    return dialogues.assign(split=dialogues[by].map(assigned).fillna("train"))
