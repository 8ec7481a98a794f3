"""Sound track, pictures and file, on tones in the place of voices."""

import io
import itertools
from fractions import Fraction

import numpy as np
import pytest

from msc_kedro.corpora.demo.acoustics import ROOMS, Noise
from msc_kedro.corpora.demo.faces import LIDS, LOOKS, MOUTHS, draw_head
from msc_kedro.corpora.demo.film import act, encode, pictures
from msc_kedro.corpora.demo.moods import MOODS
from msc_kedro.corpora.demo.script import scenes
from msc_kedro.corpora.demo.shots import blinks, plan_shots
from msc_kedro.corpora.demo.sound import (
    GAPS_S,
    LEAD_S,
    LOUDEST,
    OVERLAPS_S,
    TURN_DB,
    audible,
    heard,
    lay_out,
)
from msc_kedro.media.scenes import find_cuts
from msc_kedro.voice.manner import Speech

FPS = Fraction(25)
QUIET = Noise("pink", 60.0)
TALK = """
# A talk [studio, pink at 40, park]
Anna (calm): One two three four.
Ben (angry): Five six seven eight.
Anna (sad, together): Nine ten eleven twelve.
Tom (excited, over): One more for you."""


def tone(seconds, *, rate=24_000, quiet_s=0.2):
    """A tone with silence before and after it."""
    time = np.arange(int(seconds * rate)) / rate
    silence = np.zeros(int(quiet_s * rate), np.float32)
    wave = (0.2 * np.sin(2 * np.pi * 220 * time)).astype(np.float32)
    return Speech(np.concatenate([silence, wave, silence]), rate)


def laid_out(lengths, *, rate=48_000, gains=None, over=None, seed=0):
    return lay_out(
        [tone(length) for length in lengths],
        gains_db=gains or [0.0] * len(lengths),
        over=over or [False] * len(lengths),
        sample_rate=rate,
        random=np.random.default_rng(seed),
    )


def loudness_db(samples):
    return 20 * np.log10(np.sqrt(np.mean(np.square(samples))))


def filmed(scene, *, fps=FPS, seed=0, seconds=1.2, rate=24_000):
    """Voices, shots and faces of a dialogue, every turn a tone."""
    over = [line.over for line in scene.lines]
    voices = laid_out([seconds] * len(over), rate=rate, over=over, seed=seed)
    shots = plan_shots(scene, voices, fps=fps, random=np.random.default_rng(seed))
    moods = [MOODS[line.mood].expression for line in scene.lines]
    faces = {}
    for name in {line.speaker for line in scene.lines}:
        own = [(n, moods[n]) for n, line in enumerate(scene.lines) if line.speaker == name]
        faces[name] = act(voices, own, pictures=shots[-1].last, fps=fps)
    return voices, shots, faces


# --- sound ---------------------------------------------------------------------------------------


def test_the_silent_edges_of_a_turn_are_cut_off():
    assert len(audible(tone(1.0).samples, 24_000)) == pytest.approx(24_000, abs=480)


