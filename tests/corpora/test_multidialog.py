"""MultiDialog: json lines of the hub's layout, sound unpacked from its archives."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from msc_kedro.corpora.annotations import Defect
from msc_kedro.corpora.multidialog import read_multidialog
from msc_kedro.errors import MscKedroError

CONVERSATION = "t_ffa55df6-114d-4b36-87a1-7af6b8b63d9b"


def row(number: int, actor: str = "k", **other: Any) -> dict[str, Any]:
    name = f"{CONVERSATION}/{CONVERSATION}_{number}{actor}.wav"
    return {
        "file_name": name,
        "conv_id": CONVERSATION,
        "utterance_id": number,
        "from": "human" if number % 2 else "gpt",
        "value": f"Line {number}.",
        "emotion": "Happy",
        "original_full_path": f"valid_freq/{name}",
    } | other


def write(folder: Path, *rows: dict[str, Any] | str, subset: str = "valid_freq") -> Path:
    path = folder / "metadata" / subset / f"{subset}_metadata_0000.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [text if isinstance(text, str) else json.dumps(text) for text in rows]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def put(folder: Path, *names: str, content: bytes = b"sound") -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)


def here(read: Any) -> list[Defect]:
    """Defects but for the tables that these small corpora lack."""
    return [d for d in read.defects if d.kind != "the table is missing"]


def test_a_turn_as_published(tmp_path: Path) -> None:
    write(tmp_path, row(0), row(1, "d", emotion="Neutral"))
    put(tmp_path, *(f"data/valid_freq/{row(n, a)['file_name']}" for n, a in ((0, "k"), (1, "d"))))
    read = read_multidialog(tmp_path)
    assert here(read) == []
    assert [d.item for d in read.defects] == [
        "train_metadata", "valid_rare_metadata", "test_freq_metadata", "test_rare_metadata"
    ]  # fmt: skip
    (dialogue,) = read.dialogues
    assert (dialogue.name, dialogue.split) == (f"valid_freq/{CONVERSATION}", "valid")
    assert dialogue.extra == {"subset": "valid_freq"}
    first, second = dialogue.turns
    assert first.name == f"valid_freq/{CONVERSATION}_utt0"
    assert (first.speaker, first.text, first.emotion) == ("k", "Line 0.", "happy")
    assert first.media == f"data/valid_freq/{CONVERSATION}/{CONVERSATION}_0k.wav"
    assert (first.sound, first.start_s, first.sentiment) == (None, None, None)
    assert first.extra == {"role": "gpt", "gold_emotion": "yes"}
    assert second.extra == {"role": "human", "gold_emotion": "no"}


def test_each_subset_has_its_split(tmp_path: Path) -> None:
    for subset in ("train", "valid_freq", "valid_rare", "test_freq", "test_rare"):
        write(tmp_path, row(0), subset=subset)
    read = read_multidialog(tmp_path)
    assert {d.extra["subset"]: d.split for d in read.dialogues} == {
        "train": "train",
        "valid_freq": "valid",
        "valid_rare": "valid",
        "test_freq": "test",
        "test_rare": "test",
    }
    assert len({d.name for d in read.dialogues}) == 5  # the same conversation, told apart


def test_a_video_beside_the_sound_is_the_media(tmp_path: Path) -> None:
    write(tmp_path, row(0), row(1))
    put(tmp_path, *(f"data/{row(n)['file_name']}" for n in (0, 1)))
    put(tmp_path, f"video/{CONVERSATION}_0k.mp4")
    put(tmp_path, f"video/{CONVERSATION}_1k.mp4", content=b"")
    read = read_multidialog(tmp_path)
    first, second = read.dialogues[0].turns
    assert (first.media, first.sound) == (
        f"video/{CONVERSATION}_0k.mp4",
        f"data/{CONVERSATION}/{CONVERSATION}_0k.wav",
    )
    assert (second.media, second.sound) == (f"data/{row(1)['file_name']}", None)
    reason = f"its clip is empty: video/{CONVERSATION}_1k.mp4"
    assert here(read) == [Defect(f"valid_freq/{CONVERSATION}_utt1", reason, "kept")]


def test_packed_archives_are_told(tmp_path: Path) -> None:
    write(tmp_path, row(0))
    assert here(read_multidialog(tmp_path)) == [
        Defect("data/valid_freq", "none of its clips are there: 1 are named", "kept")
    ]
    archive = "data/valid_freq/valid_freq_chunks_0000.tar.gz"
    put(tmp_path, archive)
    assert here(read_multidialog(tmp_path)) == [
        Defect("data/valid_freq", f"its archives are not unpacked: {archive}", "kept")
    ]


def test_every_kind_of_defect(tmp_path: Path) -> None:
    rows: list[dict[str, Any] | str] = [
        row(1),
        row(0),
        row(0, value="Again."),
        row(2, value=" "),
        '{"conv_id": "t_cut off',
        row(3, conv_id=None),
        row(5, value="It\u0092s so."),
        row(6, emotion="bored"),
        row(7, file_name=None),
        row(8, file_name="sound.wav"),
        row(9, file_name=f"{CONVERSATION}_4k.wav"),
    ]
    write(tmp_path, *rows, subset="test_rare")
    numbers = (0, 1, 5)
    put(tmp_path, *(f"x/{row(n)['file_name']}" for n in numbers), "x/extra.wav", "x/sound.wav")
    put(tmp_path, f"x/{CONVERSATION}_4k.wav")
    read = read_multidialog(tmp_path)
    table = "metadata/test_rare/test_rare_metadata_0000.jsonl"
    dialogue = f"test_rare/{CONVERSATION}"
    lost = f"{CONVERSATION}/{CONVERSATION}_6k.wav"
    assert here(read) == [
        Defect(f"{table}, line 3", f"an earlier row has the same ids: {dialogue}_utt0", "skipped"),
        Defect(f"{dialogue}_utt2", "its text is empty", "skipped"),
        Defect(f"{table}, line 5", "it is no json object", "skipped"),
        Defect(f"{table}, line 6", "its ids are missing: None, 3", "skipped"),
        Defect(f"{dialogue}_utt5", "its text was in another encoding", "repaired"),
        Defect(f"{dialogue}_utt6", "its emotion is none of the published: 'bored'", "kept"),
        Defect(f"{dialogue}_utt7", "its sound is not named", "kept"),
        Defect(f"{dialogue}_utt8", "its file's name tells no actor: sound.wav", "kept"),
        Defect(
            f"{dialogue}_utt9", f"its file has another number: {CONVERSATION}_4k.wav", "kept"
        ),
        Defect(dialogue, "utterance ids are missing: 3 to 4", "kept"),
        Defect(dialogue, "its rows are not in the order of their ids", "repaired"),
        Defect(f"{dialogue}_utt6", f"its clip is missing: {lost}", "kept"),
        Defect("x/extra.wav", "no row names it", "skipped"),
    ]  # fmt: skip
    turns = read.dialogues[0].turns
    assert [turn.text for turn in turns[:3]] == ["Line 0.", "Line 1.", "It’s so."]
    assert turns[4].speaker == "human"  # no file tells the actor


@pytest.mark.parametrize("name", ["../../secret.wav", "/etc/passwd"])
def test_a_sound_outside_the_folder_is_refused(tmp_path: Path, name: str) -> None:
    write(tmp_path, row(0, file_name=name))
    with pytest.raises(MscKedroError, match=r"_0000.jsonl, line 1: .* not a path within"):
        read_multidialog(tmp_path)
