"""Real faces in real videos: found, followed, and the one that speaks.

docs/faces.md has the figures of more stretches, by benchmarks/faces.py.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from msc_kedro.media.probe import probe
from msc_kedro.media.sound import flac_bytes, read_mono
from msc_kedro.seeing.active_speaker import SourceFaces, find_speaking_faces
from msc_kedro.seeing.faces import FaceDetector
from msc_kedro.seeing.light_asd import FILE, LightASD
from msc_kedro.seeing.mouth_motion import MouthMotion
from msc_kedro.seeing.speaking import FaceSettings, Method

pytestmark = pytest.mark.real

# A woman, another woman, both again, then two men of whom the one on the right speaks.
CUTS = [0.0, 4.08, 8.08, 12.08, 16.08, 24.8]
SETTINGS = FaceSettings(frames_per_s=5, min_face_px=32, max_gap_s=0.6, min_score=None)


@pytest.fixture(scope="module")
def real() -> Path:
    folder = os.environ.get("MSC_REAL_DATA")
    if not folder:
        pytest.skip("MSC_REAL_DATA is not set: no real recordings at hand")
    return Path(folder)


@pytest.fixture(scope="module")
def detector(model_folder: Callable[[str], Path]) -> FaceDetector:
    return FaceDetector(model_folder("face_detector"))


@pytest.fixture(scope="module")
def looked(
    real: Path, detector: FaceDetector, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str, list[float], Method], SourceFaces]:
    """Faces of a clip, an utterance from each time to the next, of so many seconds at the most;
    shots alike in the composite."""

    def look(name: str, edges: list[float], method: Method, longest_s: float = 10.0) -> SourceFaces:
        video = real / "video" / f"{name}.mp4"
        info = probe(video)
        sound = tmp_path_factory.mktemp("sound") / "sound.flac"
        sound.write_bytes(flac_bytes(read_mono(video)))
        spans = list(pairwise(edges))
        return find_speaking_faces(
            video,
            sound,
            [(f"{name} {start}", max(start, end - longest_s), end) for start, end in spans],
            size=(info.width, info.height),
            shots=spans if name == "composite_3speakers" else [(0.0, info.duration_s)],
            detector=detector,
            method=method,
            settings=SETTINGS,
        )

    return look


@pytest.fixture(scope="module")
def light_asd(real: Path) -> LightASD:
    if not (real / "asd" / FILE).is_file():
        pytest.skip("MSC_REAL_DATA has no asd/ with the authors' weights")
    return LightASD(real / "asd")


def lefts(found: SourceFaces) -> dict[int, float]:
    """Where each track is on the whole: pixels from the left."""
    tracks = {box.track for box in found.boxes}
    return {
        track: float(np.mean([box.x for box in found.boxes if box.track == track]))
        for track in tracks
    }


def test_no_face_where_there_is_none(detector: FaceDetector) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (240, 320, 3), np.uint8)
    assert detector.sized(320, 240)(noise) == []


def test_shots_of_the_composite_with_light_asd(
    looked: Callable[..., SourceFaces], light_asd: LightASD
) -> None:
    found = looked("composite_3speakers", CUTS, light_asd, 3.0)
    where = lefts(found)
    assert [one.faces for one in found.speaking] == [1, 1, 1, 1, 2]
    right = [one for one in found.speaking if one.track is not None]
    assert len(right) == 5  # of 5 shots
    assert where[right[-1].track] > 256  # of the two men the one on the right
    assert right[-1].margin > 1


def test_shots_of_the_composite_with_mouth_motion(looked: Callable[..., SourceFaces]) -> None:
    found = looked("composite_3speakers", CUTS, MouthMotion())
    where = lefts(found)
    sure = [one for one in found.speaking if one.track is not None]
    assert len(sure) >= 4  # of 5 shots; the second is not sure
    assert all(one.reason == "not sure" for one in found.speaking if one.track is None)
    assert found.speaking[4].track is not None and where[found.speaking[4].track] > 256


@pytest.mark.parametrize("method", ["mouth_motion", "light_asd"])
def test_of_two_men_the_one_who_speaks(
    looked: Callable[..., SourceFaces], method: str, request: pytest.FixtureRequest
) -> None:
    chosen = MouthMotion() if method == "mouth_motion" else request.getfixturevalue("light_asd")
    found = looked("obama", [2.0, 4.0, 6.0], chosen)
    where = lefts(found)
    assert len(where) == 2  # both are followed from end to end
    assert {one.faces for one in found.speaking} == {2}
    told = [one for one in found.speaking if one.track is not None]
    assert len(told) == 2
    assert all(where[one.track] > 160 for one in told)


def test_a_silent_face_alone_is_not_the_speaker(
    real: Path, detector: FaceDetector, tmp_path: Path, looked: Callable[..., SourceFaces]
) -> None:
    """Of the two men, the silent one is scored as if he were alone on screen."""

    class OnTheLeft(MouthMotion):
        def patch(self, picture: np.ndarray, face: object) -> np.ndarray:
            patch = super().patch(picture, face)  # type: ignore[arg-type]
            return patch if face.x < 160 else np.zeros_like(patch)  # type: ignore[attr-defined]

    found = looked("obama", [0.0, 2.0, 4.0, 6.0, 8.6], OnTheLeft())
    assert all(one.track is None and one.reason == "not sure" for one in found.speaking)
