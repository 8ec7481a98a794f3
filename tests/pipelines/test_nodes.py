"""Parts of the other nodes that need no model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from made_media import RED, WHITE, Sound, steady, tone, write_media

from msc_kedro.corpora.folder import Corpus
from msc_kedro.errors import MscKedroError
from msc_kedro.execution.ragged import Ragged, RaggedShards, write_shard
from msc_kedro.media.probe import probe
from msc_kedro.models.opener import Opener
from msc_kedro.pipelines.agents import feature_loader
from msc_kedro.pipelines.ingest.nodes import find_scenes
from msc_kedro.pipelines.ingest.parameters import IngestParameters
from msc_kedro.pipelines.parameters import (
    EngineParameters,
    SameVoiceParameters,
    SplitParameters,
)
from msc_kedro.pipelines.segment.nodes import hold_out, transcribe
from msc_kedro.pipelines.segment.parameters import SegmentParameters
from msc_kedro.pipelines.speaker_assign.leaks import check_splits
from msc_kedro.pipelines.speaker_assign.nodes import _letters
from msc_kedro.tables import empty, schema

CONF = Path(__file__).parents[2] / "conf" / "base"


def block(name: str) -> dict[str, Any]:
    return yaml.safe_load((CONF / f"parameters_{name}.yml").read_text(encoding="utf-8"))[name]


ENGINE = EngineParameters(threads=1, shard_utterances=8)
INGEST = IngestParameters(**block("ingest"))
NOTHING_WRITTEN = empty("annotated_dialogues"), empty("annotations")
SEGMENT = SegmentParameters(**block("segment"))
SAME_VOICE = SameVoiceParameters(distance=0.7, less_per_doubling=0.1, steepness=17.0)


def sources_of(corpus: Corpus) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {"source_id": path.stem, "path": path.name, **vars(probe(path))}
            for path in corpus.files()
        ]
    )


@pytest.fixture
def corpus(tmp_path: Path) -> Corpus:
    folder = tmp_path / "films"
    folder.mkdir()
    sound = Sound(tone(4))
    pictures = steady([RED, WHITE], each_s=2)
    write_media(
        folder / "film.mp4", pictures=pictures, sound=sound, options={"movflags": "faststart"}
    )
    write_media(folder / "talk.m4a", sound=sound)
    return Corpus(folder)


def test_scenes_cover_every_source(corpus: Corpus, tmp_path: Path) -> None:
    sources = sources_of(corpus)
    scenes, rejects = find_scenes(
        sources, *NOTHING_WRITTEN, corpus, tmp_path / "work", INGEST, ENGINE
    )
    schema("scenes").validate(scenes)
    assert len(rejects) == 0
    for source in sources.itertuples():
        found = scenes[scenes["source_id"] == source.source_id]
        edges = [*found["start_s"], source.duration_s]
        assert edges[0] == 0.0 and list(found["end_s"]) == edges[1:]
        assert len(found) == (2 if source.has_video else 1)


def test_pictures_that_cannot_be_decoded_are_one_scene(corpus: Corpus, tmp_path: Path) -> None:
    sources = sources_of(corpus)
    (corpus.folder / "film.mp4").write_text("gone bad since it was looked at")
    scenes, rejects = find_scenes(
        sources, *NOTHING_WRITTEN, corpus, tmp_path / "work", INGEST, ENGINE
    )
    assert len(scenes) == len(sources)
    assert list(rejects["item_id"]) == ["film.mp4"]
    assert "cannot be opened" in rejects["reason"].iloc[0]


def test_no_dialogue_is_said(corpus: Corpus, tmp_path: Path) -> None:
    asr = Opener.of("none.such", {}, {}, fingerprint="none")
    spans, annotations, scenes = map(empty, ("dialogue_spans", "annotations", "scenes"))  # type: ignore[arg-type]
    for sources, told in ((sources_of(corpus), "No speech was"), (empty("sources"), "not one is")):
        with pytest.raises(MscKedroError, match=told):
            transcribe(
                *(spans, annotations, sources, scenes, {}, asr, asr, asr),
                *(tmp_path, SEGMENT, SAME_VOICE, ENGINE),
            )


SPLITS = SplitParameters(
    published=False,
    train=0.6,
    valid=0.2,
    test=0.2,
    min_valid=0,
    min_test=0,
    seed=1,
    allow=(),
)


def held_out(turns: dict[str, list[int]]) -> pd.DataFrame:
    """`hold_out` of sources with dialogues of so many utterances, with the turns beside it."""
    spans = [
        (f"{source}-{place}", None, source, float(place), place + 1.0, source, None, count)
        for source, counts in turns.items()
        for place, count in enumerate(counts)
    ]
    known = pd.DataFrame(spans, columns=[*schema("dialogue_spans").columns, "turns"])
    heard = pd.DataFrame({"dialogue_id": known["dialogue_id"].repeat(known["turns"])})
    dialogues = hold_out(known.drop(columns="turns"), heard, SPLITS)
    schema("dialogues").validate(dialogues)
    return dialogues.merge(known[["dialogue_id", "turns"]], on="dialogue_id")


def test_held_out_by_source() -> None:
    dialogues = held_out({"a": [4, 3], "b": [2, 0, 5], "c": [3], "d": [1, 1]})
    assert "b-1" not in set(dialogues["dialogue_id"])  # nothing was said in it
    assert (dialogues.groupby("source_id")["split"].nunique() == 1).all()
    assert set(dialogues.loc[dialogues["turns"] > 1, "split"]) == {"train", "valid", "test"}
    assert set(dialogues.loc[dialogues["source_id"] == "d", "split"]) == {"train"}  # no reply


def test_held_out_within_few_sources(caplog: pytest.LogCaptureFixture) -> None:
    dialogues = held_out({"a": [4, 3, 2, 1], "b": [2]})
    assert set(dialogues.loc[dialogues["turns"] > 1, "split"]) == {"train", "valid", "test"}
    assert "Fewer than 3 videos" in caplog.text


def test_who_is_in_several_splits_within_few_sources() -> None:
    """It cannot be otherwise: the leaks are listed, and the run goes on."""
    dialogues = held_out({"a": [4, 3, 2, 1], "b": [2]}).drop(columns="turns")
    utterances = pd.DataFrame(
        {"dialogue_id": dialogues["dialogue_id"].repeat(2), "source_id": "a"}
    ).assign(utterance_id=lambda table: [str(n) for n in range(len(table))])
    speakers = utterances[["utterance_id"]].assign(person="person 1")
    sources = pd.DataFrame(
        {"source_id": ["a"], "path": ["a.mp4"], "sound_id": ["x"], "duration_s": [9.0]}
    )
    leaks = check_splits(dialogues, utterances, speakers, sources, SPLITS)
    schema("split_leaks").validate(leaks)
    assert dict(zip(leaks["kind"], leaks["item_id"], strict=True)) == {
        "same_source": "a.mp4",
        "same_speaker": "person 1",
    }
    assert set(leaks["allowed_by"]) == {"fewer than three videos"}


def test_no_split_was_published() -> None:
    spans = pd.DataFrame(
        [("a-1", None, "a", 0.0, 1.0, "a", None)], columns=list(schema("dialogue_spans").columns)
    )
    heard = pd.DataFrame({"dialogue_id": ["a-1"]})
    wanted = SPLITS.model_copy(update={"published": True})
    with pytest.raises(MscKedroError, match=r"no dialogue has one[\s\S]*splits.published=false"):
        hold_out(spans, heard, wanted)


def test_features_of_an_utterance(tmp_path: Path) -> None:
    def shards(name: str, *ids: str) -> RaggedShards:
        one = Ragged(np.ones((2, 3), np.float32), np.array([0.1, 0.4], np.float32))
        write_shard(tmp_path / name, dict.fromkeys(ids, one))
        return RaggedShards([tmp_path / name], encoder=name, width=3)

    load = feature_loader(shards("pictures", "a"), shards("sounds", "a", "b"))
    both, heard, none = load("a"), load("b"), load("c")
    assert both.video.shape == both.audio.shape == (2, 3)
    assert both.times_s.tolist() == pytest.approx([0.1, 0.4])
    assert heard.video is None and heard.times_s is None and heard.audio is not None
    assert none.video is None and none.audio is None


@pytest.mark.parametrize(
    ("label", "letters"), [(-1, "?"), (0, "A"), (25, "Z"), (26, "A2"), (52, "A3")]
)
def test_speakers_have_letters(label: int, letters: str) -> None:
    assert _letters(label) == letters
