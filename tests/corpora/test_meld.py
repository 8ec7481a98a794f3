"""MELD: its published layout, its known defects, and the real tables' counts."""

from __future__ import annotations

import csv
import os
import random
from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest

from msc_kedro.corpora.annotations import Counts, Defect, count, unnamed_clips
from msc_kedro.corpora.meld import TABLES, read_meld
from msc_kedro.errors import MscKedroError

HEADER = (
    "Sr No.,Utterance,Speaker,Emotion,Sentiment,Dialogue_ID,Utterance_ID,Season,Episode,"
    "StartTime,EndTime"
).split(",")
Cells = dict[str, str]


def row(dialogue: int, utterance: int, text: str = "Hi there.", **other: str) -> Cells:
    """A row as published; its times follow from its ids."""
    start_s = 60 + utterance * 4
    times = [f"00:{s // 60:02d}:{s % 60:02d},250" for s in (start_s, start_s + 3)]
    ids = [str(dialogue), str(utterance)]
    cells = ["1", text, "Ross", "neutral", "neutral", *ids, "8", "21", *times]
    return dict(zip(HEADER, cells, strict=True)) | other


def write_table(folder: Path, split: str, rows: list[Cells]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / TABLES[split][0]  # type: ignore[index]
    with path.open("w", encoding="utf-8", errors="surrogateescape", newline="") as file:
        writer = csv.DictWriter(file, HEADER)
        writer.writeheader()
        writer.writerows(rows)


def write_clips(folder: Path, split: str, rows: list[Cells]) -> Path:
    clips = folder / TABLES[split][1]  # type: ignore[index]
    clips.mkdir(parents=True, exist_ok=True)
    for cells in rows:
        (clips / clip(cells)).write_bytes(b"film")
    return clips


def clip(cells: Cells) -> str:
    return f"dia{cells['Dialogue_ID']}_utt{cells['Utterance_ID']}.mp4"


def test_a_turn_as_published(tmp_path: Path) -> None:
    rows = {
        "train": [row(0, 0), row(0, 1, "What?!", Speaker="Monica", Emotion="surprise")],
        "valid": [row(0, 0)],
        "test": [row(0, 0)],
    }
    for split, some in rows.items():  # as unpacked: train's table lies with its clips
        write_table(tmp_path / "train" if split == "train" else tmp_path, split, some)
        write_clips(tmp_path / "train" if split == "train" else tmp_path, split, some)
    read = read_meld(tmp_path)
    assert read.defects == ()
    assert [d.name for d in read.dialogues] == ["train/dia0", "valid/dia0", "test/dia0"]
    assert [d.split for d in read.dialogues] == ["train", "valid", "test"]
    assert read.dialogues[0].extra == {"season": "8", "episode": "21"}
    turn = read.dialogues[0].turns[1]
    assert (turn.name, turn.speaker, turn.text) == ("train/dia0_utt1", "Monica", "What?!")
    assert (turn.emotion, turn.sentiment) == ("surprise", "neutral")
    assert turn.media == "train/train_splits/dia0_utt1.mp4"
    assert (turn.start_s, turn.end_s, turn.sound) == (None, None, None)
    assert turn.extra == {"episode_start_s": "64.250", "episode_end_s": "67.250"}
    assert read == read_meld(tmp_path)


def test_tables_alone_are_read(tmp_path: Path) -> None:
    write_table(tmp_path, "test", [row(0, 0), row(0, 1)])
    read = read_meld(tmp_path)
    assert count(read, "test") == Counts(dialogues=1, turns=2, replies=1)
    assert all(turn.media is None for turn in read.dialogues[0].turns)
    assert read.defects == (
        Defect("train_sent_emo.csv", "the table is missing", "skipped"),
        Defect("dev_sent_emo.csv", "the table is missing", "skipped"),
        Defect(
            "output_repeated_splits_test", "none of its clips are there: 2 are named", "kept"
        ),
    )  # fmt: skip


def test_clips_without_their_table_are_told_once(tmp_path: Path) -> None:
    write_table(tmp_path, "test", [row(0, 0)])
    for split in ("valid", "test"):
        write_clips(tmp_path, split, [row(0, 0), row(0, 1)])
    assert unnamed_clips(read_meld(tmp_path)) == (
        "dev_splits_complete",
        "output_repeated_splits_test/dia0_utt1.mp4",
    )


def test_times_of_both_forms_and_of_none(tmp_path: Path) -> None:
    rows = [
        row(0, 0, StartTime="0:10:44,769", EndTime="0:10:46,146"),
        row(0, 1, StartTime="late", EndTime="0:10:50,000"),
    ]
    write_table(tmp_path, "train", rows)
    read = read_meld(tmp_path)
    first, second = read.dialogues[0].turns
    assert first.extra["episode_start_s"] == "644.769"
    assert second.extra == {}
    reason = "its times cannot be read: late to 0:10:50,000"
    assert Defect("train/dia0_utt1", reason, "kept") in read.defects


def test_a_table_without_a_column(tmp_path: Path) -> None:
    (tmp_path / "train_sent_emo.csv").write_text("Utterance,Speaker\nHi,Ross\n")
    with pytest.raises(MscKedroError, match=r"the columns Emotion, Sentiment, Dialogue_ID, .* are"):
        read_meld(tmp_path)


def real_tables() -> Path:
    folder = os.environ.get("MSC_REAL_DATA")
    if not folder:
        pytest.skip("MSC_REAL_DATA is not set: no real MELD tables at hand")
    return Path(folder) / "meld"


def test_counts_of_the_real_tables() -> None:
    read = read_meld(real_tables())
    assert count(read, "train") == Counts(dialogues=1038, turns=9989, replies=8951)
    assert count(read, "valid") == Counts(dialogues=114, turns=1109, replies=995)
    assert count(read, "test") == Counts(dialogues=280, turns=2610, replies=2330)
    for split, same in (("train", 0.224), ("valid", 0.213), ("test", 0.242)):
        turns = [d.turns for d in read.dialogues if d.split == split]
        pairs = [a.speaker == b.speaker for t in turns for a, b in pairwise(t)]
        assert round(sum(pairs) / len(pairs), 3) == same  # the next speaker is the same


def test_defects_of_the_real_tables() -> None:
    read = read_meld(real_tables())
    found = Counter((d.item.split("/")[0], d.kind) for d in read.defects)
    for kind, counts in {
        "utterance ids are missing": (72, 2, 2),
        "it starts before the turn before it": (23, 4, 4),
        "its text holds a stage direction": (9, 1, 2),
        "its text was in another encoding": (0, 0, 0),
        "its times are longer than 30 s": (1, 0, 2),
    }.items():
        assert tuple(found[split, kind] for split in ("train", "valid", "test")) == counts, kind
    one = {d.item: d.reason for d in read.defects}
    assert one["test/dia155_utt3"].startswith("its end is not after its start")
    assert one["train_sent_emo.csv"] == "dialogue ids are missing: 60"
    assert {"train/dia309_utt0", "test/dia38_utt4", "test/dia220_utt0"} <= {
        d.item for d in read.defects if d.kind.startswith("its times are longer")
    }
    assert not [d for d in read.defects if d.action != "kept"]


def test_planted_defects_and_no_others_are_found(tmp_path: Path) -> None:
    """1,000 rows, defects of every kind at seeded places: exactly those are found."""
    chance = random.Random(20240607)
    groups = [[row(d, u, f"Line {u} of talk {d}.") for u in range(10)] for d in range(101)]
    chance.shuffle(groups)
    places = iter(groups)  # one defect a dialogue, so that none hides another
    expected: list[Defect] = []
    skipped: list[Cells] = []

    def plant(kind: str, action: str, **cells: str) -> Cells:
        victim = chance.choice(next(places))
        victim.update(cells)
        name = f"train/{clip(victim).removesuffix('.mp4')}"
        expected.append(Defect(name, kind, action))  # type: ignore[arg-type]
        return victim

    for _ in range(3):
        still = chance.choice(next(places))
        still["EndTime"] = still["StartTime"]
        reason = f"its end is not after its start: {still['StartTime']} to {still['StartTime']}"
        expected.append(Defect(f"train/{clip(still).removesuffix('.mp4')}", reason, "kept"))
        plant("its times cannot be read:  to 9:00", "kept", StartTime="", EndTime="9:00")
        plant("its text was in another encoding", "repaired", Utterance="It\udc92s him.")
        plant("its text was in another encoding", "repaired", Utterance="It\x92s him.")
        plant("its text was in another encoding", "repaired", Utterance="Itâ€™s him.")
        plant("its text holds a stage direction", "kept", Utterance="Hi! (She leaves the")
        plant("its text has no word: !", "kept", Utterance="!")
        plant("its speaker is missing", "kept", Speaker="")
        plant("its emotion is none of the published: 'glee'", "kept", Emotion="glee")
        skipped.append(plant("its text is empty", "skipped", Utterance=" "))

    empty, missing = [], []
    for _ in range(4):
        for victims in (empty, missing):
            victims.append(chance.choice(next(places)))
    long = chance.choice(next(places))
    long["EndTime"] = "00:09:00,250"
    length = f"{540 - (60 + 4 * int(long['Utterance_ID']))} s for 5 words"
    reason = f"its times are longer than 30 s: {length}"
    expected.append(Defect(f"train/{clip(long).removesuffix('.mp4')}", reason, "kept"))

    early = next(places)
    early[5]["StartTime"] = "00:01:00,000"
    reason = "it starts before the turn before it: by 16.250 s"
    expected.append(Defect(f"train/{clip(early[5]).removesuffix('.mp4')}", reason, "kept"))
    for gone in (chance.randrange(1, 9) for _ in range(5)):
        group = next(places)
        name = f"train/dia{group[0]['Dialogue_ID']}"
        expected.append(Defect(name, f"utterance ids are missing: {gone}", "kept"))
        del group[gone]
    for _ in range(2):
        group = next(places)
        group[2], group[7] = group[7], group[2]
        name = f"train/dia{group[0]['Dialogue_ID']}"
        reason = "its rows are not in the order of their ids"
        expected.append(Defect(name, reason, "repaired"))
    lost = next(group for group in places if 0 < int(group[0]["Dialogue_ID"]) < 100)
    groups.remove(lost)
    reason = f"dialogue ids are missing: {lost[0]['Dialogue_ID']}"
    expected.append(Defect("train_sent_emo.csv", reason, "kept"))

    rows = [cells for group in groups for cells in group]
    good = len(rows) - len(skipped)
    again = [dict(chance.choice(next(places))) for _ in range(3)]
    for cells in again:
        rows.append(cells | {"Utterance": "The same again?"})
        name = clip(cells).removesuffix(".mp4")
        reason = f"an earlier row has the same ids: train/{name}"
        expected.append(Defect(f"train_sent_emo.csv, line {len(rows) + 1}", reason, "skipped"))
    rows.append(row(7, 0, Dialogue_ID="seven"))
    reason = "its ids are no numbers: 'seven', '0'"
    expected.append(Defect(f"train_sent_emo.csv, line {len(rows) + 1}", reason, "skipped"))

    write_table(tmp_path, "train", rows)
    with (tmp_path / "train_sent_emo.csv").open("a", encoding="utf-8") as file:
        file.write("1000,Oh, no commas quoted, Joey,joy,positive,1,1,1,1,0:00:01,000,0:00:02,000\n")
    assert len(rows) + 1 == 1000
    reason = "its cells are not as many as the columns: 14, 11"
    expected.append(Defect(f"train_sent_emo.csv, line {len(rows) + 2}", reason, "skipped"))
    for split in ("valid", "test"):
        write_table(tmp_path, split, [row(0, 0)])
        write_clips(tmp_path, split, [row(0, 0)])

    clips = write_clips(tmp_path, "train", [cells for cells in rows if cells not in rows[-1:]])
    for cells in empty:
        (clips / clip(cells)).write_bytes(b"")
        reason = f"its clip is empty: train_splits/{clip(cells)}"
        expected.append(Defect(f"train/{clip(cells).removesuffix('.mp4')}", reason, "kept"))
    for cells in missing:
        (clips / clip(cells)).unlink()
        reason = f"its clip is missing: train_splits/{clip(cells)}"
        expected.append(Defect(f"train/{clip(cells).removesuffix('.mp4')}", reason, "kept"))
    for cells in skipped:
        (clips / clip(cells)).unlink()
    test_clips = tmp_path / "output_repeated_splits_test"
    for path in (clips / "dia3_utt99.mp4", test_clips / "final_videos_testdia0_utt0.mp4"):
        path.write_bytes(b"film")
        expected.append(Defect(path.relative_to(tmp_path).as_posix(), "no row names it", "skipped"))
    (clips / "._dia3_utt1.mp4").write_bytes(b"Mac")
    reason = "it is a file that macOS leaves in archives"
    expected.append(Defect("train_splits/._dia3_utt1.mp4", reason, "skipped"))

    read = read_meld(tmp_path)
    assert sorted(read.defects, key=str) == sorted(expected, key=str)
    assert count(read, "train").turns == good == 992
    without = {turn.name for d in read.dialogues for turn in d.turns if turn.media is None}
    assert without == {f"train/{clip(cells).removesuffix('.mp4')}" for cells in empty + missing}
    texts = {turn.text for d in read.dialogues for turn in d.turns}
    assert "It’s him." in texts and "The same again?" not in texts
    assert all(
        [int(turn.name.rpartition("utt")[2]) for turn in d.turns]
        == sorted(int(turn.name.rpartition("utt")[2]) for turn in d.turns)
        for d in read.dialogues
    )
