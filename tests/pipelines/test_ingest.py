"""Nodes of ingest, on files made here."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path

import pandas as pd
import pytest
from made_media import BLACK, RED, Sound, steady, tone, write_media

from msc_kedro.corpora.folder import Corpus
from msc_kedro.errors import MscKedroError
from msc_kedro.media.probe import content_id
from msc_kedro.models.opener import Opener
from msc_kedro.pipelines.ingest.nodes import find_dialogues, read_sources
from msc_kedro.pipelines.ingest.parameters import IngestParameters
from msc_kedro.pipelines.parameters import CorpusParameters
from msc_kedro.pipelines.rejects import refuse_if_too_many, rejects_table
from msc_kedro.tables import schema

INGEST = IngestParameters(max_pause_s=8.0, max_dialogue_s=120.0)
DETECTOR = Opener.of("msc_kedro.listening.activity.SpeechDetector", {}, {}, fingerprint="none")


def parameters(share: float = 0.5) -> CorpusParameters:
    return CorpusParameters(folder="unused", max_rejected_share=share)


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
    sources, sounds, rejects = read_sources(corpus, tmp_path / "work", parameters())
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
    _, first, _ = read_sources(corpus, tmp_path / "work", parameters())
    times = {path: path.stat().st_mtime_ns for path in first.values()}
    _, second, _ = read_sources(corpus, tmp_path / "work", parameters())
    assert first == second
    assert times == {path: path.stat().st_mtime_ns for path in second.values()}


def test_too_many_bad_files_stop_the_run(corpus: Corpus, tmp_path: Path) -> None:
    for index in range(4):
        (corpus.folder / f"text{index}.mp4").write_text("Dear diary")
    with pytest.raises(MscKedroError, match=r"4 of 7 files[\s\S]*text0[\s\S]*50%.*=0.58"):
        read_sources(corpus, tmp_path / "work", parameters())
    assert len(read_sources(corpus, tmp_path / "work", parameters(share=0.6))[0]) == 3


def test_not_one_good_file_stops_the_run_whatever_is_allowed(tmp_path: Path) -> None:
    (tmp_path / "text.mp4").write_text("Dear diary")
    with pytest.raises(MscKedroError, match="1 of 1 files of the corpus cannot be used:"):
        read_sources(Corpus(tmp_path), tmp_path / "work", parameters(share=1.0))


def test_listed_dialogues(corpus: Corpus, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    sources, sounds, _ = read_sources(corpus, tmp_path / "work", parameters())
    (corpus.folder / "dialogues.csv").write_text(
        "video,start,end\na.mp4,0.5,1\na.mp4,1.2,99\nc.mp4,50,60\ngone.mp4,0,1\n"
    )
    with caplog.at_level(logging.WARNING):
        dialogues, silent = find_dialogues(sources, sounds, corpus, DETECTOR, INGEST)
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
    sources, sounds, _ = read_sources(corpus, tmp_path / "work", parameters())
    (corpus.folder / "dialogues.csv").write_text(
        "video,start,end\ndeep er\\\u00e9t\u00e9.mp4,0,1\n./c.mp4,0,1\n", encoding="utf-8"
    )
    dialogues, silent = find_dialogues(sources, sounds, corpus, DETECTOR, INGEST)
    assert len(dialogues) == 2 and list(silent["item_id"]) == ["deep er/b's film.mkv"]


def test_a_list_of_nothing_that_is_there(corpus: Corpus, tmp_path: Path) -> None:
    sources, sounds, _ = read_sources(corpus, tmp_path / "work", parameters())
    (corpus.folder / "dialogues.csv").write_text("video,start,end\nA.MP4,0,1\nc.mp4,50,60\n")
    with pytest.raises(MscKedroError, match=r"no dialogue that can be used") as caught:
        find_dialogues(sources, sounds, corpus, DETECTOR, INGEST)
    for told in ("A.MP4: ", "c.mp4, 50 to 60 s: ", "are a.mp4, c.mp4,", "remove dialogues.csv"):
        assert told in str(caught.value)


def test_where_nobody_speaks(corpus: Corpus, tmp_path: Path) -> None:
    """The detector itself, on tones: there is no dialogue, and the tables still fit."""
    sources, sounds, _ = read_sources(corpus, tmp_path / "work", parameters())
    dialogues, silent = find_dialogues(sources, sounds, corpus, DETECTOR, INGEST)
    assert dialogues.empty and list(dialogues.columns) == list(schema("dialogue_spans").columns)
    assert set(silent["item_id"]) == set(sources["path"])


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
