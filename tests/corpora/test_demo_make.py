"""The demo as files: on tones in the place of voices, and its first dialogues by the real ones."""

import json
from dataclasses import dataclass

import numpy as np
import pytest

from msc_kedro.corpora.demo import make
from msc_kedro.corpora.demo.make import demo_files
from msc_kedro.corpora.demo.script import CAST, scenes
from msc_kedro.errors import MscKedroError
from msc_kedro.voice.manner import Habits, Identity, Reach, Speech

RATE = 16_000


@dataclass(frozen=True)
class ToneVoice:
    """A speaker of the cast that hums: 0.12 s a word, louder and softer."""

    name: str
    gender: str
    identity: Identity
    base: str = "tone"
    habits = Habits(pitch_hz=220, pitch_std_hz=1, phonemes_per_s=10)
    reach = Reach(semitones=(-12, 12), rate=(0.5, 2), range=(0, 2))

    def __call__(self, text, *, manner, seed=0):
        time = np.arange(int(0.12 * len(text.split()) * RATE / manner.rate)) / RATE
        wave = 0.1 * np.sin(2 * np.pi * 220 * 2 ** (manner.semitones / 12) * time)
        return Speech((wave * (1.2 + np.sin(20 * time))).astype(np.float32), RATE)


TONES = {person.name: ToneVoice(person.name, person.gender, person.identity) for person in CAST}


def files(folder, voices=TONES, *, seed=7, dialogues=3, workers=1, made_by="tones"):
    return dict(
        demo_files(
            voices, seed=seed, folder=folder, made_by=made_by, dialogues=dialogues, workers=workers
        )
    )


@pytest.fixture(scope="module")
def humming(tmp_path_factory):
    """The first four dialogues, hummed: their files, and the folder where they are kept."""
    folder = tmp_path_factory.mktemp("kept")
    return files(folder, dialogues=4), folder


# --- as files ------------------------------------------------------------------------------------


@pytest.mark.parametrize("dialogues", [0, -1, 1000])
def test_more_dialogues_than_written_are_refused(tmp_path, dialogues):
    with pytest.raises(MscKedroError, match=f"1 to {len(scenes())}"):
        files(tmp_path, dialogues=dialogues)


def test_a_missing_voice_is_named(tmp_path):
    with pytest.raises(MscKedroError, match="Anna, Ben"):
        files(tmp_path, {}, dialogues=1)


def test_the_same_bytes_whatever_the_number_of_workers(humming, tmp_path):
    assert files(tmp_path, dialogues=4, workers=3) == humming[0]
    assert list(humming[0]) == [*(f"{scene.name}.mp4" for scene in scenes()[:4]), "truth.json"]


def test_a_dialogue_does_not_depend_on_how_many_are_made(humming, tmp_path):
    one = files(tmp_path, dialogues=1)
    assert one["01_the_lost_keys.mp4"] == humming[0]["01_the_lost_keys.mp4"]


def test_another_seed_gives_other_bytes(humming, tmp_path):
    other = files(tmp_path, seed=8, dialogues=1)
    assert other["01_the_lost_keys.mp4"] != humming[0]["01_the_lost_keys.mp4"]


def test_what_is_finished_is_not_made_again(humming, monkeypatch):
    made, folder = humming
    monkeypatch.setattr(make, "make_dialogue", lambda *_, **__: pytest.fail("made again"))
    assert files(folder, dialogues=4) == made


def test_other_voices_or_another_seed_are_not_taken_for_the_same(humming, monkeypatch):
    _, folder = humming
    monkeypatch.setattr(make, "make_dialogue", lambda *_, **__: 1 / 0)
    for changed in ({"made_by": "others"}, {"seed": 8}):
        with pytest.raises(ZeroDivisionError):
            files(folder, **changed)


def test_a_run_that_broke_off_goes_on(humming, tmp_path, monkeypatch):
    real, begun = make.make_dialogue, []

    def breaks_off(number, voices, *, seed):
        begun.append(number)
        if begun == [0, 1]:
            raise KeyboardInterrupt
        return real(number, voices, seed=seed)

    monkeypatch.setattr(make, "make_dialogue", breaks_off)
    with pytest.raises(KeyboardInterrupt):
        files(tmp_path, dialogues=4)
    assert files(tmp_path, dialogues=4) == humming[0]
    assert begun == [0, 1, 1, 2, 3]


# --- the truth -----------------------------------------------------------------------------------


def test_the_truth_says_what_was_done(humming):
    truth = json.loads(humming[0]["truth.json"])
    assert [(p["name"], p["base_voice"], p["formant"]) for p in truth["people"]] == [
        (person.name, "tone", person.identity.formant) for person in CAST
    ]
    for scene, told in zip(scenes(), truth["dialogues"], strict=False):
        assert (told["name"], told["title"]) == (scene.name, scene.title)
        assert told["room"] == {
            "name": scene.room.name, "c50_db": scene.room.c50_db, "rt60_s": scene.room.rt60_s,
        }  # fmt: skip
        assert told["noise"] == {"colour": scene.noise.colour, "snr_db": scene.noise.snr_db}
        assert [(turn["speaker"], turn["text"], turn["mood"]) for turn in told["turns"]] == [
            (line.speaker, line.text, line.mood) for line in scene.lines
        ]
        for line, before, turn in zip(
            scene.lines[1:], told["turns"], told["turns"][1:], strict=False
        ):
            assert (turn["start_s"] < before["end_s"]) == line.over
        for turn in told["turns"]:
            words = len(turn["text"].split())
            assert turn["end_s"] - turn["start_s"] == pytest.approx(
                0.12 * words / turn["rate"], abs=0.02
            )
    rates = {(told["fps"], told["sample_rate"]) for told in truth["dialogues"]}
    assert rates == {("25", 48_000), ("30", 24_000)}


