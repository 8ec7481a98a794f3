"""MSC: spans of the published list in the user's own videos."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from msc_kedro.corpora.annotations import Defect, unnamed_clips
from msc_kedro.corpora.msc import read_msc
from msc_kedro.errors import MscKedroError

SPANS = {
    "English Conversation 01.mp4": [[19.786, 114.185], [124.58, 207.368]],
    "English Conversation 27.mp4": [[216.143, 215.654], [220.0, 300.5]],
    "English Conversation 34.mp4": [[129.153, 169.501], [169.214, 177.061]],
}


def make(folder: Path, spans: Any = SPANS, videos: tuple[str, ...] = ()) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "timestamp.json").write_text(json.dumps(spans), encoding="utf-8")
    for name in videos:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"film")
    return folder


def test_dialogues_are_spans_numbered_as_published(tmp_path: Path) -> None:
    read = read_msc(make(tmp_path, videos=tuple(f"raw_video/{name}" for name in SPANS)))
    assert [(d.name, d.start_s, d.end_s) for d in read.dialogues] == [
        ("dia0", 19.786, 114.185),
        ("dia1", 124.58, 207.368),
        ("dia2", 220.0, 300.5),  # the inverted span before it has no number
        ("dia3", 129.153, 169.501),
        ("dia4", 169.214, 177.061),
    ]
    assert read.dialogues[2].media == "raw_video/English Conversation 27.mp4"
    assert read.dialogues[2].extra == {"video": "English Conversation 27.mp4"}
    assert all(d.split is None and d.turns == () for d in read.dialogues)
    reason = "its end is not after its start: 216.143 to 215.654 s"
    assert read.defects == (
        Defect("English Conversation 27.mp4, span 0", reason, "skipped"),
        Defect("dia4", "it overlaps the span before it: by 0.287 s", "kept"),
    )


def test_missing_videos_are_told_once_each_and_others_named(tmp_path: Path) -> None:
    copies = ("english conversation 01.webm", "English Conversation 30.mp4")
    read = read_msc(make(tmp_path, videos=copies))
    assert [d.media for d in read.dialogues] == [copies[0], copies[0], None, None, None]
    missing = [d for d in read.defects if d.kind == "the video is missing"]
    assert [d.item for d in missing] == list(SPANS)[1:]
    assert unnamed_clips(read) == ("English Conversation 30.mp4",)


def test_an_empty_video_and_two_of_one_name(tmp_path: Path) -> None:
    name = "English Conversation 01.mp4"
    folder = make(tmp_path, {name: [[0, 9]]}, (name,))
    (folder / name).write_bytes(b"")
    read = read_msc(folder)
    assert read.dialogues[0].media is None
    assert read.defects == (Defect(name, "the video is empty", "kept"),)
    make(folder, {name: [[0, 9]]}, (f"other/{name}",))
    with pytest.raises(MscKedroError, match=r"holds 2 videos for 'English .*Keep one"):
        read_msc(folder)


def test_the_published_splits(tmp_path: Path) -> None:
    make(tmp_path, videos=tuple(SPANS))
    for split, ids in (("train", [0, 2]), ("valid", [3]), ("test", [4, 9])):
        (tmp_path / f"{split}_dictionary.json").write_text(
            json.dumps({str(number): place for place, number in enumerate(ids)})
        )
    read = read_msc(tmp_path)
    assert [d.split for d in read.dialogues] == ["train", None, "train", "valid", "test"]
    reason = "the published split names dialogues that the list lacks: 9"
    assert Defect("timestamp.json", reason, "kept") in read.defects
    assert Defect("dia1", "no published split names it", "kept") in read.defects
    (tmp_path / "valid_dictionary.json").write_text('{"0": 0}')
    with pytest.raises(MscKedroError, match=r"the dialogue '0' is also in train"):
        read_msc(tmp_path)


def test_the_table_of_the_published_steps_gives_turns(tmp_path: Path) -> None:
    make(tmp_path, videos=(*SPANS, "utt_video/dia1_utt0.mp4", "utt_video/dia1_utt7.mp4"))
    table = "utterance_speakerID.csv"
    (tmp_path / table).write_bytes(
        b"Dialogue_ID,Utterance_ID,Utterance,timestamp,Speaker_ID\n"
        b'1,1, Let\x92s go.,"(1.2, 2.0)",-1\n'
        b'1,0,Hello.,"(0.0, 1.2)",0\n'
        b'1,0,Hello?,"(0.0, 1.2)",0\n'
        b'1,2,,"(2.0, 2.1)",0\n'
        b'99,0,Who?,"(0.0, 1.0)",0\n'
    )
    read = read_msc(tmp_path)
    hello, go = read.dialogues[1].turns
    assert (hello.name, hello.speaker, hello.text) == ("dia1_utt0", "0", "Hello.")
    assert hello.media == "utt_video/dia1_utt0.mp4"
    assert hello.extra == {"scene_times": "(0.0, 1.2)"}
    assert (go.speaker, go.text, go.media) == ("alone_1", "Let’s go.", None)
    assert read.defects[2:] == (
        Defect("dia1_utt1", "its text was in another encoding", "repaired"),
        Defect("dia1_utt1", "its speaker is in no cluster", "repaired"),
        Defect(f"{table}, line 4", "an earlier row has the same ids: dia1_utt0", "skipped"),
        Defect("dia1_utt2", "its text is empty", "skipped"),
        Defect(f"{table}, line 6", "its ids are none of the list: '99', '0'", "skipped"),
        Defect("dia1_utt1", "its clip is missing: utt_video/dia1_utt1.mp4", "kept"),
        Defect("utt_video/dia1_utt7.mp4", "no row names it", "skipped"),
    )  # fmt: skip


@pytest.mark.parametrize(
    "spans",
    [[], {}, {"a.mp4": 3}, {"a.mp4": [[1, "2"]]}, {"a.mp4": [[1]]}, {"a.mp4": [[-1, 2]]},
     {"a.mp4": [[0, float("inf")]]}],
)  # fmt: skip
def test_a_list_of_another_shape(tmp_path: Path, spans: Any) -> None:
    with pytest.raises(MscKedroError, match=r"timestamp.json: expected an object of video names"):
        read_msc(make(tmp_path, spans))


def test_a_video_outside_the_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MscKedroError, match=r"'../film.mp4' is not a path within"):
        read_msc(make(tmp_path, {"../film.mp4": [[0, 1]]}))
