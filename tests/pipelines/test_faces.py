"""The node that looks for faces: what it gives where there is nothing to see, and what is kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from made_media import WHITE, Sound, steady, tone, write_media

from msc_kedro.corpora.folder import Corpus
from msc_kedro.media.probe import probe
from msc_kedro.media.sound import flac_bytes
from msc_kedro.models.opener import Opener
from msc_kedro.pipelines.parameters import EngineParameters
from msc_kedro.pipelines.speaker_assign.faces import _shots, find_faces
from msc_kedro.pipelines.speaker_assign.parameters import FacesParameters
from msc_kedro.tables import empty, schema

ENGINE = EngineParameters(threads=1, shard_utterances=8)
NEVER = Opener.of("none.such", {}, {}, fingerprint="none")
TOY = Opener.of("toy_faces.ToyDetector", {}, {}, fingerprint="toy")
TOY_METHOD = Opener.of("toy_faces.LeftSpeaks", {}, {}, fingerprint="left")


def faces(method: str | None) -> FacesParameters:
    return FacesParameters(
        method=method,  # type: ignore[arg-type]
        frames_per_s=5,
        min_face_px=10,
        max_gap_s=0.6,
        min_score=None,
    )


@pytest.fixture
def made(tmp_path: Path) -> dict[str, Any]:
    """A video, a sound file, and a turn of which there is only text."""
    folder = tmp_path / "films"
    folder.mkdir()
    sound = Sound(tone(4))
    pictures = steady([WHITE, WHITE], each_s=2)
    write_media(folder / "film.mp4", pictures=pictures, sound=sound, size=(160, 120))
    write_media(folder / "talk.m4a", sound=sound)
    corpus = Corpus(folder)
    sources = pd.DataFrame(
        [{"source_id": p.stem, "path": p.name, **vars(probe(p))} for p in corpus.files()]
    )
    heard = tmp_path / "sound.flac"
    heard.write_bytes(flac_bytes(tone(4)))
    utterances = pd.DataFrame(
        [
            ("u1", "d1", None, "film", 0.5, 1.5, 0),
            ("u2", "d1", None, "film", 1.5, 3.0, 1),
            ("u3", "d2", None, "talk", 0.5, 1.5, 0),
            ("u4", "d3", "turn", None, None, None, 0),
        ],
        columns="utterance_id dialogue_id name source_id start_s end_s turn".split(),
    )
    dialogues = pd.DataFrame(
        [("d1", "film", 0.0, 4.0), ("d2", "talk", 0.0, 4.0), ("d3", None, None, None)],
        columns="dialogue_id source_id start_s end_s".split(),
    )
    scenes = pd.DataFrame(
        [("film", 0.0, 2.0), ("film", 2.0, 4.0), ("talk", 0.0, 4.0)],
        columns="source_id start_s end_s".split(),
    )
    return {
        "utterances": utterances,
        "dialogues": dialogues,
        "sources": sources,
        "scenes": scenes,
        "corpus": corpus,
        "sounds": {"film": heard, "talk": heard},
        "face_detector": TOY,
        "active_speaker": TOY_METHOD,
        "work": tmp_path / "work",
        "parameters": faces("light_asd"),
        "engine": ENGINE,
    }


def test_off_gives_empty_tables_and_opens_nothing(made: dict[str, Any]) -> None:
    off = {"parameters": faces(None), "face_detector": NEVER, "active_speaker": NEVER}
    tracks, speaking = find_faces(**{**made, **off})
    assert len(tracks) == len(speaking) == 0
    schema("face_tracks").validate(tracks)
    schema("speaking_faces").validate(speaking)
    assert not made["work"].exists()


def test_each_utterance_has_a_row_or_a_row_per_shot(made: dict[str, Any]) -> None:
    tracks, speaking = find_faces(**made)
    schema("face_tracks").validate(tracks)
    schema("speaking_faces").validate(speaking)
    assert list(speaking["utterance_id"]) == ["u1", "u2", "u2", "u3", "u4"]
    assert speaking["reason"].astype(object).where(speaking["reason"].notna(), None).tolist() == [
        *(None, None, None),
        *("no pictures", "no media"),
    ]
    first, second = dict.fromkeys(tracks["track"])
    assert first == "film-00000020-0" and second == "film-00002020-1"
    assert speaking["track"].tolist()[:3] == [first, first, second]
    assert set(speaking["track"].dropna()) <= set(tracks["track"])


def test_what_was_looked_at_is_kept(made: dict[str, Any]) -> None:
    before = find_faces(**made)
    (made["corpus"].folder / "film.mp4").unlink()
    again = find_faces(**made)
    for one, other in zip(before, again, strict=True):
        pd.testing.assert_frame_equal(one, other)


def test_mouth_motion_opens_no_weights_but_the_detector(made: dict[str, Any]) -> None:
    chosen = {"parameters": faces("mouth_motion"), "active_speaker": NEVER}
    _, speaking = find_faces(**{**made, **chosen})
    assert speaking["reason"].tolist()[:3] == ["not sure"] * 3  # a picture that stays the same


def test_pictures_that_cannot_be_decoded(
    made: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    (made["corpus"].folder / "film.mp4").write_text("gone bad since it was looked at")
    tracks, speaking = find_faces(**made)
    schema("face_tracks").validate(tracks)
    assert len(tracks) == 0 and "film.mp4" in caplog.text
    assert speaking["reason"].tolist()[:2] == ["no pictures"] * 2


def test_clips_in_which_no_cuts_were_looked_for(
    made: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    find_faces(**{**made, "scenes": empty("scenes")})
    assert "ingest.scenes_of_clips=true" in caplog.text


def test_shots_are_scenes_where_somebody_talks() -> None:
    dialogues = pd.DataFrame(
        [("s", 1.0, 3.0), ("s", 2.5, 4.0), ("other", 0.0, 9.0), ("s", 8.0, 9.0)],
        columns="source_id start_s end_s".split(),
    )
    scenes = pd.DataFrame(
        [("s", 0.0, 2.0), ("s", 2.0, 6.0), ("s", 6.0, 10.0)],
        columns="source_id start_s end_s".split(),
    )
    said = [("u", 3.5, 4.5)]
    assert _shots("s", said, dialogues, scenes) == [(1.0, 2.0), (2.0, 4.5), (8.0, 9.0)]