def test_the_truth_says_who_is_on_screen_and_who_speaks(humming):
    for told in json.loads(humming[0]["truth.json"])["dialogues"]:
        shots = told["shots"]
        assert [shot["start_s"] for shot in shots[1:]] == told["cuts_s"]
        assert [shot["end_s"] for shot in shots[:-1]] == told["cuts_s"]
        assert shots[0]["start_s"] == 0
        assert shots[-1]["end_s"] == pytest.approx(told["duration_s"], abs=0.05)
        seen = [
            (head["person"], tuple(span))
            for shot in shots
            for head in shot["on_screen"]
            for span in head["speaking"]
        ]
        for turn in told["turns"]:
            span = (turn["start_s"], turn["end_s"])
            inside = [one for one in seen if span[0] <= one[1][0] and one[1][1] <= span[1]]
            at_cut = any(span[0] < cut < span[1] for cut in told["cuts_s"])
            assert [one[0] for one in inside] == [turn["speaker"]]
            assert (inside[0][1] == span) != at_cut  # of two at once one is cut off the picture
        for head in (head for shot in shots for head in shot["on_screen"]):
            left, top, right, bottom = head["box"]
            assert 0 < left < right < 320 and 0 < top < bottom < 240
    uncut = json.loads(humming[0]["truth.json"])["dialogues"][1]
    assert uncut["cuts_s"] == [] and len(uncut["shots"][0]["on_screen"]) == 2


# --- by the real voices --------------------------------------------------------------------------


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
    """The first six dialogues as files, with the truth by their names."""
    folder = tmp_path_factory.mktemp("demo")
    written = files(folder / "kept", voices, dialogues=6, workers=2)
    for name, content in written.items():
        (folder / name).write_bytes(content)
    truth = json.loads(written["truth.json"])["dialogues"]
    return folder, {told["name"]: told for told in truth}


def spoken(made):
    """Each turn with its sound at 16 kHz, with a tenth of a second around it."""
    from msc_kedro.media.sound import read_mono

    folder, truth = made
    for name, told in truth.items():
        sound = read_mono(folder / f"{name}.mp4")
        for turn in told["turns"]:
            first, last = turn["start_s"] - 0.1, turn["end_s"] + 0.1
            yield name, turn, sound[round(first * RATE) : round(last * RATE)]


@pytest.mark.real
def test_the_same_seed_gives_the_same_bytes(voices, made, tmp_path):
    folder, truth = made
    again = files(tmp_path, voices, dialogues=2)
    for name in list(truth)[:2]:
        assert again[f"{name}.mp4"] == (folder / f"{name}.mp4").read_bytes()


@pytest.mark.real
def test_one_video_is_long_and_has_no_cut(made):
    uncut = made[1]["02_the_park_bench"]
    assert 27 < uncut["duration_s"] < 34 and uncut["cuts_s"] == []


@pytest.mark.real
def test_speech_starts_and_ends_where_the_truth_says(made):
    from msc_kedro.media.sound import read_mono

    folder, truth = made
    told = truth["01_the_lost_keys"]  # hardly any echo or noise
    sound = read_mono(folder / f"{told['name']}.mp4")
    step = RATE // 100
    frames = sound[: len(sound) // step * step].reshape(-1, step)
    power = 20 * np.log10(np.sqrt(np.mean(frames**2, axis=1)) + 1e-9)
    loud = power > -60
    said = np.zeros(len(loud), bool)
    for turn in told["turns"]:
        first, last = round(turn["start_s"] * 100), round(turn["end_s"] * 100)
        said[max(0, first - 2) : last + 2] = True
        assert loud[first : first + 4].any()
        assert loud[last - 5 : last].any()
    assert not loud[~said].any()


@pytest.mark.real
def test_cuts_are_found_where_the_truth_says(made):
    from msc_kedro.media.scenes import find_cuts

    folder, truth = made
    for name, told in truth.items():
        assert find_cuts(folder / f"{name}.mp4") == pytest.approx(told["cuts_s"], abs=0.2)


@pytest.mark.real
def test_the_words_are_heard(made, model_folder):
    from faster_whisper import WhisperModel

    from msc_kedro.metrics.speech import word_errors

    recogniser = WhisperModel(
        str(model_folder("asr")), device="cpu", compute_type="int8", cpu_threads=1
    )
    wrong = words = 0
    for _, turn, sound in spoken(made):
        segments, _ = recogniser.transcribe(sound, language="en", temperature=0)
        errors, count = word_errors(" ".join(part.text for part in segments), turn["text"])
        wrong, words = wrong + errors, words + count
    assert wrong / words < 0.1


@pytest.mark.real
def test_people_are_told_apart_in_every_room(made, model_folder):
    from msc_kedro.listening.embedding import SpeakerEncoder

    encode = SpeakerEncoder(model_folder("speaker_embedding"))
    heard = [(name, turn["speaker"], encode(sound)) for name, turn, sound in spoken(made)]
    same, other = [], []
    for place, (name, speaker, one) in enumerate(heard):
        for name2, speaker2, two in heard[:place]:
            if name == name2:
                (same if speaker == speaker2 else other).append(1 - float(one @ two))
    assert np.mean(same) < 0.4 < 0.6 < np.mean(other)
    assert np.quantile(same, 0.9) < np.quantile(other, 0.1)
