"""Sound track, pictures and file, on tones in the place of voices."""

import io
import itertools
from fractions import Fraction

import numpy as np
import pytest

from msc_kedro.corpora.demo.faces import LIDS, LOOKS, MOUTHS, draw_head
from msc_kedro.corpora.demo.film import blinks, encode, openings, pictures, shots_of
from msc_kedro.corpora.demo.moods import MOODS
from msc_kedro.corpora.demo.sound import GAPS_S, LEAD_S, ROOM_DB, TURN_DB, audible, lay_out
from msc_kedro.media.scenes import find_cuts
from msc_kedro.voice.manner import Speech


def tone(seconds, *, rate=24_000, quiet_s=0.2):
    """A tone with silence before and after it."""
    time = np.arange(int(seconds * rate)) / rate
    silence = np.zeros(int(quiet_s * rate), np.float32)
    wave = (0.2 * np.sin(2 * np.pi * 220 * time)).astype(np.float32)
    return Speech(np.concatenate([silence, wave, silence]), rate)


def laid_out(lengths, *, rate=48_000, gains=None, seed=0):
    return lay_out(
        [tone(length) for length in lengths],
        gains_db=gains or [0.0] * len(lengths),
        sample_rate=rate,
        random=np.random.default_rng(seed),
    )


def film(names, fps, seed=0):
    track = laid_out([1.2] * len(names), seed=seed)
    cast = [(name, MOODS["calm"].expression) for name in names]
    random = np.random.default_rng(seed)
    shots = shots_of(track, cast, fps=fps, random=random)
    return track, shots, pictures(shots, track, fps=fps, random=random)


def test_the_silent_edges_of_a_turn_are_cut_off():
    assert len(audible(tone(1.0).samples, 24_000)) == pytest.approx(24_000, abs=480)


def test_turns_lie_where_their_spans_say():
    track = laid_out([0.8, 1.1, 0.6])
    assert track.spans[0][0] == round(LEAD_S * track.sample_rate)
    for (start, end), length in zip(track.spans, (0.8, 1.1, 0.6), strict=True):
        assert (end - start) / track.sample_rate == pytest.approx(length, abs=0.02)
        inside = np.sqrt(np.mean(track.samples[start:end] ** 2))
        assert 20 * np.log10(inside) == pytest.approx(TURN_DB, abs=0.3)
    for (_, end), (start, _) in itertools.pairwise(track.spans):
        assert GAPS_S[0] <= (start - end) / track.sample_rate <= GAPS_S[1] + 0.001
        room = np.sqrt(np.mean(track.samples[end:start] ** 2))
        assert 20 * np.log10(room) == pytest.approx(ROOM_DB, abs=1)


def test_a_gain_makes_a_turn_louder():
    track = laid_out([0.8, 0.8], gains=[0.0, 3.0])
    soft, loud = (np.std(track.samples[start:end]) for start, end in track.spans)
    assert 20 * np.log10(loud / soft) == pytest.approx(3, abs=0.2)


@pytest.mark.parametrize("fps", [Fraction(25), Fraction(30), Fraction(24000, 1001)])
def test_every_cut_falls_in_the_gap_before_its_turn(fps):
    track, shots, frames = film(["Anna", "Ben", "Anna", "Tom"], fps)
    assert len(list(frames)) == shots[-1].last == int(track.duration_s * fps)
    for shot, (_, end), (start, _) in zip(shots[1:], track.spans, track.spans[1:], strict=False):
        assert end < shot.first / fps * track.sample_rate < start


def test_the_mouth_moves_while_speaking_only():
    track, shots, _ = film(["Mia", "Carl"], Fraction(25))
    mouths = openings(shots[0], track, fps=Fraction(25))
    start, end = (place / track.sample_rate * 25 for place in shots[0].speech)
    assert mouths[: int(start)].max() == 0
    assert mouths[int(end) + 1 :].max() == 0
    assert mouths[int(start) + 1 : int(end) - 1].min() > 0
    assert mouths.max() == MOUTHS - 1


def test_eyes_blink_now_and_then():
    lids = blinks(500, fps=Fraction(25), random=np.random.default_rng(0))
    assert set(lids) == set(range(LIDS))
    assert np.mean(lids > 0) < 0.2


def test_every_mood_has_a_face_of_its_own():
    drawn = [
        draw_head(LOOKS["Ben"], mood.expression, mouth=0, lids=0).tobytes()
        for mood in MOODS.values()
    ]
    assert len(set(drawn)) == len(MOODS)


def test_each_change_of_speaker_is_a_cut_that_is_found(tmp_path):
    names = [*LOOKS, *list(LOOKS)[::2], *list(LOOKS)[1::2]]
    fps = Fraction(25)
    track, shots, frames = film(names, fps)
    path = tmp_path / "film.mp4"
    path.write_bytes(encode(frames, track, fps=fps))
    wanted = [float(shot.first / fps) for shot in shots[1:]]
    assert find_cuts(path) == pytest.approx(wanted, abs=0.05)


@pytest.mark.parametrize("rate", [24_000, 48_000])
@pytest.mark.parametrize("fps", [Fraction(25), Fraction(24000, 1001)])
def test_the_file_holds_what_was_put_in(fps, rate):
    import av

    track = laid_out([1.0, 0.7], rate=rate)
    cast = [(name, MOODS["angry"].expression) for name in ("Ruth", "Tom")]
    made = []
    for _ in range(2):
        random = np.random.default_rng(1)
        shots = shots_of(track, cast, fps=fps, random=random)
        made.append(encode(pictures(shots, track, fps=fps, random=random), track, fps=fps))
    assert made[0] == made[1]
    with av.open(io.BytesIO(made[0])) as file:
        video, audio = file.streams.video[0], file.streams.audio[0]
        assert video.average_rate == fps
        assert (video.codec_context.name, audio.codec_context.name) == ("h264", "aac")
        assert (audio.rate, audio.layout.name) == (rate, "mono")
        assert sum(1 for _ in file.decode(video)) == shots[-1].last
        assert "creation_time" not in file.metadata
