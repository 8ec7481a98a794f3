import numpy as np
import pytest

from msc_kedro.dialogue.collate import (
    FeatureBudget,
    UtteranceFeatures,
    collate,
    features_of_packs,
    has_frames,
)
from msc_kedro.dialogue.packing import make_pack
from msc_kedro.dialogue.prompt import PromptStyle, dialogue_prompt
from msc_kedro.dialogue.turns import Dialogue, Turn
from msc_kedro.dialogue.units import reply_unit
from msc_kedro.errors import MscKedroError


def features(frames, heard, width=4):
    return UtteranceFeatures(
        video=np.arange(frames * width, dtype=np.float16).reshape(frames, width),
        times_s=np.arange(frames, dtype=np.float32) / 3,
        audio=np.arange(heard * 2, dtype=np.float32).reshape(heard, 2),
        audio_times_s=np.arange(heard, dtype=np.float32) / 31.25,
    )


STORE = {
    "a": features(2, 5),
    "b": features(4, 1),
    "silent": UtteranceFeatures(features(3, 0).video, features(3, 0).times_s, None),
    "empty": features(0, 3),
    "wide": features(1, 1, width=7),
}


def test_pads_to_the_longest_and_says_so():
    batch = collate({"video": ["a", "b"], "audio": ["b"]}, STORE.__getitem__)
    video = batch["video"]
    assert video.values.shape == (2, 4, 4) and video.values.dtype == np.float32
    assert video.mask.tolist() == [[True, True, False, False], [True] * 4]
    assert video.lengths.tolist() == [2, 4]
    assert (video.values[0, :2] == STORE["a"].video).all() and not video.values[0, 2:].any()
    assert video.times_s[1].tolist() == pytest.approx([0, 1 / 3, 2 / 3, 1])
    assert batch["audio"].utterance_ids == ("b",)


def test_the_last_vectors_are_kept_with_their_own_times():
    budget = FeatureBudget(video_frames=3, audio_vectors=2)
    batch = collate({"video": ["b"], "audio": ["a"]}, STORE.__getitem__, budget)
    assert (batch["video"].values[0] == STORE["b"].video[1:]).all()
    assert batch["video"].times_s[0].tolist() == pytest.approx([1 / 3, 2 / 3, 1])
    assert batch["audio"].times_s[0].tolist() == pytest.approx([3 / 31.25, 4 / 31.25])


def test_what_is_missing_is_masked():
    batch = collate({"video": ["empty", "a"], "audio": ["silent", "a"]}, STORE.__getitem__)
    assert batch["video"].mask.any(axis=1).tolist() == [False, True]
    assert batch["audio"].lengths.tolist() == [0, 5]
    has = has_frames(STORE.__getitem__)
    assert [has("silent", "video"), has("silent", "audio")] == [True, False]
    assert [has("empty", "video"), has("empty", "audio")] == [False, True]


def test_an_utterance_of_several_packs_is_there_once():
    dialogue = Dialogue("d", "train", tuple(Turn(u, "A", "x") for u in ("a", "b", "silent", "a2")))
    tokens = type("T", (), {"bos_id": 1, "eos_id": 2, "encode": lambda self, text: [3] * len(text)})
    prompt = dialogue_prompt(
        dialogue,
        tokens=tokens(),
        style=PromptStyle(),
        has=lambda u, s: (u, s) != ("silent", "audio"),
    )
    slots = {"video": 2, "audio": 2}
    packs = [
        make_pack([reply_unit(prompt, k, slots=slots, history_tokens=None)], slots=slots)
        for k in (1, 2, 3)
    ]
    batch = features_of_packs(packs, STORE.__getitem__)
    assert batch["video"].utterance_ids == ("a", "b", "silent")
    assert batch["audio"].utterance_ids == ("a", "b")


def test_features_of_two_encoders_are_refused():
    with pytest.raises(MscKedroError, match=r"widths differ.*featurize"):
        collate({"video": ["a", "wide"]}, STORE.__getitem__)


def test_times_must_match_the_frames():
    wrong = UtteranceFeatures(STORE["a"].video, np.zeros(3, np.float32), None)
    with pytest.raises(MscKedroError, match="2 vectors of video but 3 times"):
        collate({"video": ["a"]}, lambda _: wrong)
    without = UtteranceFeatures(None, None, STORE["a"].audio)
    with pytest.raises(MscKedroError, match="5 vectors of audio but 0 times"):
        collate({"audio": ["a"]}, lambda _: without)
