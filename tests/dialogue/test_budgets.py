"""One budget of frames for a whole history."""

import numpy as np
from toy_agent import toy_dialogue

from msc_kedro.dialogue.budgets import lengths_of, limit_history
from msc_kedro.dialogue.collate import FeatureBudget, UtteranceFeatures, features_of_packs
from msc_kedro.dialogue.packing import excerpt, make_pack, of_excerpt
from msc_kedro.dialogue.prompt import PromptStyle, SlotPiece, dialogue_prompt
from msc_kedro.dialogue.units import reply_unit

SLOTS = {"video": 3, "audio": 2}
FRAMES = {"d-0": (4, 10), "d-1": (3, 10), "d-2": (0, 10), "d-3": (5, 10)}  # video, audio


class Letters:
    bos_id = 1
    eos_id = 2

    def encode(self, text):
        return [ord(sign) for sign in text]


def load(name):
    frames, heard = FRAMES[name]
    return UtteranceFeatures(
        video=np.arange(frames, dtype=np.float32)[:, None] + 100,
        times_s=np.arange(frames) / 3,
        audio=np.arange(heard, dtype=np.float32)[:, None],
        audio_times_s=np.arange(heard) / 50,
    )


def shown(prompt):
    """What the slots of a prompt read: utterance, modality, how many of its last vectors."""
    return [
        (piece.utterance_id, piece.modality, piece.last)
        for pieces in prompt.turns
        for piece in pieces
        if isinstance(piece, SlotPiece)
    ]


def prompt_of():
    lengths = lengths_of(load)
    return dialogue_prompt(
        toy_dialogue("d", turns=4),
        tokens=Letters(),
        style=PromptStyle(),
        has=lambda name, sense: lengths(name, sense) > 0,
    )


def limited(turn, **budget):
    made = FeatureBudget(**{"video_frames": 50, "audio_vectors": 800, **budget}, over="history")
    return limit_history(prompt_of(), turn, lengths=lengths_of(load), budget=made)


def test_the_newest_frames_are_kept():
    prompt = limited(3, video_frames=5, audio_vectors=14)
    assert [read for read in shown(prompt) if read[0] != "d-3"] == [
        ("d-0", "video", 2),
        ("d-1", "video", None),
        ("d-1", "audio", 4),
        ("d-2", "audio", None),
    ]
    texts = [pieces[-1] for pieces in prompt.turns]
    assert texts == [pieces[-1] for pieces in prompt_of().turns]  # what was said stays


def test_enough_for_all_changes_nothing():
    assert limited(3) == prompt_of()


def test_each_reply_has_its_own_excerpts():
    units = [
        reply_unit(limited(turn, video_frames=5), turn, slots=SLOTS, history_tokens=None)
        for turn in (2, 3)
    ]
    pack = make_pack(units, slots=SLOTS)
    batch = features_of_packs([pack], load)["video"]
    assert batch.utterance_ids == (excerpt("d-0", 2), "d-1")
    assert batch.lengths.tolist() == [2, 3]
    assert batch.values[0, :2, 0].tolist() == [102, 103]
    assert batch.times_s[0, :2].tolist() == np.float32([2 / 3, 1]).tolist()
    third = make_pack(
        [reply_unit(limited(3, video_frames=6), 3, slots=SLOTS, history_tokens=None), units[0]],
        slots=SLOTS,
    )
    read = features_of_packs([third], load)["video"]
    assert sorted(zip(read.utterance_ids, read.lengths.tolist(), strict=True)) == [
        ("d-0\x1f2", 2),
        ("d-0\x1f3", 3),
        ("d-1", 3),
    ]


def test_an_excerpt_is_read_back():
    assert of_excerpt(excerpt("train/dia0_utt3", 12)) == ("train/dia0_utt3", 12)
    assert of_excerpt(excerpt("train/dia0_utt3", None)) == ("train/dia0_utt3", None)
