"""What the cue corpus promises, and what its table makes of answers; nothing is learned here."""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

sys.path.append(str(Path(__file__).parents[2] / "benchmarks"))

import cue_ablation as cue
from cue_corpus import (
    CHANCE,
    KINDS,
    ORDERS,
    QUESTIONS,
    REVERSED,
    STATES,
    make_corpus,
    read_state,
)

from msc_kedro.execution.ragged import Ragged

BEST = dict.fromkeys(cue.PARTS, 1.0)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    return make_corpus(tmp_path_factory.mktemp("cues"), dialogues=150, split="test", seed=3)


def asked_with_frames(corpus):
    turns = {one.dialogue_id: one.turns for one in corpus.dialogues}
    for asked in corpus.asked:
        name = turns[asked.dialogue_id][asked.turn - 1 - asked.question.back].utterance_id
        shards = corpus.pictures if asked.question.sense == "video" else corpus.sounds
        yield asked, np.asarray(shards[name].values, float)


def test_each_question_is_a_sixth_and_each_modality_half(corpus):
    asked = pd.DataFrame([(a.question.name, a.question.sense) for a in corpus.asked])
    assert asked[0].value_counts().to_dict() == dict.fromkeys(cue.PARTS, len(asked) / 6)
    assert (asked[1] == "audio").mean() == 0.5


def test_drills_ask_for_what_is_hard_and_hold_its_answer(tmp_path):
    drills = make_corpus(tmp_path, dialogues=20, split="drill", seed=3, drill=True)
    assert [len(one.turns) for one in drills.dialogues] == [2] * 20
    assert [asked.question.name for asked in drills.asked] == ["burst"] * 10 + ["order"] * 10
    right = [
        read_state(asked.question.state, found) == asked.state
        for asked in drills.asked
        for found in [
            (drills.sounds if asked.question.sense == "audio" else drills.pictures)[
                f"{asked.dialogue_id}-00"
            ]
        ]
    ]
    assert all(right)


def test_text_holds_no_state_that_is_asked_for_later(corpus):
    """Said so far, with and without who is right now: the state is as if drawn."""
    turns = {one.dialogue_id: one.turns for one in corpus.dialogues}
    named = set()
    for asked in corpus.asked:
        question = asked.question
        assert turns[asked.dialogue_id][asked.turn - 1].text.endswith(question.asks)
        assert question.answers[asked.state] in turns[asked.dialogue_id][asked.turn].text
        state = (asked.dialogue_id, asked.turn - 1 - question.back, question.state)
        assert state not in named  # a state is named once, after it was asked for
        named.add(state)
    drawn = pd.DataFrame([(a.question.name, a.state) for a in corpus.asked])
    shares = drawn.groupby(0)[1].value_counts(normalize=True)
    assert shares.between(CHANCE - 0.02, CHANCE + 0.02).all()


def test_the_same_seed_gives_the_same_bytes_and_splits_differ(tmp_path):
    made = [
        make_corpus(tmp_path / str(i), dialogues=2, split=split, seed=1)
        for i, split in enumerate(("test", "test", "train"))
    ]
    files = [
        [path.read_bytes() for path in sorted((tmp_path / str(i)).rglob("*.safetensors"))]
        for i in range(3)
    ]
    assert files[0] == files[1] != files[2]
    assert made[0].dialogues == made[1].dialogues


def test_the_mean_over_frames_tells_tone_and_look_but_neither_burst_nor_order(corpus):
    means = {part: [] for part in cue.PARTS}
    for asked, values in asked_with_frames(corpus):
        means[asked.question.name].append((asked.state, values.mean(axis=0)))
    for part, rows in means.items():
        states = np.array([state for state, _ in rows])
        found = np.array([mean for _, mean in rows])
        if part in ("burst", "order"):  # nothing left, beyond the rounding of float16
            assert np.abs(found[:, 4:8]).max() < 2e-3
            apart = [found[states == state, :4].mean(axis=0) for state in range(STATES)]
            assert np.ptp(apart, axis=0).max() < 0.5  # other states' values, evenly spread
        else:
            assert (found[:, :4].argmax(axis=1) == states).mean() > 0.99


def test_one_who_knows_the_making_reads_nearly_all(corpus):
    assert min(cue.ceiling(corpus).values()) > 0.98


