"""Nodes of ingest, on files made here."""

from __future__ import annotations

import json
import logging
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from made_media import BLACK, RED, Sound, steady, tone, write_media

from msc_kedro.corpora.folder import Corpus
from msc_kedro.errors import MscKedroError
from msc_kedro.media.probe import content_id
from msc_kedro.models.opener import Opener
from msc_kedro.pipelines.ingest.dialogues import (
    draw_contact_sheets,
    find_dialogues,
    propose_dialogues,
)
from msc_kedro.pipelines.ingest.nodes import find_scenes, read_annotations, read_sources
from msc_kedro.pipelines.ingest.parameters import IngestParameters
from msc_kedro.pipelines.parameters import CorpusParameters, EngineParameters
from msc_kedro.pipelines.rejects import refuse_if_too_many, rejects_table
from msc_kedro.tables import empty, schema

NEVER = Opener.of("none.such", {}, {}, fingerprint="none")
INGEST = IngestParameters(
    scene_threshold=27.0,
    min_scene_s=0.6,
    scenes_of_clips=False,
    max_pause_s=8.0,
    max_dialogue_s=120.0,
    min_change_pause_s=1.0,
    people_distance=0.5,
)
ENGINE = EngineParameters(threads=2, shard_utterances=8)
NOTHING_WRITTEN = empty("annotated_dialogues"), empty("annotations")
DETECTOR = Opener.of("msc_kedro.listening.activity.SpeechDetector", {}, {}, fingerprint="none")


def parameters(share: float = 0.5) -> CorpusParameters:
    return CorpusParameters(kind="own", folder="unused", max_rejected_share=share)


def read(
    corpus: Corpus, work: Path, wanted: CorpusParameters
) -> tuple[pd.DataFrame, dict[str, Path], pd.DataFrame]:
    """`read_sources` of own videos."""
    return read_sources(corpus, *NOTHING_WRITTEN, work, wanted, ENGINE)


def propose(
    sources: pd.DataFrame,
    sounds: dict[str, Path],
    corpus: Corpus,
    *,
    detector: Any = DETECTOR,
    encoder: Any = NEVER,
    **changed: Any,
) -> pd.DataFrame:
    """`propose_dialogues` of own videos."""
    work = corpus.folder.parent / "work"
    wanted = INGEST.model_copy(update=changed)
    scenes, _ = find_scenes(sources, *NOTHING_WRITTEN, corpus, work, wanted, ENGINE)
    openers = detector, encoder
    tables = sources, NOTHING_WRITTEN[0], sounds, scenes
    return propose_dialogues(*tables, corpus, *openers, work, wanted, ENGINE)


