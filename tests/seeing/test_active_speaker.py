"""One pass over a video: shots, stretches, what is cut out and what is said of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from made_media import BLACK, WHITE, Colour, Sound, steady, tone, write_media
from toy_faces import LeftSpeaks, ToyDetector

from msc_kedro.media.sound import flac_bytes
from msc_kedro.seeing.active_speaker import SourceFaces, find_speaking_faces
from msc_kedro.seeing.speaking import FaceSettings

GREY = (128, 128, 128)
SETTINGS = FaceSettings(frames_per_s=5, min_face_px=10, max_gap_s=0.6, min_score=None)
SIZE = (160, 120)


def looked(
    folder: Path,
    colours: list[Colour],
    said: list[tuple[str, float, float]],
    *,
    shots: list[tuple[float, float]] | None = None,
    settings: FaceSettings = SETTINGS,
    sound: bool = True,
    method: LeftSpeaks | None = None,
    fps: float = 25,
) -> SourceFaces:
    """Faces of a video of colours of two seconds each."""
    length = 2 * len(colours)
    video = write_media(
        folder / "film.mp4",
        pictures=steady(colours, each_s=2, fps=fps),
        sound=Sound(tone(length)),
        size=SIZE,
        fps=fps,
    )
    heard = folder / "film.flac"
    heard.write_bytes(flac_bytes(tone(length)))
    return find_speaking_faces(
        video,
        heard if sound else None,
        said,
        size=SIZE,
        shots=shots or [(0.0, length)],
        detector=ToyDetector(),  # type: ignore[arg-type]
        method=method or LeftSpeaks(),
        settings=settings,
    )


def test_the_best_of_two_faces_by_how_much(tmp_path: Path) -> None:
    (one,) = looked(tmp_path, [GREY], [("u", 0.5, 1.5)]).speaking
    assert (one.utterance_id, one.start_s, one.end_s) == ("u", 0.5, 1.5)
    assert (one.track, one.faces, one.reason) == (0, 2, None)
    assert one.score == pytest.approx(0.4) and one.margin == pytest.approx(0.2)


def test_one_face_is_not_the_speaker_for_being_alone(tmp_path: Path) -> None:
    sure = FaceSettings(frames_per_s=5, min_face_px=10, max_gap_s=0.6, min_score=0.5)
    (one,) = looked(tmp_path, [WHITE], [("u", 0.5, 1.5)], settings=sure).speaking
    assert one.track is None and one.reason == "not sure"
    assert one.score == pytest.approx(0.4) and one.margin is None and one.faces == 1


def test_sound_and_pictures_are_of_one_stretch(tmp_path: Path) -> None:
    method = LeftSpeaks()
    looked(tmp_path, [WHITE], [("u", 0.4, 1.6)], method=method)
    assert method.asked == [(30, 30 * 640)]


@pytest.mark.parametrize("fps", [12, 25, 50])
def test_any_rate_gives_as_many_pictures(tmp_path: Path, fps: int) -> None:
    method = LeftSpeaks()
    found = looked(tmp_path, [WHITE], [("u", 0.0, 2.0)], method=method, fps=fps)
    assert method.asked == [(50, 50 * 640)]
    assert [box.time_s for box in found.boxes][:3] == [0.02, 0.22, 0.42]


def test_a_cut_ends_a_track_though_the_face_stays(tmp_path: Path) -> None:
    shots = [(0.0, 2.0), (2.0, 4.0)]
    found = looked(tmp_path, [WHITE, WHITE], [("u", 1.0, 3.0)], shots=shots)
    assert [(one.start_s, one.end_s, one.track) for one in found.speaking] == [
        (1.0, 2.0, 0),
        (2.0, 3.0, 1),
    ]
    for box in found.boxes:
        assert box.track == (0 if box.time_s < 2 else 1)


def test_a_shot_without_a_face(tmp_path: Path) -> None:
    shots = [(0.0, 2.0), (2.0, 4.0)]
    said = [("a", 0.0, 1.0), ("b", 2.5, 3.5)]
    found = looked(tmp_path, [BLACK, WHITE], said, shots=shots)
    assert [(one.track, one.reason) for one in found.speaking] == [(None, "no face"), (0, None)]


def test_a_face_below_the_least_size(tmp_path: Path) -> None:
    large = FaceSettings(frames_per_s=5, min_face_px=60, max_gap_s=0.6, min_score=None)
    found = looked(tmp_path, [WHITE], [("u", 0.0, 2.0)], settings=large)
    assert found.boxes == ()
    assert found.speaking[0].reason == "faces too small"


def test_of_two_faces_the_small_one_is_left_out(tmp_path: Path) -> None:
    some = FaceSettings(frames_per_s=5, min_face_px=30, max_gap_s=0.6, min_score=None)
    found = looked(tmp_path, [GREY], [("u", 0.0, 2.0)], settings=some)
    assert {box.track for box in found.boxes} == {0} and found.speaking[0].faces == 1


def test_without_sound_and_without_time(tmp_path: Path) -> None:
    said = [("long", 0.0, 1.5), ("short", 1.5, 1.7)]
    found = looked(tmp_path, [WHITE], said, sound=False)
    assert [one.reason for one in found.speaking] == ["no sound", "too short"]


def test_a_gap_is_filled_and_says_so(tmp_path: Path) -> None:
    wide = FaceSettings(frames_per_s=5, min_face_px=10, max_gap_s=2.5, min_score=None)
    method = LeftSpeaks()
    found = looked(tmp_path, [WHITE, BLACK, WHITE], [("u", 1.0, 5.0)], settings=wide, method=method)
    assert {box.track for box in found.boxes} == {0}
    filled = [box.time_s for box in found.boxes if not box.seen]
    assert filled and min(filled) > 2.0 - 0.2 and max(filled) < 4.0 + 0.2
    assert np.allclose(np.diff([box.time_s for box in found.boxes]), 0.2, atol=0.05)
    assert method.asked == [(100, 100 * 640)]


def test_nothing_is_looked_at_outside_the_shots(tmp_path: Path) -> None:
    found = looked(tmp_path, [WHITE, WHITE], [("u", 0.5, 1.5)], shots=[(0.4, 1.6)])
    assert all(0.4 <= box.time_s <= 1.6 for box in found.boxes)


def test_boxes_are_in_pixels_of_the_source(tmp_path: Path) -> None:
    found = looked(tmp_path, [WHITE], [("u", 0.0, 2.0)])
    assert (found.boxes[0].x, found.boxes[0].w) == (20.0, 40.0)  # it is decoded at its own size
