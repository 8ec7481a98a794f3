"""featurize: what is computed, what is kept, and what of it is used again."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import toy_encoders
from made_media import RED, WHITE, Sound, steady, tone, write_blind, write_media

from msc_kedro.corpora.folder import Corpus
from msc_kedro.errors import MscKedroError
from msc_kedro.execution.ragged import RaggedShards, ShardSet
from msc_kedro.media.probe import probe
from msc_kedro.media.sound import flac_bytes
from msc_kedro.models.opener import Opener
from msc_kedro.pipelines.featurize.nodes import encode_pictures, encode_sounds
from msc_kedro.pipelines.featurize.parameters import FeaturizeParameters
from msc_kedro.pipelines.featurize.shards import shards_of
from msc_kedro.pipelines.parameters import EngineParameters

TESTS = Path(__file__).parents[1]
COLOUR = Opener.of("toy_encoders.MeanColour", {}, {}, fingerprint="colour")
LOUDNESS = Opener.of("toy_encoders.Loudness", {}, {}, fingerprint="loudness")
COLUMNS = ["utterance_id", "source_id", "start_s", "end_s"]
Row = tuple[str, str, float, float]


@pytest.fixture(autouse=True)
def nothing_asked_yet() -> None:
    toy_encoders.SEEN.clear()
    toy_encoders.HEARD.clear()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`film.mp4` and its sound, `film.flac`: 8 s, red and white in turn, a tone that swells."""
    folder = tmp_path_factory.mktemp("made")
    samples = tone(8) * np.linspace(0.1, 1, 8 * 16_000, dtype=np.float32)
    write_media(
        folder / "film.mp4", pictures=steady([RED, WHITE] * 2, each_s=2), sound=Sound(samples)
    )
    (folder / "film.flac").write_bytes(flac_bytes(samples))
    return folder


@pytest.fixture
def corpus(made: Path, tmp_path: Path) -> Corpus:
    folder = tmp_path / "films"
    folder.mkdir()
    (folder / "film.mp4").write_bytes((made / "film.mp4").read_bytes())
    return Corpus(folder)


def sources_of(corpus: Corpus) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {"source_id": p.stem, "path": p.name, "sound_id": f"sound of {p.stem}"} | vars(probe(p))
            for p in corpus.files()
        ]
    )


def table(rows: list[Row]) -> pd.DataFrame:
    """Utterances, all of one dialogue in the order they are given."""
    made = pd.DataFrame(rows, columns=COLUMNS)
    return made.assign(dialogue_id="d", turn=range(len(made)))


def pictures(
    rows: list[Row],
    corpus: Corpus,
    work: Path,
    *,
    rate: float = 3.0,
    opener: Opener = COLOUR,
    size: int = 8,
    threads: int = 1,
) -> ShardSet:
    return encode_pictures(
        table(rows),
        sources_of(corpus),
        corpus,
        opener,
        work,
        FeaturizeParameters(frames_per_s=rate),
        EngineParameters(threads=threads, shard_utterances=size),
    )


def sounds(
    rows: list[Row], made: Path, work: Path, *, sound_id: str = "x", opener: Opener = LOUDNESS
) -> ShardSet:
    return encode_sounds(
        table(rows),
        pd.DataFrame([("film", sound_id)], columns=["source_id", "sound_id"]),
        {"film": made / "film.flac"},
        opener,
        work,
        EngineParameters(threads=1, shard_utterances=2),
    )


def loaded(made: ShardSet) -> RaggedShards:
    return RaggedShards(made.paths, encoder=made.encoder, width=made.width)


SAID: list[Row] = [("u1", "film", 0.0, 1.9), ("u2", "film", 2.1, 4.0), ("u3", "film", 4.2, 5.0)]


def test_shards_hold_dialogues_in_order_and_whole_where_they_fit() -> None:
    rows = [("b", 1), ("a", 1), ("b", 0), ("a", 0), ("c", 0), ("d", 0), ("d", 1), ("d", 2)]
    utterances = pd.DataFrame(
        [
            (f"{dialogue}{turn}", dialogue, turn, 2.0 * turn, 2.0 * turn + 2)
            for dialogue, turn in rows
        ],
        columns=["utterance_id", "dialogue_id", "turn", "start_s", "end_s"],
    )
    shards = [[u.utterance_id for u in shard] for shard in shards_of(utterances, 3)]
    assert shards == [["a0", "a1"], ["b0", "b1", "c0"], ["d0", "d1", "d2"]]
    alone = [[u.utterance_id for u in shard] for shard in shards_of(utterances, 1)]
    assert alone == [[name] for name in ("a0", "a1", "b0", "b1", "c0", "d0", "d1", "d2")]
    short = [[u.utterance_id for u in shard] for shard in shards_of(utterances, 3, longest_s=4)]
    assert short == [["a0", "a1"], ["b0", "b1"], ["c0"], ["d0", "d1"], ["d2"]]
    assert shards_of(utterances.head(0), 2) == []