def test_reversed_frames_are_the_mirrored_order():
    assert [ORDERS[state][::-1] for state in REVERSED] == list(ORDERS)
    assert all(REVERSED[state] != state for state in range(STATES))


def test_reversed_frames_are_read_as_the_mirrored_order(corpus):
    for asked, values in asked_with_frames(corpus):
        if asked.question.name == "order":
            turned = Ragged(values[::-1], np.arange(len(values)))
            assert read_state("order", turned) == REVERSED[asked.state]


def answers_of(told, right, *, dialogues=60, seed=0):
    """A reply to each part per dialogue; `right` gives what is said of (part, state, draw)."""
    rng = np.random.default_rng(seed)
    rows = []
    for number in range(dialogues):
        for question in QUESTIONS:
            state = int(rng.integers(STATES))
            said = right(question.name, state, int(rng.integers(STATES)))
            rows.append((told, f"d{number}", question.name, question.sense, state, said, said))
    names = ["arm", "dialogue_id", "part", "sense", "state", "said", "voiced"]
    return pd.DataFrame(rows, columns=names).assign(seed=0, cpu_s=1.0)


def ideal(told):
    def right(part, state, guess):
        if told == cue.SHUFFLED:
            return guess
        if told == cue.BACKWARDS:
            return REVERSED[state] if part == "order" else state
        arm = next(arm for arm in cue.ARMS if arm.name == told)
        return state if arm.knows(part) else guess

    return answers_of(told, right)


TOLD = [*(arm.name for arm in cue.ARMS), cue.BACKWARDS, cue.SHUFFLED]


@pytest.mark.parametrize(
    ("told", "share"),
    zip(TOLD, [1 / 4, 5 / 8, 5 / 8, 1, 3 / 4, 3 / 4, 5 / 6, 1 / 4], strict=True),
)
def test_expected_is_what_is_known_plus_chance_on_the_rest(told, share):
    assert cue.expected(told, pd.Series(cue.PARTS), BEST) == pytest.approx(share)


def test_what_an_arm_cannot_know_lowers_the_line_and_so_does_the_ceiling():
    best = BEST | {"burst": 0.5}
    assert cue.expected("all three", pd.Series(cue.PARTS), best) == pytest.approx(5.5 / 6)
    assert cue.expected("text, video", pd.Series(cue.PARTS), best) == pytest.approx(5 / 8)


def test_ideal_answers_pass_every_check():
    found = cue.checks(pd.concat([ideal(told) for told in TOLD]), BEST)
    assert len(found) == 11
    assert [one.says for one in found if not one.holds] == []


@pytest.mark.parametrize("told", TOLD)
def test_answers_that_show_something_else_fail(told):
    """Right where nothing can be known; wrong where it can."""

    def other(part, state, guess):
        return (state + 1) % STATES if told in ("all three", cue.BACKWARDS) else state

    found = cue.checks(answers_of(told, other), BEST)
    assert found
    assert not any(one.holds for one in found)


def test_the_interval_draws_dialogues_not_replies():
    right = pd.Series([1.0] * 50 + [0.0] * 50)
    together = pd.Series(["a"] * 50 + ["b"] * 50)  # two dialogues, each all right or all wrong
    assert cue.interval(right, together) == (0.0, 1.0)
    low, high = cue.interval(right, pd.Series([str(i) for i in range(100)]))
    assert 0.38 < low < 0.42
    assert 0.58 < high < 0.62


def test_the_page_has_every_row_and_check():
    shown = cue.page(pd.concat([ideal(told) for told in TOLD]), BEST, cue.Size())
    assert all(f"| {told} |" in shown for told in TOLD)
    assert "**no**" not in shown


def test_every_other_utterance_when_shuffled_and_the_same_frames_when_turned(corpus):
    names = [turn.utterance_id for one in corpus.dialogues for turn in one.turns]
    load = cue.feature_loader(corpus.pictures, corpus.sounds)
    mixed, turned = cue.shuffled(lambda name: name, names, seed=0), cue.backwards(load)
    assert sorted(map(mixed, names)) == sorted(names)
    assert all(mixed(name) != name for name in names)
    assert np.array_equal(turned(names[0]).video, load(names[0]).video[::-1])
    assert np.array_equal(turned(names[0]).audio_times_s, load(names[0]).audio_times_s)


def test_states_are_all_asked_for():
    assert {question.state for question in QUESTIONS} == set(KINDS)
