"""One run on every kind of file: what each became."""

from __future__ import annotations

import html

import pandas as pd
import pytest
from bad_input.conftest import FILMS, STRANGE, Done

from msc_kedro.tables import schema

pytestmark = pytest.mark.real

PRINTED = "caf\\xe9.mp4"  # how the name that is not UTF-8 is shown


@pytest.fixture(scope="module")
def sources(done: Done) -> pd.DataFrame:
    return schema("sources").validate(done.project.table("sources")).set_index("path")


def words_of(done: Done, path: str) -> str:
    """All that was understood in a source, in lower case."""
    sources, utterances = done.project.table("sources"), done.project.table("utterances")
    (identity,) = sources.loc[sources["path"] == path, "source_id"]
    said = utterances[utterances["source_id"] == identity].sort_values("start_s")
    return " ".join(said["text"]).lower()


def test_every_file_is_accounted_for(done: Done, sources: pd.DataFrame) -> None:
    rejected = done.project.rejects("ingest_rejects")
    files = {path.name for path in (done.project.folder / FILMS).iterdir()}
    named = {name for name in files if name.isprintable()} | {PRINTED}
    assert {*sources.index, *rejected} == named
    # A file that was cut off is used as far as it goes, and listed for the rest.
    assert {*sources.index} & {*rejected} == {"cut, index first.mp4"}


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("text.mp4", "cannot be opened as media: it is cut off, or no media at all"),
        ("noise.webm", "cannot be opened as media"),
        ("nothing.mkv", "cannot be opened as media"),
        ("cut, index last.mp4", "cannot be opened as media: it is cut off"),
        ("mute.mp4", "it has no sound"),
        ("no samples.wav", "there is nothing in it"),
        ("the same.mp4", f"its content is the same as that of {STRANGE}"),
        (PRINTED, "its name is not in UTF-8"),
    ],
)
def test_files_of_no_use_have_a_reason(done: Done, name: str, reason: str) -> None:
    found = done.project.rejects("ingest_rejects")[name]
    assert reason in found
    assert str(done.project.folder) not in found  # the table is the same on every machine


def test_a_file_that_was_cut_off_is_used_as_far_as_it_goes(
    done: Done, sources: pd.DataFrame
) -> None:
    whole, cut = sources.loc[STRANGE, "duration_s"], sources.loc["cut, index first.mp4"]
    assert 0.4 * whole < cut["duration_s"] < 0.9 * whole
    reason = done.project.rejects("ingest_rejects")["cut, index first.mp4"]
    assert reason == (
        f"it is cut off: of its length only {cut['duration_s']:.1f} s of {whole:.1f} s are there"
    )
    assert "weather" in words_of(done, "cut, index first.mp4")
    scenes = done.project.table("scenes").groupby("source_id")["end_s"].max()
    assert scenes[cut["source_id"]] == cut["duration_s"]


@pytest.mark.parametrize(
    ("path", "word"),
    [
        (STRANGE, "river"),
        ("uneven.mp4", "kitchen"),
        ("surround.mp4", "kitchen"),
        ("sound alone.mp4", "hospital"),
        ("plain.wav", "morning"),
        ("blind.mp4", "river"),
    ],
)
def test_peculiar_files_are_understood(done: Done, path: str, word: str) -> None:
    assert word in words_of(done, path)


def test_what_the_files_hold(sources: pd.DataFrame) -> None:
    for path in ("sound alone.mp4", "plain.wav"):
        assert not sources.loc[path, "has_video"] and sources.loc[path, "width"] == 0
    assert sources.loc["surround.mp4", "channels"] == 6
    assert sources.loc["uneven.mp4", "fps"] < 20  # on average


def test_variable_rate_keeps_the_clock(done: Done, sources: pd.DataFrame) -> None:
    """The one cut of the film lies where its colour changes, by time and not by frame number."""
    scenes = done.project.table("scenes")
    own = scenes[scenes["source_id"] == sources.loc["uneven.mp4", "source_id"]]
    assert len(own) == 2
    half = sources.loc["uneven.mp4", "duration_s"] / 2
    assert own["end_s"].min() == pytest.approx(half, abs=0.35)  # a picture comes every 0.31 s


def test_where_nobody_speaks(done: Done, sources: pd.DataFrame) -> None:
    silent = done.project.rejects("silent_sources")
    assert silent == dict.fromkeys(["silence.mp4", "music.mp4"], "no speech was found in it")
    spans = done.project.table("dialogue_spans")
    assert set(spans["source_id"]) == set(sources["source_id"].drop([*silent]))


def test_pictures_that_nothing_decodes(done: Done) -> None:
    found = done.project.rejects("scene_rejects")
    assert found == {"blind.mp4": "none of its pictures can be decoded"}


def test_the_report_lists_what_was_left_out(done: Done) -> None:
    page = (done.project.folder / f"data/08_reporting/{FILMS}/embedded/report.html").read_text()
    tables = ("ingest_rejects", "silent_sources", "scene_rejects")
    reasons = {reason for name in tables for reason in done.project.rejects(name).values()}
    assert len(reasons) >= 8
    for told in (*reasons, "mute.mp4", "silence.mp4", "blind.mp4", "cut, index first.mp4"):
        assert told in html.unescape(page), told


def test_nothing_else_is_on_the_terminal(done: Done) -> None:
    """FFmpeg and PySceneDetect complain of every damaged file; the tables say it better."""
    assert "moov atom" not in done.output and "Failed to decode" not in done.output
    assert "Error" not in done.output and "Traceback" not in done.output
