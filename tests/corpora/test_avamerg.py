"""AvaMERG: conversations quoted turn by turn, with the gold chain of empathy."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from msc_kedro.corpora.annotations import SAME_IDS, Defect, count
from msc_kedro.corpora.avamerg import read_avamerg
from msc_kedro.errors import MscKedroError

LINES = ["I lost my dog.", "Oh no, I am sorry.", "He was old.", "You must miss him."]
CHAIN = {
    "event_scenario": "The dog died.",
    "speaker_emotion": "Sad",
    "emotion_cause": "Losing a companion.",
    "goal_to_response": "Comforting",
}


def conversation(number: str = "01118", lines: list[str] = LINES, **other: Any) -> dict[str, Any]:
    """As published: each turn repeats the history and adds a response."""
    turns = []
    for reply in range(1, len(lines), 2):
        history = [
            {"index": i, "role": ("speaker", "listener")[i % 2], "utterance": lines[i]}
            for i in range(reply)
        ]
        turns.append(
            {
                "turn_id": str(reply // 2),
                "context": "A pet dies.",
                "dialogue_history": history,
                "response": lines[reply],
                "chain_of_empathy": dict(CHAIN),
            }
        )
    return {
        "conversation_id": number,
        "speaker_profile": {"age": "young", "gender": "male", "timbre": "high", "ID": 28},
        "listener_profile": {"age": "elderly", "gender": "female", "timbre": "low", "ID": 16},
        "topic": "Loss",
        "turns": turns,
    } | other


def write(folder: Path, *conversations: Any, name: str = "train.json") -> Path:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(json.dumps(conversations), encoding="utf-8")
    return folder


def put(folder: Path, number: str = "01118", turns: int = 4, where: str = "") -> None:
    for kind, suffix in (("video", ".mp4"), ("audio", ".wav")):
        place = folder / where / f"{kind}_v5_0"
        place.mkdir(parents=True, exist_ok=True)
        for index in range(turns):
            (place / f"dia{number}utt{index}_{(28, 16)[index % 2]}{suffix}").write_bytes(b"x")


def test_a_conversation_as_published(tmp_path: Path) -> None:
    write(tmp_path, conversation())
    put(tmp_path)
    read = read_avamerg(tmp_path)
    assert read.defects == ()
    (dialogue,) = read.dialogues
    assert (dialogue.name, dialogue.split) == ("train/dia01118", "train")
    assert dialogue.extra == {"topic": "Loss"}
    assert [turn.text for turn in dialogue.turns] == LINES
    assert [turn.speaker for turn in dialogue.turns] == ["speaker", "listener"] * 2
    assert [turn.emotion for turn in dialogue.turns] == ["sad", None, "sad", None]
    said, reply = dialogue.turns[:2]
    assert said.name == "train/dia01118utt0"
    assert said.media == "video_v5_0/dia01118utt0_28.mp4"
    assert said.sound == "audio_v5_0/dia01118utt0_28.wav"
    profile = {"age": "young", "gender": "male", "timbre": "high", "profile_id": "28"}
    assert said.extra == profile
    profile = {"age": "elderly", "gender": "female", "timbre": "low", "profile_id": "16"}
    assert reply.extra == profile | CHAIN | {"context": "A pet dies."}
    assert count(read).replies == 3


def test_sound_alone_is_the_media_and_json_alone_is_read(tmp_path: Path) -> None:
    write(tmp_path, conversation())
    read = read_avamerg(tmp_path)
    assert read.defects == tuple(
        Defect(f"{s} files of train.json", "none of its clips are there: 4 are named", "kept")
        for s in (".mp4", ".wav")
    )
    put(tmp_path)
    for path in (tmp_path / "video_v5_0").iterdir():
        path.unlink()
    turn = read_avamerg(tmp_path).dialogues[0].turns[0]
    assert (turn.media, turn.sound) == ("audio_v5_0/dia01118utt0_28.wav", None)


def test_splits_have_their_own_media(tmp_path: Path) -> None:
    bare = conversation("00001")
    for turn in bare["turns"]:
        del turn["chain_of_empathy"]
    write(tmp_path, conversation("00001"))
    write(tmp_path, bare, name="test/test.json")
    put(tmp_path, "00001")
    read = read_avamerg(tmp_path)
    train, test = read.dialogues
    assert test.split == "test"
    assert all(turn.media for turn in train.turns)
    assert not any(turn.media for turn in test.turns)  # train's are not taken for test's
    assert read.defects[0] == Defect("test/test.json", "no reply has a chain of empathy", "kept")
    put(tmp_path, "00001", where="test")
    places = [turn.media or "" for turn in read_avamerg(tmp_path).dialogues[1].turns]
    assert all(place.startswith("test/video") for place in places)


def test_every_kind_of_defect(tmp_path: Path) -> None:
    odd = conversation("2")
    odd["turns"][1]["dialogue_history"][0]["utterance"] = "I lost my cat."
    odd["turns"][1]["response"] = "You miss\u0092 him."
    mute = conversation("3")
    mute["turns"][1]["response"] = None
    gap = conversation("4")
    del gap["turns"][0]
    del gap["turns"][0]["dialogue_history"][1]
    empty = conversation("5", ["", "Yes?"])
    broken = conversation("6")
    broken["turns"][0]["dialogue_history"] = [{"utterance": "Hm."}]
    rows = [conversation("1"), conversation("1"), conversation(""), odd, mute, gap, empty, broken]
    write(tmp_path, *rows, {"conversation_id": "7", "turns": []})
    for number, turns in (("1", 4), ("2", 4), ("3", 3), ("4", 4), ("5", 2), ("6", 4), ("8", 1)):
        put(tmp_path, number, turns)
    (tmp_path / "audio_v5_0/dia1utt0_28.wav").unlink()
    (tmp_path / "video_v5_0/dia1utt1_16.mp4").write_bytes(b"")
    read = read_avamerg(tmp_path)
    extra = [
        f"{kind}_v5_0/dia{name}.{suffix}"
        for kind, suffix in (("audio", "wav"), ("video", "mp4"))
        for name in ("4utt1_16", "5utt0_28", "8utt0_28")
    ]
    assert list(read.defects) == [
        Defect("train.json, conversation 1", f"{SAME_IDS}: train/dia1", "skipped"),
        Defect("train.json, conversation 2", "its id is missing", "skipped"),
        Defect("train/dia2utt0", "another turn quotes it otherwise", "kept"),
        Defect("train/dia2utt3", "its text was in another encoding", "repaired"),
        Defect("train/dia3utt3", "its reply is missing", "kept"),
        Defect("train/dia4", "utterance ids are missing: 1", "kept"),
        Defect("train/dia5utt0", "its text is empty", "skipped"),
        Defect("train/dia6", "a history lacks an index or role: turn 0", "skipped"),
        Defect("train/dia7", "it has no utterance", "skipped"),
        Defect("train/dia1utt1", "its clip is empty: video_v5_0/dia1utt1_16.mp4", "kept"),
        Defect("train/dia1utt0", "its clip is missing: dia1utt0_28.wav", "kept"),
        *(Defect(path, "no row names it", "skipped") for path in extra),
    ]  # fmt: skip
    texts = {turn.name: turn.text for d in read.dialogues for turn in d.turns}
    assert texts["train/dia2utt0"] == LINES[0]
    assert texts["train/dia2utt3"] == "You miss’ him."
    turns = {turn.name: turn for d in read.dialogues for turn in d.turns}
    assert turns["train/dia1utt0"].media == "video_v5_0/dia1utt0_28.mp4"
    assert turns["train/dia1utt1"].media == "audio_v5_0/dia1utt1_16.wav"


def test_other_json_of_that_name(tmp_path: Path) -> None:
    write(tmp_path, {"text": "hello"})
    with pytest.raises(MscKedroError, match=r"train.json: expected a list of conversations"):
        read_avamerg(tmp_path)


@pytest.mark.parametrize(
    "talk",
    [conversation("../../x"), conversation(listener_profile={"ID": "../x"})],
)
def test_an_id_that_leads_out_is_refused(tmp_path: Path, talk: dict[str, Any]) -> None:
    with pytest.raises(MscKedroError, match=r"train.json, conversation 0: .* not a path within"):
        read_avamerg(write(tmp_path, talk))