def test_pictures_of_utterances(corpus: Corpus, tmp_path: Path) -> None:
    write_media(corpus.folder / "talk.m4a", sound=Sound(tone(4)))
    rows = [("u2", "film", 2.1, 4.0), ("u1", "film", 0.0, 1.9), ("u3", "talk", 0.0, 4.0)]
    made = [pictures(rows, corpus, tmp_path / "work", rate=rate) for rate in (3.0, 1.0)]
    assert made[0].encoder != made[1].encoder  # an adapter of one rate is not one of the other
    shards = loaded(made[0])
    assert shards.width == 3
    assert sorted(shards) == ["u1", "u2"]  # what has no pictures has no row
    first, second = shards["u1"], shards["u2"]
    assert len(first.values) == len(second.values) == 6
    assert np.allclose(first.values[:, 2], 30 / 255, atol=0.05)  # red all along
    assert np.allclose(second.values, 240 / 255, atol=0.05)  # white all along
    assert (np.diff(first.times_s) > 0).all() and 0 < first.times_s[0] < first.times_s[-1] < 1.9


def test_pictures_that_cannot_be_had(
    corpus: Corpus, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A video that cannot be decoded leaves its utterances without; one that is gone is said."""
    write_blind(corpus.folder / "film.mp4", corpus.folder / "blind.mp4")
    rows = [("u1", "film", 0.0, 1.9), ("u2", "blind", 0.0, 1.9), ("u3", "film", 2.0, 4.0)]
    found = loaded(pictures(rows, corpus, tmp_path / "work"))
    assert list(found) == ["u1", "u3"]
    assert found["u1"].values[0, 1] < 0.2 < 0.9 < found["u3"].values[0, 1]  # red, white
    assert "blind.mp4: none of its pictures can be decoded" in caplog.text
    (corpus.folder / "film.mp4").unlink()
    with pytest.raises(MscKedroError, match=r"film.mp4 is gone. Put it back"):
        encode_pictures(
            table(rows),
            pd.DataFrame([{"source_id": "film", "path": "film.mp4", "has_video": True}]),
            corpus,
            COLOUR,
            tmp_path / "elsewhere",
            FeaturizeParameters(frames_per_s=3.0),
            EngineParameters(threads=1, shard_utterances=8),
        )


@pytest.mark.parametrize("kind", ["film rate", "variable rate"])
def test_three_a_second_by_time_and_all_of_them_kept(tmp_path: Path, kind: str) -> None:
    """Of 40 s at 23.98 per second every 8th picture would be 2.997, of variable rates anything."""
    folder = tmp_path / "films"
    folder.mkdir()
    if kind == "film rate":
        rate = Fraction(24_000, 1001)
        shown = steady([RED, WHITE], each_s=20, fps=rate)
    else:  # 10, then 25, then 2 pictures a second
        rate = Fraction(25)
        gaps = [0.1] * 100 + [0.04] * 500 + [0.5] * 20
        times = np.concatenate([[0], np.cumsum(gaps)[:-1]])
        shown = [(float(time), RED if time < 20 else WHITE) for time in times]
    write_media(folder / "film.mp4", pictures=shown, fps=rate, codec="libx264")
    films = Corpus(folder)
    found = loaded(pictures([("u", "film", 0.0, 40.0)], films, tmp_path / "work"))["u"]
    assert len(found.values) == 120  # more than any budget of the agent's
    assert np.allclose(np.diff(found.times_s), 1 / 3, atol=1e-4)
    white = found.values[:, 1] > 0.5
    assert abs(found.times_s[white][0] - 20) <= 1 / 3 and white[-60:].all()


def test_another_rate_of_pictures_computes_no_sound(
    corpus: Corpus, made: Path, tmp_path: Path
) -> None:
    first = sounds(SAID, made, tmp_path), pictures(SAID, corpus, tmp_path)
    assert len(toy_encoders.HEARD) == 3 and sum(toy_encoders.SEEN) == 14
    stamps = [path.stat().st_mtime_ns for path in first[0].paths]
    again = sounds(SAID, made, tmp_path), pictures(SAID, corpus, tmp_path, rate=6.0)
    assert len(toy_encoders.HEARD) == 3 and sum(toy_encoders.SEEN) == 14 + 27
    assert again[0].paths == first[0].paths and not set(again[1].paths) & set(first[1].paths)
    assert [path.stat().st_mtime_ns for path in again[0].paths] == stamps
    sounds(SAID, made, tmp_path), pictures(SAID, corpus, tmp_path)
    assert len(toy_encoders.HEARD) == 3 and sum(toy_encoders.SEEN) == 14 + 27


def test_of_a_changed_dialogue_only_what_changed_is_computed(
    corpus: Corpus, made: Path, tmp_path: Path
) -> None:
    before = [loaded(sounds(SAID, made, tmp_path)), loaded(pictures(SAID, corpus, tmp_path))]
    asked = len(toy_encoders.HEARD), sum(toy_encoders.SEEN)
    longer: Row = ("u3", "film", 4.2, 5.2)
    changed = [("u0", "film", 6.0, 7.0), SAID[1], SAID[0], longer]
    after = [loaded(sounds(changed, made, tmp_path)), loaded(pictures(changed, corpus, tmp_path))]
    assert toy_encoders.HEARD[asked[0] :] == [16_000, 16_000]
    assert sum(toy_encoders.SEEN) - asked[1] == 3 + 3
    for old, new in zip(before, after, strict=True):
        assert list(new) == ["u0", "u2", "u1", "u3"]
        for name in ("u1", "u2"):
            assert np.array_equal(old[name].values, new[name].values)
            assert np.array_equal(old[name].times_s, new[name].times_s)
        assert len(new["u3"].values) > len(old["u3"].values)


def test_names_are_not_contents(corpus: Corpus, made: Path, tmp_path: Path) -> None:
    """Annotated corpora name their utterances: another name is no other sound, and back."""
    first = loaded(sounds(SAID, made, tmp_path))
    named = [(f"dia0-{name}", *rest) for name, *rest in SAID]
    second = loaded(sounds(named, made, tmp_path))  # type: ignore[arg-type]
    assert len(toy_encoders.HEARD) == 3
    assert np.array_equal(first["u1"].values, second["dia0-u1"].values)
    sounds(SAID, made, tmp_path, sound_id="another recording")
    assert len(toy_encoders.HEARD) == 6


def test_options_are_part_of_what_is_kept_but_not_those_of_the_machine(
    corpus: Corpus, tmp_path: Path
) -> None:
    def opener(**options: Any) -> Opener:
        return Opener.of("toy_encoders.MeanColour", {}, options, fingerprint="colour")

    usual = pictures(SAID, corpus, tmp_path)
    moved = pictures(SAID, corpus, tmp_path, opener=opener(device="cuda"))
    assert len(toy_encoders.SEEN) == 1 and moved == usual
    dark = pictures(SAID, corpus, tmp_path, opener=opener(dark=True))
    assert dark.encoder != usual.encoder
    assert np.allclose(loaded(dark)["u2"].values * 2, loaded(usual)["u2"].values, atol=1e-3)


def test_a_long_utterance_goes_over_pieces_and_short_ones_share_one(
    corpus: Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from msc_kedro.seeing import features

    rows: list[Row] = [("u1", "film", 0.0, 1.0), ("u2", "film", 1.0, 8.0), ("u3", "film", 0.0, 2.0)]
    whole = loaded(pictures(rows, corpus, tmp_path / "whole"))
    assert toy_encoders.SEEN == [3 + 21 + 6]  # in one batch, whoever's they are
    toy_encoders.SEEN.clear()
    usual = features.pieces
    monkeypatch.setattr(features, "pieces", lambda *a, **k: usual(*a, **k, most=7))
    parted = loaded(pictures(rows, corpus, tmp_path / "parted", threads=3))
    assert toy_encoders.SEEN == [7, 7, 7, 7, 2]
    for name in whole:
        assert np.array_equal(whole[name].values, parted[name].values)
        assert np.array_equal(whole[name].times_s, parted[name].times_s)


MANY: list[Row] = [(f"u{n:02}", "film", n / 2, n / 2 + 0.4) for n in range(15)]


def kept_by(work: Path) -> int:
    """Utterances in whole shards."""
    return sum(len(RaggedShards([p], encoder="", width=1)) for p in work.rglob("*.safetensors"))


def test_an_error_costs_one_shard(made: Path, tmp_path: Path) -> None:
    calm = sounds(MANY, made, tmp_path / "calm")
    toy_encoders.HEARD.clear()

    class Fails(toy_encoders.Loudness):
        def __call__(self, sounds: Any) -> Any:
            if len(toy_encoders.HEARD) == 8:
                raise RuntimeError("out of luck")
            return super().__call__(sounds)

    opener = Opener.of("toy_encoders.Loudness", {}, {}, fingerprint="loudness")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Opener, "open", lambda _: Fails())
        with pytest.raises(RuntimeError, match="out of luck"):
            sounds(MANY, made, tmp_path / "work", opener=opener)
    again = sounds(MANY, made, tmp_path / "work", opener=opener)
    assert len(toy_encoders.HEARD) == len(MANY)  # nothing of the eight was done twice
    assert [p.read_bytes() for p in again.paths] == [p.read_bytes() for p in calm.paths]


@pytest.mark.parametrize("moment", [1, 6, 13])
def test_killed_it_goes_on_with_one_shard_lost(
    made: Path, tmp_path: Path, moment: int, run_alone: Callable[[str], int]
) -> None:
    """SIGKILL while the sound after so many is encoded; shards are of two."""
    code = (
        "from pathlib import Path\n"
        "from msc_kedro.models.opener import Opener\n"
        "import pipelines.test_featurize as t\n"
        "import toy_encoders\n"
        f"Opener.open = lambda _: toy_encoders.Loudness(kill_after={moment})\n"
        f"t.sounds(t.MANY, Path({str(made)!r}), Path({str(tmp_path / 'work')!r}))\n"
    )
    assert run_alone(code) == -9
    done = kept_by(tmp_path / "work")
    assert moment - 2 < done <= moment
    again = sounds(MANY, made, tmp_path / "work")
    assert len(toy_encoders.HEARD) == len(MANY) - done
    calm = sounds(MANY, made, tmp_path / "calm")
    assert [p.read_bytes() for p in again.paths] == [p.read_bytes() for p in calm.paths]


@pytest.fixture
def run_alone() -> Callable[[str], int]:
    """Runs code in a process of its own; gives its exit status."""

    def run(code: str) -> int:
        done = subprocess.run(
            [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(TESTS)!r})\n{code}"],
            capture_output=True,
            text=True,
            check=False,
        )
        assert "Traceback" not in done.stderr, done.stderr
        return done.returncode

    return run


def write_face(path: Path) -> Path:
    """White, with a red square of 20 pixels that goes from left to right, 4 s."""
    import av

    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.width, stream.height, stream.pix_fmt = 160, 96, "yuv420p"
        for index in range(100):
            image = np.full((96, 160, 3), 240, np.uint8)
            left = 20 + index
            image[40:60, left : left + 20] = RED
            for packet in stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")):
                container.mux(packet)
        for packet in stream.encode(None):
            container.mux(packet)
    return path


def test_faces_of_who_speaks(tmp_path: Path) -> None:
    """Looked for twice a second; in the third second the face is not known to speak."""
    folder = tmp_path / "films"
    folder.mkdir()
    write_face(folder / "film.mp4")
    films = Corpus(folder)
    times = np.arange(0, 4.01, 0.5)
    tracks = pd.DataFrame(
        {"source_id": "film", "track": "t", "time_s": times, "x": 20 + 25 * times, "y": 40.0}
    ).assign(w=20.0, h=20.0, score=1.0, seen=True)
    faces = pd.DataFrame(
        [
            ("u1", "film", 0.0, 2.0, "t"),
            ("u1", "film", 2.0, 3.0, None),
            ("u1", "film", 3.0, 4.0, "t"),
            ("u2", "film", 0.0, 1.0, None),
        ],
        columns=["utterance_id", "source_id", "start_s", "end_s", "track"],
    )
    rows: list[Row] = [("u1", "film", 0.0, 4.0), ("u2", "film", 0.0, 1.0)]

    def encode(**tables: Any) -> ShardSet:
        return encode_pictures(
            table(rows),
            sources_of(films),
            films,
            COLOUR,
            tmp_path / "work",
            FeaturizeParameters(frames_per_s=3.0, pictures="faces"),
            EngineParameters(threads=1, shard_utterances=8),
            **tables,
        )

    made = encode(face_tracks=tracks, speaking_faces=faces)
    found = loaded(made)
    assert list(found) == ["u1"] and "faces 3.0/s" in made.encoder
    times_s = found["u1"].times_s
    assert len(times_s) == 9 and not ((times_s > 2) & (times_s < 3)).any()
    # of the square that is looked at, (1 / 1.4) ** 2 is face
    green = found["u1"].values[:, 1] * 255
    expected = (1 / 1.4**2) * 30 + (1 - 1 / 1.4**2) * 240
    assert np.abs(green - expected).max() < 25
    asked = len(toy_encoders.SEEN)
    encode(face_tracks=tracks, speaking_faces=faces)
    assert len(toy_encoders.SEEN) == asked
    encode(face_tracks=tracks.assign(x=tracks["x"] + 5), speaking_faces=faces)
    assert len(toy_encoders.SEEN) == asked + 1  # another place is another picture
    for missing in ({}, {"face_tracks": tracks, "speaking_faces": faces.head(0)}):
        with pytest.raises(MscKedroError, match="no faces were looked for"):
            encode(**missing)


def test_openers_with_lists_among_their_options() -> None:
    """YAML gives lists; an opener is looked up by its options."""
    one, other = (
        Opener.of("toy_encoders.Loudness", {}, {"weights": weights}, fingerprint="x")
        for weights in ([0.5, 0.5], [0.2, 0.8])
    )
    assert hash(one) != hash(other) and one.name == 'Loudness x {"weights": [0.5, 0.5]}'
