"""The first dialogues of the demo, made by the real voices."""

import json
from dataclasses import asdict, replace

import numpy as np
import pytest

from msc_kedro.corpora.demo.make import make_demo, truth_json
from msc_kedro.corpora.demo.script import CAST, scenes
from msc_kedro.errors import MscKedroError

RATE = 16_000


@pytest.fixture(scope="module")
def voices(model_folder):
    from msc_kedro.speaking.disguise import cast_voices
    from msc_kedro.speaking.hibari import HibariVoice
    from msc_kedro.speaking.piper import PiperVoice

    people = {person.name: (person.gender, person.identity) for person in CAST}
    return cast_voices(
        people,
        female=HibariVoice(model_folder("voice_female")),
        male=PiperVoice(model_folder("voice_male")),
    )


@pytest.fixture(scope="module")
def made(voices, tmp_path_factory):
    """The first three dialogues (25 and 30 pictures a second, 48 and 24 kHz) as files."""
    folder = tmp_path_factory.mktemp("demo")
    videos = list(make_demo(voices, seed=7, dialogues=3))
    for video in videos:
        (folder / f"{video.name}.mp4").write_bytes(video.mp4)
    return folder, videos


@pytest.mark.parametrize("dialogues", [0, -1, 1000])
def test_more_dialogues_than_written_are_refused(dialogues):
    with pytest.raises(MscKedroError, match=f"1 to {len(scenes())}"):
        list(make_demo({}, seed=0, dialogues=dialogues))


def test_a_missing_voice_is_named():
    with pytest.raises(MscKedroError, match="Anna, Ben"):
        list(make_demo({}, seed=0, dialogues=1))


@pytest.mark.real
def test_the_same_seed_gives_the_same_bytes(voices, made):
    _, videos = made
    again = list(make_demo(voices, seed=7, dialogues=1))
    assert again[0].mp4 == videos[0].mp4
    assert again[0].truth == videos[0].truth
    other = next(make_demo(voices, seed=8, dialogues=1))
    assert other.mp4 != videos[0].mp4


@pytest.mark.real
def test_speech_starts_and_ends_where_the_truth_says(made):
    from msc_kedro.media.sound import read_mono

    folder, videos = made
    step = RATE // 100
    for video in videos:
        sound = read_mono(folder / f"{video.name}.mp4")
        frames = sound[: len(sound) // step * step].reshape(-1, step)
        power = 20 * np.log10(np.sqrt(np.mean(frames**2, axis=1)) + 1e-9)
        heard = power > -56
        said = np.zeros(len(heard), bool)
        for turn in video.truth.turns:
            first, last = round(turn.start_s * 100), round(turn.end_s * 100)
            said[max(0, first - 2) : last + 2] = True
            assert heard[first : first + 4].any()
            assert heard[last - 5 : last].any()
        assert not heard[~said].any()


@pytest.mark.real
def test_cuts_are_found_where_the_truth_says(made):
    from msc_kedro.media.scenes import find_cuts

    folder, videos = made
    for video in videos:
        found = find_cuts(folder / f"{video.name}.mp4")
        assert found == pytest.approx(list(video.truth.cuts_s), abs=0.2)
        turns = video.truth.turns
        assert len(video.truth.cuts_s) == len(turns) - 1
        for cut, before, after in zip(video.truth.cuts_s, turns, turns[1:], strict=False):
            assert before.end_s < cut < after.start_s


@pytest.mark.real
def test_the_words_are_heard(made, model_folder):
    from faster_whisper import WhisperModel

    from msc_kedro.media.sound import read_mono
    from msc_kedro.metrics.speech import word_errors

    recogniser = WhisperModel(
        str(model_folder("asr")), device="cpu", compute_type="int8", cpu_threads=1
    )
    folder, videos = made
    wrong = words = 0
    for video in videos:
        sound = read_mono(folder / f"{video.name}.mp4")
        for turn in video.truth.turns:
            span = sound[round((turn.start_s - 0.1) * RATE) : round((turn.end_s + 0.1) * RATE)]
            segments, _ = recogniser.transcribe(span, language="en", temperature=0)
            errors, count = word_errors(" ".join(part.text for part in segments), turn.text)
            wrong, words = wrong + errors, words + count
    assert wrong / words < 0.1


@pytest.mark.real
def test_the_truth_says_what_was_done(made):
    _, videos = made
    for scene, video in zip(scenes(), videos, strict=False):
        truth = video.truth
        assert (truth.name, video.name) == (scene.name, scene.name)
        assert [(turn.speaker, turn.text, turn.mood) for turn in truth.turns] == [
            (line.speaker, line.text, line.mood) for line in scene.lines
        ]
    rates = {(video.truth.fps, video.truth.sample_rate) for video in videos}
    assert rates == {("25", 48_000), ("30", 24_000)}


@pytest.mark.real
def test_the_truth_file_is_plain_json(made):
    _, videos = made
    truths = [video.truth for video in videos]
    read = json.loads(truth_json(truths))
    assert read["dialogues"] == json.loads(json.dumps([asdict(truth) for truth in truths]))
    renamed = replace(truths[0], title="Grüße")
    assert "Grüße".encode() in truth_json([renamed])