def find(
    sources: pd.DataFrame, sounds: dict[str, Path], corpus: Corpus
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """`propose_dialogues` and `find_dialogues` of own videos."""
    proposed = propose(sources, sounds, corpus)
    return find_dialogues(sources, *NOTHING_WRITTEN, proposed, corpus)


@pytest.fixture
def corpus(tmp_path: Path) -> Corpus:
    folder = tmp_path / "films"
    (folder / "deep er").mkdir(parents=True)
    pictures = steady([RED, BLACK], each_s=1)
    for index, name in enumerate(["a.mp4", "deep er/b's film.mkv", "c.mp4"]):
        sound = Sound(tone(2, hz=300 + 100 * index))
        write_media(folder / name, pictures=pictures, sound=sound)
    return Corpus(folder)


def test_good_files_are_sources_and_others_have_a_reason(corpus: Corpus, tmp_path: Path) -> None:
    write_media(corpus.folder / "mute.mp4", pictures=steady([RED], each_s=1))
    (corpus.folder / "text.mp4").write_text("Dear diary")
    shutil.copy(corpus.folder / "a.mp4", corpus.folder / "a copy.mp4")
    sources, sounds, rejects = read(corpus, tmp_path / "work", parameters())
    schema("sources").validate(sources)
    assert list(sources["path"]) == ["a copy.mp4", "c.mp4", "deep er/b's film.mkv"]
    assert list(sounds) == list(sources["source_id"])
    assert sources["source_id"].iloc[1] == content_id(corpus.folder / "c.mp4")
    assert all(path.is_file() for path in sounds.values())
    schema("rejects").validate(rejects)
    reasons = dict(zip(rejects["item_id"], rejects["reason"], strict=True))
    assert set(reasons) == {"mute.mp4", "text.mp4", "a.mp4"}
    assert "no sound" in reasons["mute.mp4"]
    assert reasons["a.mp4"] == "its content is the same as that of a copy.mp4"
    assert str(tmp_path) not in str(reasons)  # the table is the same on every machine


def test_sound_is_decoded_once(corpus: Corpus, tmp_path: Path) -> None:
    _, first, _ = read(corpus, tmp_path / "work", parameters())
    times = {path: path.stat().st_mtime_ns for path in first.values()}
    _, second, _ = read(corpus, tmp_path / "work", parameters())
    assert first == second
    assert times == {path: path.stat().st_mtime_ns for path in second.values()}


def test_too_many_bad_files_stop_the_run(corpus: Corpus, tmp_path: Path) -> None:
    for index in range(4):
        (corpus.folder / f"text{index}.mp4").write_text("Dear diary")
    with pytest.raises(MscKedroError, match=r"4 of 7 files[\s\S]*text0[\s\S]*50%.*=0.58"):
        read(corpus, tmp_path / "work", parameters())
    assert len(read(corpus, tmp_path / "work", parameters(share=0.6))[0]) == 3


def test_not_one_good_file_stops_the_run_whatever_is_allowed(tmp_path: Path) -> None:
    (tmp_path / "text.mp4").write_text("Dear diary")
    with pytest.raises(MscKedroError, match="1 of 1 files of the corpus cannot be used:"):
        read(Corpus(tmp_path), tmp_path / "work", parameters(share=1.0))


def test_listed_dialogues(corpus: Corpus, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    sources, sounds, _ = read(corpus, tmp_path / "work", parameters())
    (corpus.folder / "dialogues.csv").write_text(
        "video,start,end\na.mp4,0.5,1\na.mp4,1.2,99\nc.mp4,50,60\ngone.mp4,0,1\n"
    )
    with caplog.at_level(logging.WARNING):
        dialogues, silent = find(sources, sounds, corpus)
    schema("dialogue_spans").validate(dialogues)
    duration_s = sources.set_index("path").loc["a.mp4", "duration_s"]
    spans = list(dialogues[["start_s", "end_s"]].itertuples(index=False, name=None))
    assert spans == [(0.5, 1.0), (1.2, duration_s)]
    schema("rejects").validate(silent)
    reasons = dict(zip(silent["item_id"], silent["reason"], strict=True))
    assert set(reasons) == {"gone.mp4", "c.mp4, 50 to 60 s", "c.mp4", "deep er/b's film.mkv"}
    assert "no video that can be used" in reasons["gone.mp4"]
    assert "after the video's end" in reasons["c.mp4, 50 to 60 s"]
    assert reasons["c.mp4"] == "dialogues.csv lists no dialogue of it that can be used"
    assert "2 entries of dialogues.csv" in caplog.text


def test_names_are_compared_as_systems_write_them(corpus: Corpus, tmp_path: Path) -> None:
    """A list from another system has composed accents and other slashes."""
    (corpus.folder / "a.mp4").rename(corpus.folder / "deep er" / "e\u0301te\u0301.mp4")
    sources, sounds, _ = read(corpus, tmp_path / "work", parameters())
    (corpus.folder / "dialogues.csv").write_text(
        "video,start,end\ndeep er\\\u00e9t\u00e9.mp4,0,1\n./c.mp4,0,1\n", encoding="utf-8"
    )
    dialogues, silent = find(sources, sounds, corpus)
    assert len(dialogues) == 2 and list(silent["item_id"]) == ["deep er/b's film.mkv"]


def test_a_list_of_nothing_that_is_there(corpus: Corpus, tmp_path: Path) -> None:
    sources, sounds, _ = read(corpus, tmp_path / "work", parameters())
    (corpus.folder / "dialogues.csv").write_text("video,start,end\nA.MP4,0,1\nc.mp4,50,60\n")
    with pytest.raises(MscKedroError, match=r"no dialogue that can be used") as caught:
        find(sources, sounds, corpus)
    for told in ("A.MP4: ", "c.mp4, 50 to 60 s: ", "are a.mp4, c.mp4,", "remove dialogues.csv"):
        assert told in str(caught.value)


def test_where_nobody_speaks(corpus: Corpus, tmp_path: Path) -> None:
    """The detector itself, on tones: there is no dialogue, and the tables still fit."""
    sources, sounds, _ = read(corpus, tmp_path / "work", parameters())
    dialogues, silent = find(sources, sounds, corpus)
    assert dialogues.empty and list(dialogues.columns) == list(schema("dialogue_spans").columns)
    assert set(silent["item_id"]) == set(sources["path"])


@pytest.fixture
def talks(tmp_path: Path) -> Corpus:
    """Three films of two talks each, of two people each: tones of a second, a cut every second,
    and a longer pause between the talks."""
    folder = tmp_path / "talks"
    folder.mkdir()
    pause = np.zeros(16_000 * 2, np.float32)
    first, second = (
        np.concatenate([tone(1, hz=hz) for hz in voices * 6]) for voices in ([200, 300], [400, 500])
    )
    pictures = steady([RED, BLACK] * 13, each_s=1)
    for name, level in (("a film.mp4", 1.0), ("b.mp4", 0.9), ("c.mp4", 0.8)):
        sound = Sound(level * np.concatenate([first, pause, second]))
        write_media(folder / name, pictures=pictures, sound=sound)
    return Corpus(folder)


def loud(samples: np.ndarray) -> list[tuple[float, float]]:
    """Where `talks` are not silent, second by second."""
    seconds = samples[: len(samples) // 16_000 * 16_000].reshape(-1, 16_000)
    return [(n + 0.01, n + 0.99) for n, one in enumerate(seconds) if np.abs(one).mean() > 0.1]


def pitch_direction(samples: np.ndarray) -> np.ndarray:
    hz = np.count_nonzero(np.diff(np.signbit(samples))) / 2 / len(samples) * 16_000
    return np.eye(8)[round(hz / 100)]


def opener(call: Any) -> Any:
    return SimpleNamespace(name=call.__name__, open=lambda: call)


def test_other_people_begin_another_dialogue(
    talks: Corpus, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    sources, sounds, _ = read(talks, tmp_path / "work", parameters())
    models = {"detector": opener(loud), "encoder": opener(pitch_direction)}
    with caplog.at_level(logging.INFO):
        proposed = propose(sources, sounds, talks, **models)
    assert list(proposed["video"]) == [name for name in sources["path"] for _ in range(2)]
    assert list(proposed["start"]) == [0.0, 13.0] * 3  # at the cut in the pause
    assert "copy dialogues_proposed.csv as dialogues.csv into" in caplog.text
    assert len(propose(sources, sounds, talks, **models, people_distance=None)) == 3
    assert len(propose(sources, sounds, talks, **models, min_change_pause_s=2.5)) == 3


def test_a_proposal_is_a_list_to_correct(talks: Corpus, tmp_path: Path) -> None:
    """Copied into the folder as it is, it gives the same dialogues."""
    sources, sounds, _ = read(talks, tmp_path / "work", parameters())
    models = {"detector": opener(loud), "encoder": opener(pitch_direction)}
    proposed = propose(sources, sounds, talks, **models)
    first, _ = find_dialogues(sources, *NOTHING_WRITTEN, proposed, talks)
    assert len(first) == len(proposed) == 6
    proposed.to_csv(talks.folder / "dialogues.csv", index=False)
    again = propose(sources, sounds, talks, detector=NEVER)  # nothing is heard for it
    second, silent = find_dialogues(sources, *NOTHING_WRITTEN, again, talks)
    pd.testing.assert_frame_equal(first, second)
    assert again.empty and silent.empty


def test_contact_sheets(talks: Corpus, tmp_path: Path) -> None:
    sources, sounds, _ = read(talks, tmp_path / "work", parameters())
    models = {"detector": opener(loud), "encoder": opener(pitch_direction)}
    proposed = propose(sources, sounds, talks, **models)
    spans, _ = find_dialogues(sources, *NOTHING_WRITTEN, proposed, talks)
    work = tmp_path / "work"
    sheets = draw_contact_sheets(spans, sources, talks, work, ENGINE)
    assert list(sheets) == ["a-film.mp4", "b.mp4", "c.mp4"]
    assert sheets["a-film.mp4"].read_bytes().startswith(b"\xff\xd8")  # JPEG
    again = draw_contact_sheets(spans.iloc[::-1], sources, talks, work, ENGINE)
    assert again == sheets
    assert draw_contact_sheets(spans.iloc[:0], sources, talks, work, ENGINE) == {}


def test_dialogues_of_a_published_list_in_own_copies(corpus: Corpus, tmp_path: Path) -> None:
    """MSC: spans of videos, some of which are missing or too short."""
    lists = {"A.mp4": [[0.2, 0.9], [1.0, 99.0], [50, 60]], "gone.mp4": [[1.0, 2.0]]}
    (corpus.folder / "timestamp.json").write_text(json.dumps(lists))
    for split, numbers in {"train": [0, 3], "valid": [1], "test": [2]}.items():
        names = dict.fromkeys(map(str, numbers), "x")
        (corpus.folder / f"{split}_dictionary.json").write_text(json.dumps(names))
    block = CorpusParameters(kind="msc", folder="unused", max_rejected_share=0.5)
    written = read_annotations(corpus, block)
    for name, table in zip(("annotated_dialogues", "annotations", "corpus_defects"), written,
                           strict=True):  # fmt: skip
        schema(name).validate(table)  # type: ignore[arg-type]
    sources, *_ = read_sources(corpus, *written[:2], tmp_path / "work", block, ENGINE)
    assert list(sources["path"]) == ["a.mp4"]  # only what the list names
    nothing = pd.DataFrame([], columns=["video", "start", "end"])
    spans, rejects = find_dialogues(sources, *written[:2], nothing, corpus)
    schema("dialogue_spans").validate(spans)
    assert list(spans["name"]) == ["dia0", "dia1"]
    assert list(spans["end_s"]) == [0.9, sources["duration_s"].iloc[0]]
    assert list(spans["published_split"]) == ["train", "valid"]
    assert set(spans["group"]) == {"A.mp4"} and spans["source_id"].notna().all()
    assert dict(zip(rejects["item_id"], rejects["reason"], strict=True)) == {
        "dia2": "it is listed after its video's end",
        "dia3": "its video is missing, or cannot be used",
    }


def test_rejects() -> None:
    refuse_if_too_many([], of=0, share=0.5, what="files")
    refuse_if_too_many([("a", "ingest", "why")], of=2, share=0.5, what="files")
    many = [(str(index), "ingest", "why") for index in range(8)]
    with pytest.raises(MscKedroError, match=r"and 3 more\nThat is more"):
        refuse_if_too_many(many, of=9, share=0.5, what="files")
    refuse_if_too_many(many, of=9, share=0.89, what="files")  # as the message says
    table = rejects_table([])
    assert list(table.columns) == list(schema("rejects").columns)
    assert isinstance(table, pd.DataFrame) and len(schema("rejects").validate(table)) == 0


def test_scenes_of_clips_only_where_they_are_asked_for(talks: Corpus, tmp_path: Path) -> None:
    """A film that a dialogue is a span of is always cut."""
    sources, *_ = read(talks, tmp_path / "work", parameters())
    span = {"name": "dia", "path": "a film.mp4", "start_s": 0.0, "end_s": 5.0, "group": "g"}
    turns = pd.DataFrame({"path": ["a film.mp4", "b.mp4", None]})
    written = pd.DataFrame([span]), turns
    names = dict(zip(sources["source_id"], sources["path"], strict=True))
    for asked, expected in (
        (False, {"a film.mp4", "c.mp4"}),
        (True, {"a film.mp4", "b.mp4", "c.mp4"}),
    ):
        wanted = INGEST.model_copy(update={"scenes_of_clips": asked})
        scenes, rejects = find_scenes(sources, *written, talks, tmp_path / "work", wanted, ENGINE)
        schema("scenes").validate(scenes)
        assert {names[source] for source in scenes["source_id"]} == expected
        assert len(scenes) == 26 * len(expected) and rejects.empty
