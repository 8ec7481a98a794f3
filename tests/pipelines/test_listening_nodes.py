"""speaker_assign and describe: kept per dialogue, gone on with, the same on any threads."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from made_media import tone

from msc_kedro.listening.gender import GenderGuess
from msc_kedro.listening.pitch import PitchTrack
from msc_kedro.listening.quality import QualityGuess
from msc_kedro.listening.reverberation import RoomGuess
from msc_kedro.media.sound import flac_bytes
from msc_kedro.pipelines.describe.nodes import describe_voices
from msc_kedro.pipelines.describe.parameters import DescribeParameters
from msc_kedro.pipelines.parameters import EngineParameters, SameVoiceParameters
from msc_kedro.pipelines.speaker_assign.nodes import _with_margins, assign_speakers_per_dialogue
from msc_kedro.pipelines.speaker_assign.parameters import SpeakerAssignParameters
from msc_kedro.tables import empty, schema, span_id
from msc_kedro.voice.grammar import VoiceLevels, read

DIALOGUES, TURNS = 4, 3
LOW, HIGH = 120.0, 240.0  # Hz: the two voices take turns


class Killed(Exception):
    """The process would be gone."""


class Model:
    """Stands for a network: counts what it hears, and dies at a given call."""

    def __init__(self, hears: Callable[[np.ndarray], Any], *, dies_at: int | None = None) -> None:
        self.calls, self._hears, self._dies_at = 0, hears, dies_at

    width = 2

    def __call__(self, samples: np.ndarray) -> Any:
        self.calls += 1
        if self.calls == self._dies_at:
            raise Killed
        return self._hears(samples)

    def opener(self, name: str = "model") -> Any:
        return SimpleNamespace(name=name, open=lambda: self)


def pitch_of(samples: np.ndarray) -> float:
    return float(np.count_nonzero(np.diff(np.signbit(samples))) / 2 / len(samples) * 16_000)


def voice_of(samples: np.ndarray) -> np.ndarray | None:
    if not samples.any():
        return None
    angle = pitch_of(samples) / 240
    return np.array([np.cos(angle), np.sin(angle)], np.float32)


def track_of(samples: np.ndarray) -> PitchTrack:
    f0 = np.full(40, pitch_of(samples))
    f0[::2] += 10.0 / 3.0
    return PitchTrack(np.arange(40) * 0.016, f0, f0 > 50)


def gender_of(samples: np.ndarray) -> GenderGuess | None:
    low = pitch_of(samples) < (LOW + HIGH) / 2
    return GenderGuess("male" if low else "female", 0.7 + 0.1 / 3.0) if samples.any() else None


def room_of(samples: np.ndarray) -> RoomGuess:
    if not samples.any():
        return RoomGuess(None, None, "silence")
    return RoomGuess(pitch_of(samples) / 5, 30.0)


def quality_of(samples: np.ndarray) -> QualityGuess:
    if not samples.any():
        return QualityGuess(None, None, None, "silence")
    return QualityGuess(pitch_of(samples) / 60, 3.0, 3.0)


AS_USUAL: dict[str, Any] = {
    "measures": ("gender", "pitch", "monotony", "pace", "reverberation"),
    "words": "v02",
    "edges": "published",
    "writer": "template",
    "tries": 2,
    "temperature": 0.6,
    "seed": 1,
    "quality": False,
}


@pytest.fixture(scope="module")
def sounds(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("sound")
    found = {}
    for place in range(DIALOGUES):
        turns = [tone(1, hz=(LOW, HIGH)[turn % 2] + place) for turn in range(TURNS)]
        if place == 0:
            turns[-1][:] = 0  # somebody who cannot be heard
        found[f"s{place}"] = folder / f"s{place}.flac"
        found[f"s{place}"].write_bytes(flac_bytes(np.concatenate(turns)))
    return found


@pytest.fixture(scope="module")
def utterances(sounds: dict[str, Path]) -> pd.DataFrame:
    rows = [
        {
            "utterance_id": span_id(source, turn, turn + 0.9),
            "dialogue_id": f"{source}-d",
            "name": None,
            "source_id": source,
            "turn": turn,
            "start_s": float(turn),
            "end_s": turn + 0.9,
            "text": "Hello there",
            "language": "en",
            "words": [{"word": "Hello", "start_s": turn, "end_s": turn + 0.8, "probability": 1.0}],
        }
        for source in sounds
        for turn in range(TURNS)
    ]
    return pd.DataFrame(rows[::-1])  # ids, never row order


@pytest.fixture
def assign(utterances: pd.DataFrame, sounds: dict[str, Path], tmp_path: Path) -> Callable[..., Any]:
    def run(
        model: Model,
        *,
        spoken: pd.DataFrame = utterances,
        threads: int = 1,
        work: str = "work",
        margin_s: float = 0.0,
        distance: float = 0.05,
        as_published: bool = False,
        link: str = "in_corpus",
        encoder: str = "model",
    ) -> pd.DataFrame:
        return assign_speakers_per_dialogue(
            spoken,
            empty("annotations"),
            sounds,
            model.opener(encoder),
            tmp_path / work,
            SpeakerAssignParameters(
                as_published=as_published,
                margin_s=margin_s,
                link=link,
                link_nearer_by=0.0,
            ),
            SameVoiceParameters(distance=distance, less_per_doubling=0.0, steepness=10.0),
            EngineParameters(threads=threads, shard_utterances=8),
        )

    return run


def test_voices_are_told_apart(assign: Callable[..., Any]) -> None:
    speakers = assign(Model(voice_of))
    schema("speakers").validate(speakers)
    known = speakers.set_index("utterance_id")["speaker"]
    assert [known[span_id("s1", turn, turn + 0.9)] for turn in range(3)] == ["A", "B", "A"]
    assert [known[span_id("s0", turn, turn + 0.9)] for turn in range(3)] == ["A", "B", "?"]


def test_people_are_known_again(assign: Callable[..., Any]) -> None:
    linked = assign(Model(voice_of)).set_index("utterance_id")["person"]
    low = {linked[span_id(f"s{place}", 0, 0.9)] for place in range(DIALOGUES)}
    high = {linked[span_id(f"s{place}", 1, 1.9)] for place in range(DIALOGUES)}
    assert low == {"person 1"} and high == {"person 2"}
    assert pd.isna(linked[span_id("s0", 2, 2.9)])  # nobody is heard
    within = assign(Model(voice_of), link="in_source").set_index("utterance_id")["person"]
    assert within.nunique() == 2 * DIALOGUES  # a dialogue each
    assert assign(Model(voice_of), link="nobody")["person"].isna().all()


def test_a_dialogue_of_clips_is_no_span_of_its_first(
    assign: Callable[..., Any], utterances: pd.DataFrame
) -> None:
    """Its people are linked with nobody of another dialogue."""
    clips = utterances.assign(
        dialogue_id=[f"clips {turn}" for turn in utterances["turn"]],
        turn=utterances["source_id"].str[1:].astype(int),
    )
    people = assign(Model(voice_of), spoken=clips, link="in_source").dropna(subset="person")
    linked = people.merge(clips, on="utterance_id").groupby("dialogue_id")["person"].agg(set)
    assert len(linked["clips 0"]) == 1 and not linked["clips 0"] & linked["clips 2"]


def test_margins_end_at_neighbours_of_the_same_recording() -> None:
    spans = [("a", 0.0, 0.9), ("b", 0.92, 1.8), ("a", 0.93, 1.9)]
    dialogue = pd.DataFrame(spans, columns=["source_id", "start_s", "end_s"])
    heard = [(start, end) for _, start, end in _with_margins(dialogue, 0.05)]
    assert sum(heard, ()) == pytest.approx((0.0, 0.93, 0.87, 1.85, 0.9, 1.95))


def test_as_published_noise_is_nobody(assign: Callable[..., Any]) -> None:
    speakers = assign(Model(voice_of), as_published=True)
    assert set(speakers["speaker"]) == {"?"} and speakers["person"].isna().all()


def test_telling_apart_goes_on_where_it_was_killed(assign: Callable[..., Any]) -> None:
    whole = assign(Model(voice_of), work="undisturbed")
    with pytest.raises(Killed):
        assign(Model(voice_of, dies_at=TURNS * 2 + 2))  # in the third dialogue
    again = Model(voice_of)
    pd.testing.assert_frame_equal(assign(again), whole, check_exact=True)
    assert again.calls == TURNS * 2
    assign(again)
    assign(again, distance=0.3)  # says how voices are grouped, not how they sound
    assert again.calls == TURNS * 2


def test_another_model_or_margin_listens_again(assign: Callable[..., Any]) -> None:
    model = Model(voice_of)
    for number, changed in enumerate(({}, {"margin_s": 0.05}, {"encoder": "another"}), start=1):
        assign(model, **changed)
        assert model.calls == number * DIALOGUES * TURNS


@pytest.fixture
def describe(
    utterances: pd.DataFrame, sounds: dict[str, Path], assign: Callable[..., Any], tmp_path: Path
) -> Callable[..., Any]:
    speakers = assign(Model(voice_of))

    def run(
        tracker: Model,
        *,
        threads: int = 1,
        work: str = "work",
        text: str = "",
        writer: Any = None,
        quality_meter: Any = None,
        without_sound: bool = False,
        everything: bool = False,
        **parameters: Any,
    ) -> Any:
        said = utterances.assign(text=text) if text else utterances
        said = said.assign(source_id=None) if without_sound else said
        splits = {f"s{place}-d": "train" if place else "test" for place in range(DIALOGUES)}
        made = describe_voices(
            said,
            speakers,
            pd.DataFrame({"dialogue_id": splits.keys(), "split": splits.values()}),
            sounds,
            tracker.opener(),
            Model(gender_of).opener("gender"),
            Model(room_of).opener("room"),
            quality_meter,  # None: it must not be asked for
            writer,
            tmp_path / work,
            DescribeParameters(**{**AS_USUAL, **parameters}),
            EngineParameters(threads=threads, shard_utterances=8),
        )
        return made if everything else made[0]

    return run


def test_voices_are_described(describe: Callable[..., Any], utterances: pd.DataFrame) -> None:
    voice = describe(Model(track_of))
    schema("voice").validate(voice)
    assert list(voice["utterance_id"]) == list(utterances["utterance_id"])
    known = voice.set_index("utterance_id")
    first, second, third = (known.loc[span_id("s1", turn, turn + 0.9)] for turn in range(3))
    assert (first["gender"], second["gender"]) == ("male", "female")
    assert first["speaker_pitch_hz"] == pytest.approx(
        (first["pitch_mean_hz"] + third["pitch_mean_hz"]) / 2
    )
    silent = known.loc[span_id("s0", 2, 2.9)]
    assert pd.isna(silent["pitch_mean_hz"]) and "pitch: too little" in silent["unmeasured"]


def test_levels_are_those_of_the_words_asked_for(describe: Callable[..., Any]) -> None:
    voice, levels, figures = describe(Model(track_of), words="v01", everything=True)
    assert {one["version"] for one in levels} == {"v01"}
    heard = voice.dropna(subset="reverberation")
    assert set(heard["reverberation"]) == {"very roomy sounding", "slightly confined sounding"}
    for one in heard.itertuples():
        told = read(one.description, version="v01")
        assert (told.reverberation, told.monotony) == (one.reverberation, one.monotony)
    assert figures["descriptions"] == len(voice) and figures["right_at_first_try"] is None


def test_edges_are_fitted_to_the_train_split_alone(describe: Callable[..., Any]) -> None:
    voice, levels, _ = describe(Model(track_of), edges="fitted", everything=True)
    fitted = {(one["measure"], one["gender"]): one for one in levels}
    train = voice[~voice["utterance_id"].str.startswith("s0")]
    room = fitted["reverberation", None]
    assert room["values"] == (DIALOGUES - 1) * TURNS
    assert room["edges"][0] == pytest.approx(train["c50_db"].min())
    assert room["edges"][-1] == pytest.approx(train["c50_db"].max())
    assert fitted["pitch", "male"]["values"] == DIALOGUES - 1  # each speaker once
    assert "too few" in fitted["noise", None]["source"]  # it is always the same


def test_only_what_is_asked_for_is_said(describe: Callable[..., Any]) -> None:
    voice = describe(Model(track_of), measures=("gender", "noise")).dropna(subset="noise")
    for one in voice.itertuples():
        assert read(one.description) == VoiceLevels(gender=one.gender, noise=one.noise)


def test_quality_is_measured_where_it_is_asked_for(describe: Callable[..., Any]) -> None:
    tracker, meter = Model(track_of), Model(quality_of)
    without = describe(tracker)
    assert without["quality_mos"].isna().all()
    assert not without["unmeasured"].str.contains("quality").any()
    taken = tracker.calls
    asked = {"quality": True, "quality_meter": meter.opener("quality")}
    voice = describe(tracker, **asked)
    schema("voice").validate(voice)
    assert tracker.calls == taken and meter.calls == len(voice)  # nothing else anew
    known = voice.set_index("utterance_id")
    assert known.loc[span_id("s1", 0, 0.9), "quality_mos"] == pytest.approx(LOW / 60, rel=0.05)
    silent = known.loc[span_id("s0", 2, 2.9)]
    assert pd.isna(silent["quality_mos"]) and silent["unmeasured"].endswith("quality: silence")
    assert voice["unmeasured"].str.contains("quality").sum() == 1
    columns = ["quality_mos", "unmeasured"]
    pd.testing.assert_frame_equal(voice.drop(columns=columns), without.drop(columns=columns))
    describe(tracker, **asked, text="Good evening")  # quality is not of the words
    assert meter.calls == len(voice)


def test_quality_of_what_is_not_there(describe: Callable[..., Any]) -> None:
    meter = Model(quality_of)
    asked = {"quality": True, "quality_meter": meter.opener()}
    voice = describe(Model(track_of), without_sound=True, **asked)
    assert meter.calls == 0 and voice["quality_mos"].isna().all()
    assert voice["unmeasured"].str.endswith("quality: its sound is missing").all()


def test_describing_goes_on_where_it_was_killed(describe: Callable[..., Any]) -> None:
    whole = describe(Model(track_of), work="undisturbed")
    with pytest.raises(Killed):
        describe(Model(track_of, dies_at=TURNS + 1))
    again = Model(track_of)
    pd.testing.assert_frame_equal(describe(again), whole, check_exact=True)
    assert again.calls == (DIALOGUES - 1) * TURNS
    describe(again, seed=2)  # words it otherwise, measures nothing
    assert again.calls == (DIALOGUES - 1) * TURNS
    describe(again, text="Good evening")  # the pace is of the words
    assert again.calls == (2 * DIALOGUES - 1) * TURNS


def test_threads_change_nothing(assign: Callable[..., Any], describe: Callable[..., Any]) -> None:
    import torch

    before = torch.get_num_threads()
    for step, model in ((assign, voice_of), (describe, track_of)):
        one, three = (
            step(Model(model), threads=threads, work=f"on {threads}") for threads in (1, 3)
        )
        pd.testing.assert_frame_equal(one, three, check_exact=True)
    assert torch.get_num_threads() == before  # other stages take as many as before


def test_networks_take_one_thread_each(assign: Callable[..., Any]) -> None:
    """Else figures differ in their last digits with the number of cores."""
    import torch

    found = set()

    def hears(samples: np.ndarray) -> np.ndarray | None:
        found.add(torch.get_num_threads())
        return voice_of(samples)

    for threads in (1, 3):
        assign(Model(hears), threads=threads, work=f"on {threads}")
    assert found == {1}
