"""The report of a run, from whatever the catalog holds by now."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kedro.io import DataCatalog, DatasetError

from msc_kedro.corpora.splits import LEAK_WORDS
from msc_kedro.datasets.models import ModelDataset
from msc_kedro.errors import MscKedroError
from msc_kedro.execution.files import whole_file
from msc_kedro.media.probe import UnreadableMediaError
from msc_kedro.report.audio import encode_audio
from msc_kedro.report.contents import (
    Clip,
    Example,
    Features,
    Metric,
    ModelUse,
    ReportContents,
    Stage,
    StageTime,
)
from msc_kedro.report.gather import choose_examples
from msc_kedro.report.listen import choose_clips
from msc_kedro.report.page import build_page

if TYPE_CHECKING:
    import pandas as pd

log = logging.getLogger(__name__)

PAGE = "report.html"
_TABLES = (
    *("sources", "dialogues", "utterances", "speakers", "speaking_faces"),
    *("voice", "replies", "speech"),
)
_REJECTS = ("ingest_rejects", "silent_sources", "scene_rejects", "segment_rejects")
_FEATURES = {"picture_features": "pictures", "sound_features": "sound"}
_CLIP_S = 10.0  # of a clip to listen to, at most
_STILLS, _STILL_PIXELS = 4, 144  # pictures shown with an example, and their shorter side


def write_report(catalog: DataCatalog, *, version: str) -> Path:
    """Gather the tables, figures and sounds of the latest run of each stage into one page.

    Args:
        catalog: of the run.
        version: the session's id, shown on the page.

    Returns:
        Where the page is.
    """
    folder = Path(catalog.load("reporting"))
    path = folder / PAGE
    page = build_page(gather(catalog, version=version))
    with whole_file(path) as file:
        file.write_text(page, encoding="utf-8")
    return path


def gather(catalog: DataCatalog, *, version: str) -> ReportContents:
    """What the page shows. A stage that has not run leaves its part empty."""
    import pandas as pd

    folder = Path(catalog.load("reporting"))
    recipe, corpus = folder.name, folder.parent.name
    tables = {name: _load(catalog, name) for name in _TABLES}
    rejects = [table for name in _REJECTS if (table := _load(catalog, name)) is not None]
    sound = _load(catalog, "sound") or {}
    timings = folder / "timings.json"
    return ReportContents(
        corpus=corpus,
        recipe=recipe,
        version=version,
        **tables,
        rejects=pd.concat(rejects, ignore_index=True) if rejects else None,
        defects=_load(catalog, "corpus_defects"),
        features=tuple(_features(catalog)),
        clips=_clips(tables, sound),
        losses=_load(catalog, "loss_history"),
        training=_load(catalog, "training_summary") or {},
        metrics=tuple(_metric(score) for score in _load(catalog, "text_metrics") or ()),
        timings=tuple(
            StageTime(pipeline, seconds)
            for pipeline, seconds in json.loads(timings.read_text()).items()
        )
        if timings.is_file()
        else (),
        models=_models(catalog),
        warnings=(*_warnings(_load(catalog, "split_leaks")), *_stale(catalog)),
        examples=_examples(catalog, tables, sound),
    )


def _load(catalog: DataCatalog, name: str) -> Any:
    """A dataset, or None: it was not made yet, or by an earlier version of the program."""
    try:
        return catalog.load(name) if catalog.exists(name) else None
    except DatasetError as error:
        cause: BaseException | None = error
        while isinstance(cause, DatasetError):  # Kedro wraps once per layer
            cause = cause.__cause__
        if not isinstance(cause, MscKedroError):
            raise
        log.warning("The report leaves '%s' out. %s", name, cause)
        return None


def _metric(score: dict[str, Any]) -> Metric:
    renamed = {"metric": "name", "count": "n"}
    return Metric(**{renamed.get(key, key): value for key, value in score.items()})


def _models(catalog: DataCatalog) -> tuple[ModelUse, ...]:
    used: dict[str, ModelUse] = {}
    for name in catalog:
        dataset = catalog.get(name)
        if isinstance(dataset, ModelDataset):
            for use in dataset.uses():
                used.setdefault(use[0], ModelUse(*use))
    return tuple(used[slot] for slot in sorted(used))


def _warnings(leaks: pd.DataFrame | None) -> list[str]:
    """What is in more than one split, and was let pass."""
    if leaks is None:
        return []
    waived = leaks[leaks["allowed_by"] == "splits.allow"]
    told = [
        f"{number} {LEAK_WORDS.get(kind, kind)} are in more than one split, which the parameter "
        f"splits.allow lets pass ({kind}): the scores are better than they would be without."
        for kind, number in waived["kind"].value_counts(sort=False).items()
    ]
    if len(waived) < len(leaks):
        told.append(
            "There were fewer than three videos with speech, so dialogues are held out within a "
            "video: training has heard these voices and seen these rooms, and the scores are "
            "better than they would be on new videos."
        )
    return told


def _stale(catalog: DataCatalog) -> list[str]:
    """Which of what is shown is older than what it was made from."""
    from msc_kedro.descent import stale_among

    shown = [*_TABLES, *_REJECTS, "loss_history", "text_metrics", "spoken_replies"]
    return [
        f"'{name}' was made from an earlier '{ancestor}' than is shown here."
        for name, ancestor in sorted(stale_among(catalog, shown).items())
    ]


def _features(catalog: DataCatalog) -> Iterator[Features]:
    """What the encoders gave, by utterance."""
    for name, of in _FEATURES.items():
        if (shards := _load(catalog, name)) is not None:
            yield Features(of, shards.encoder, shards.width, shards.lengths())


def _clips(
    tables: dict[str, pd.DataFrame | None], sound: dict[str, Path]
) -> dict[Stage, tuple[Clip, ...]]:
    """What each stage gives to listen to, with its sound."""
    utterances = tables["utterances"]
    if utterances is None or not sound:
        return {}
    heard = utterances[utterances["source_id"].isin(sound)]
    spans = heard.set_index("utterance_id")[["source_id", "start_s", "end_s"]]

    def with_sound(clip: Clip) -> Clip:
        source, start_s, end_s = spans.loc[clip.utterance_id]
        return replace(clip, audio=_audio(sound[source], start_s, min(end_s, start_s + _CLIP_S)))

    chosen = choose_clips(heard, tables["speakers"], tables["voice"])
    return {stage: tuple(map(with_sound, clips)) for stage, clips in chosen.items()}


def _examples(
    catalog: DataCatalog, tables: dict[str, pd.DataFrame | None], sound: dict[str, Path]
) -> tuple[Example, ...]:
    replies, utterances = tables["replies"], tables["utterances"]
    if replies is None or utterances is None or not len(replies):
        return ()
    if not set(replies["utterance_id"]) <= set(utterances["utterance_id"]):
        return ()  # utterances were cut anew since; evaluate has yet to follow
    chosen = choose_examples(
        replies, utterances, tables["speakers"], tables["voice"], speech=tables["speech"]
    )
    spoken = _load(catalog, "spoken_replies") or {}
    spans = utterances.set_index("utterance_id")[["source_id", "start_s", "end_s"]]
    paths = {}
    if tables["sources"] is not None:
        seen = tables["sources"][tables["sources"]["has_video"]]
        paths = dict(zip(seen["source_id"], seen["path"], strict=True))
    ready = []
    for example in chosen:
        source, start_s, end_s = spans.loc[example.utterance_id]
        ready.append(
            replace(
                example,
                reply_audio=_audio(spoken.get(example.utterance_id), 0.0, 3600.0),
                reference_audio=_audio(sound.get(source), start_s, end_s),
                stills=_stills(catalog, paths, example, utterances),
            )
        )
    return tuple(ready)


def _audio(path: Path | None, start_s: float, end_s: float) -> Any:
    from msc_kedro.media.sound import read_span

    if path is None:
        return None
    samples, rate = read_span(path, start_s, end_s)
    return encode_audio(samples, rate) if samples.size else None


def _stills(
    catalog: DataCatalog, paths: dict[str, str], example: Example, utterances: pd.DataFrame
) -> tuple[bytes, ...]:
    """A picture from the middle of each of the last turns before the reply."""
    turns = utterances[utterances["dialogue_id"] == example.dialogue_id].sort_values("turn")
    place = list(turns["utterance_id"]).index(example.utterance_id)
    before = turns.iloc[max(0, place - _STILLS) : place]
    stills: list[bytes] = []
    for source, part in before[before["source_id"].isin(paths)].groupby("source_id", sort=False):
        middles = ((part["start_s"] + part["end_s"]) / 2).tolist()
        try:
            stills += _pictures(catalog.load("corpus").path(paths[source]), middles)
        except (UnreadableMediaError, FileNotFoundError):
            continue
    return tuple(stills)


def _pictures(video: Path, times_s: Sequence[float]) -> tuple[bytes, ...]:
    import cv2

    from msc_kedro.media.pictures import read_frames

    frames = dict(read_frames(video, times_s, short_side=_STILL_PIXELS))
    encoded = []
    for index in range(len(times_s)):
        bgr = cv2.cvtColor(frames[index], cv2.COLOR_RGB2BGR)
        encoded.append(cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, 80])[1].tobytes())
    return tuple(encoded)