def test_turns_lie_where_their_spans_say():
    voices = laid_out([0.8, 1.1, 0.6])
    track = heard(voices, room=ROOMS["studio"], noise=QUIET, random=np.random.default_rng(0))
    assert voices.spans[0][0] == round(LEAD_S * voices.sample_rate)
    assert len(track.samples) == voices.length
    for (start, end), length in zip(voices.spans, (0.8, 1.1, 0.6), strict=True):
        assert (end - start) / voices.sample_rate == pytest.approx(length, abs=0.02)
        assert loudness_db(track.samples[start:end]) == pytest.approx(TURN_DB, abs=0.3)
    for (_, end), (start, _) in itertools.pairwise(voices.spans):
        assert GAPS_S[0] <= (start - end) / voices.sample_rate <= GAPS_S[1] + 0.001
        quiet = track.samples[(end + start) // 2 : start]
        assert loudness_db(quiet) == pytest.approx(TURN_DB - QUIET.snr_db, abs=2)


def test_a_turn_may_begin_before_the_one_before_it_ends():
    voices = laid_out([1.5, 1.5, 1.5], over=[False, True, False])
    first, second, third = voices.spans
    assert OVERLAPS_S[0] <= (first[1] - second[0]) / voices.sample_rate <= OVERLAPS_S[1]
    assert second[1] < third[0]


def test_a_gain_makes_a_turn_louder():
    soft, loud = (np.std(turn) for turn in laid_out([0.8, 0.8], gains=[0.0, 3.0]).turns)
    assert 20 * np.log10(loud / soft) == pytest.approx(3, abs=0.01)


def test_what_would_be_too_loud_is_softer_as_a_whole():
    voices = laid_out([0.8, 0.8], gains=[0.0, 30.0])
    track = heard(voices, room=ROOMS["studio"], noise=QUIET, random=np.random.default_rng(0))
    assert np.max(np.abs(track.samples)) == pytest.approx(LOUDEST)
    first, second = (track.samples[start:end] for start, end in voices.spans)
    assert loudness_db(second) - loudness_db(first) == pytest.approx(30, abs=0.1)
    assert loudness_db(first) == pytest.approx(track.level_db, abs=0.3)
    assert track.level_db < TURN_DB


# --- pictures ------------------------------------------------------------------------------------


@pytest.mark.parametrize("fps", [Fraction(25), Fraction(30), Fraction(24000, 1001)])
def test_shots_follow_each_other_and_cuts_fall_between_turns(fps):
    (scene,) = scenes(TALK)
    voices, shots, faces = filmed(scene, fps=fps)
    assert [[head.person for head in shot.heads] for shot in shots] == [
        ["Anna"], ["Ben", "Anna"], ["Tom"],
    ]  # fmt: skip
    assert [shot.place for shot in shots] == [None, "park", None]
    frames = list(pictures(shots, faces))
    assert len(frames) == shots[-1].last == int(voices.duration_s * fps)
    assert all(one.last == other.first for one, other in itertools.pairwise(shots))
    gap, overlap = ((voices.spans[n][1], voices.spans[n + 1][0]) for n in (0, 2))
    assert gap[0] < shots[1].first / fps * voices.sample_rate < gap[1]
    assert overlap[1] < shots[2].first / fps * voices.sample_rate < overlap[0]


def test_a_mouth_moves_while_its_owner_speaks_only():
    (scene,) = scenes(TALK)
    voices, _, faces = filmed(scene)
    for name, turns in (("Anna", (0, 2)), ("Ben", (1,)), ("Tom", (3,))):
        mouths = np.array(faces[name].mouths)
        speaks = np.zeros(len(mouths), bool)
        for turn in turns:
            start, end = (place / voices.sample_rate * FPS for place in voices.spans[turn])
            speaks[int(start) : int(end) + 1] = True
            assert mouths[int(start) + 1 : int(end)].min() > 0
        assert mouths[~speaks].max() == 0
        assert mouths.max() == MOUTHS - 1


def test_a_face_changes_half_way_between_its_turns():
    (scene,) = scenes(TALK)
    voices, _, faces = filmed(scene)
    names = [expression.name for expression in faces["Anna"].expressions]
    half_s = (voices.spans[0][1] + voices.spans[2][0]) / 2 / voices.sample_rate
    assert len(names) == len(faces["Anna"].mouths)
    assert names.index("sad") == int(half_s * FPS)
    assert set(names[: int(half_s * FPS)]) == {"neutral"}


def test_a_box_holds_the_head_in_every_picture_of_a_shot():
    from msc_kedro.corpora.demo.backdrops import PLACES, draw_backdrop

    names = list(LOOKS)
    for one, other in zip(names[::2], names[1::2], strict=True):
        text = f"# A [studio, pink at 40, beach]\n{one} (calm): Hello.\n"
        (scene,) = scenes(text + f"{other} (calm, together): Hello.")
        _, shots, faces = filmed(scene)
        empty = np.asarray(draw_backdrop(PLACES["beach"])).astype(int)
        drawn = np.zeros(empty.shape[:2], bool)
        for picture in pictures(shots, faces):
            drawn |= np.abs(picture - empty).max(axis=2) > 24
        for head in shots[0].heads:
            left, top, right, bottom = head.box
            assert 0 < left < right < 320 and 0 < top < bottom < 240
            middle = head.look.centre[0]
            own = drawn[: head.look.centre[1], middle - 70 : middle + 70]  # no shoulders yet
            rows, columns = np.nonzero(own)
            assert rows.min() == pytest.approx(top, abs=1)
            assert columns.min() + middle - 70 >= left
            assert columns.max() + middle - 70 < right
        assert shots[0].heads[0].box[2] < shots[0].heads[1].box[0]


def test_eyes_blink_now_and_then():
    lids = np.array(blinks(500, fps=FPS, random=np.random.default_rng(0)))
    assert set(lids.tolist()) == set(range(LIDS))
    assert np.mean(lids > 0) < 0.2


def test_every_mood_has_a_face_of_its_own():
    drawn = [
        draw_head(LOOKS["Ben"], mood.expression, mouth=0, lids=0).image.tobytes()
        for mood in MOODS.values()
    ]
    assert len(set(drawn)) == len(MOODS)


def test_every_cut_of_the_screenplay_is_found_and_nothing_else(tmp_path):
    fps = Fraction(10)
    for scene in scenes():
        voices, shots, faces = filmed(scene, fps=fps, rate=16_000, seconds=0.8)
        track = heard(voices, room=scene.room, noise=QUIET, random=np.random.default_rng(0))
        path = tmp_path / f"{scene.name}.mp4"
        path.write_bytes(encode(pictures(shots, faces), track, fps=fps))
        wanted = [float(shot.first / fps) for shot in shots[1:]]
        assert find_cuts(path) == pytest.approx(wanted, abs=0.05), scene.name


# --- the file ------------------------------------------------------------------------------------


@pytest.mark.parametrize("rate", [24_000, 48_000])
@pytest.mark.parametrize("fps", [Fraction(25), Fraction(24000, 1001)])
def test_the_file_holds_what_was_put_in(fps, rate):
    import av

    (scene,) = scenes(TALK)
    made = []
    for _ in range(2):
        voices, shots, faces = filmed(scene, fps=fps, rate=rate)
        track = heard(voices, room=scene.room, noise=QUIET, random=np.random.default_rng(1))
        made.append(encode(pictures(shots, faces), track, fps=fps))
    assert made[0] == made[1]
    with av.open(io.BytesIO(made[0])) as file:
        video, audio = file.streams.video[0], file.streams.audio[0]
        assert video.average_rate == fps
        assert (video.codec_context.name, audio.codec_context.name) == ("h264", "aac")
        assert (audio.rate, audio.layout.name) == (rate, "mono")
        assert sum(1 for _ in file.decode(video)) == shots[-1].last
        assert "creation_time" not in file.metadata
