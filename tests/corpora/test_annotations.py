"""What all annotated corpora share: counting, defects of clips and ids, careful reading."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from msc_kedro.corpora.annotations import (
    AnnotatedDialogue,
    AnnotatedTurn,
    Annotations,
    Counts,
    Defect,
    clip_defects,
    count,
    id_gaps,
    order_defects,
    unnamed_clips,
    unnamed_defects,
    usable,
)
from msc_kedro.corpora.avamerg import read_avamerg
from msc_kedro.corpora.files import (
    find_file,
    inside,
    list_files,
    read_json,
    read_text,
    repaired,
    table_rows,
    whole_number,
)
from msc_kedro.corpora.meld import read_meld
from msc_kedro.corpora.msc import read_msc
from msc_kedro.corpora.multidialog import read_multidialog
from msc_kedro.errors import MscKedroError

READERS: list[Callable[[Path], Annotations]] = [
    read_meld,
    read_msc,
    read_multidialog,
    read_avamerg,
]


def dialogue(name: str, split: str | None, turns: int) -> AnnotatedDialogue:
    made = tuple(AnnotatedTurn(f"{name}_{i}", "A", "Hello.") for i in range(turns))
    return AnnotatedDialogue(name, split, made)  # type: ignore[arg-type]


def test_counts_of_a_split_and_of_all() -> None:
    sizes = [("train", 3), ("train", 1), ("test", 2), (None, 0)]
    made = tuple(dialogue(str(i), split, turns) for i, (split, turns) in enumerate(sizes))
    annotations = Annotations(made, ())
    assert count(annotations, "train") == Counts(dialogues=2, turns=4, replies=2)
    assert count(annotations, "valid") == Counts(0, 0, 0)
    assert count(annotations) == Counts(dialogues=4, turns=6, replies=3)


@given(st.sets(st.integers(0, 60)))
def test_gaps_and_ids_make_the_whole_range(ids: set[int]) -> None:
    missing: set[int] = set()
    for gap in id_gaps(ids):
        first, _, last = gap.partition(" to ")
        missing |= set(range(int(first), int(last or first) + 1))
    assert not missing & ids
    assert missing | ids == set(range(max(ids, default=-1) + 1))


def test_a_huge_id_costs_nothing() -> None:
    assert id_gaps([0, 10**18]) == [f"1 to {10**18 - 1}"]


def test_order_and_gaps_of_a_dialogue() -> None:
    assert order_defects("d", [0, 1, 2]) == []
    assert order_defects("d", [0, 3, 1]) == [
        Defect("d", "utterance ids are missing: 2", "kept"),
        Defect("d", "its rows are not in the order of their ids", "repaired"),
    ]


def test_clips_that_are_missing_or_empty() -> None:
    files = {"a/1.mp4": 5, "a/2.mp4": 0}
    clips = [("one", "a/1.mp4"), ("two", "a/2.mp4"), ("three", "a/3.mp4")]
    assert clip_defects(clips, files, item="a") == [
        Defect("two", "its clip is empty: a/2.mp4", "kept"),
        Defect("three", "its clip is missing: a/3.mp4", "kept"),
    ]
    assert clip_defects(clips, {}, item="a") == [
        Defect("a", "none of its clips are there: 3 are named", "kept")
    ]
    assert clip_defects([], {}, item="a") == []
    assert [usable(path, files) for path in ("a/1.mp4", "a/2.mp4", "a/3.mp4", None)] == [
        "a/1.mp4",
        None,
        None,
        None,
    ]


def test_files_that_no_row_names() -> None:
    files = ["a/1.mp4", "a/2.mp4", "a/._1.mp4", "a/notes.txt", "b/1.wav", "b/2.wav", "c/1.mp4"]
    defects = unnamed_defects(files, ["a/1.mp4"])
    assert defects == [
        Defect("a/2.mp4", "no row names it", "skipped"),
        Defect("b", "no row names it: 2 media files", "skipped"),
        Defect("c/1.mp4", "no row names it", "skipped"),
        Defect("a/._1.mp4", "it is a file that macOS leaves in archives", "skipped"),
    ]
    others = (Defect("x", "its clip is missing: y", "kept"),)
    assert unnamed_clips(Annotations((), (*others, *defects))) == (
        "a/._1.mp4",
        "a/2.mp4",
        "b",
        "c/1.mp4",
    )


PLAIN = "You’re — “so” naïve… à la café, Zoë’s"


@pytest.mark.parametrize("text", ["plain", PLAIN, "fiancé…”", "Ärger über Öl", "日本語", "Š’"])
def test_sound_text_is_left_alone(text: str) -> None:
    assert repaired(text) == text


@pytest.mark.parametrize("text", [PLAIN, "’’", "”"])
def test_three_faults_of_encoding_are_put_right(text: str, tmp_path: Path) -> None:
    path = tmp_path / "t.txt"
    path.write_bytes(text.encode("cp1252"))  # bytes of Windows-1252
    assert read_text(path) != text
    assert repaired(read_text(path)) == text
    assert repaired(text.encode("cp1252").decode("latin-1")) == text  # control characters
    misread = "".join(
        bytes([b]).decode("cp1252", errors="ignore") or chr(b) for b in text.encode("utf-8")
    )
    assert repaired(misread) == text  # UTF-8 read as Windows-1252


def test_a_byte_that_means_nothing_is_marked_as_lost(tmp_path: Path) -> None:
    (tmp_path / "t.txt").write_bytes(b"a\x81b")
    assert repaired(read_text(tmp_path / "t.txt")) == "a\ufffdb"


@given(st.text(st.characters(max_codepoint=0x17F, exclude_categories=["Cc", "Cs"])))
def test_repairing_twice_is_repairing_once(text: str) -> None:
    assert repaired(repaired(text)) == repaired(text)


@pytest.mark.parametrize(
    "path", ["../a.wav", "/a.wav", "x/../../a.wav", "..\\a.wav", "C:\\a.wav", ""]
)
def test_a_path_that_leads_out_is_refused(path: str) -> None:
    with pytest.raises(MscKedroError, match=r"list.json, line 3: .* not a path within"):
        inside(path, place="list.json, line 3")


def test_a_path_within_is_made_plain() -> None:
    assert inside("a\\b/../c.wav", place="") == "a/c.wav"


def test_numbers_of_tables() -> None:
    read = [whole_number(value) for value in ("7", " 12 ", 3, "-1", "1.0", True, None, "²", "")]
    assert read == [7, 12, 3, None, None, None, None, None, None]


def test_one_file_of_a_name(tmp_path: Path) -> None:
    for name in ("a/b/t.csv", "z/t.csv"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_text("same")
    files = list_files(tmp_path, corpus="a corpus")
    assert files == {"a/b/t.csv": 4, "z/t.csv": 4}
    assert find_file(tmp_path, files, "t.csv") == "z/t.csv"
    assert find_file(tmp_path, files, "u.csv") is None
    (tmp_path / "z/t.csv").write_text("other")
    with pytest.raises(MscKedroError, match=r"two different files t.csv: z/t.csv and a/b/t.csv"):
        find_file(tmp_path, files, "t.csv")


def test_hidden_and_linked_folders_are_not_listed(tmp_path: Path) -> None:
    for name in ("in/a.mp4", "in/.git/b.mp4", "in/__MACOSX/c.mp4", "out/d.mp4"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "in" / "loop").symlink_to(tmp_path / "out")
    (tmp_path / "in" / "gone.mp4").symlink_to(tmp_path / "nowhere")
    assert list_files(tmp_path / "in", corpus="a corpus") == {"a.mp4": 1}


@pytest.mark.parametrize("content, says", [
    (b"\xff\xfea\0", "UTF-16"),
    (b"version https://git-lfs.github.com/spec/v1\n", r"git lfs pull"),
    (b'[{"a": 1}, {"a"', "cannot be read as json"),
])  # fmt: skip
def test_a_text_that_cannot_be_read(tmp_path: Path, content: bytes, says: str) -> None:
    (tmp_path / "t.json").write_bytes(content)
    with pytest.raises(MscKedroError, match=says):
        read_json(tmp_path / "t.json")


def test_rows_of_a_table(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes(
        b'\xef\xbb\xbfid,text\r\n1,"a, b"\r\n\r\n2,c,d\r\n3, it\x92s \r\n'
    )
    defects: list[Defect] = []
    rows = list(table_rows(tmp_path, "t.csv", needs=["id", "text"], defects=defects))
    assert [(row.place, dict(row.cells), row.was_repaired) for row in rows] == [
        ("t.csv, line 2", {"id": "1", "text": "a, b"}, False),
        ("t.csv, line 5", {"id": "3", "text": "it’s"}, True),
    ]
    reason = "its cells are not as many as the columns: 3, 2"
    assert defects == [Defect("t.csv, line 4", reason, "skipped")]
    with pytest.raises(MscKedroError, match=r"the columns who are missing; found id, text"):
        list(table_rows(tmp_path, "t.csv", needs=["id", "who"], defects=[]))
    (tmp_path / "t.csv").write_text('id,text\n1,"never closed\n2,b\n')
    with pytest.raises(MscKedroError, match=r"near line 3: it cannot be read as CSV"):
        list(table_rows(tmp_path, "t.csv", needs=["id"], defects=[]))


@pytest.mark.parametrize("read", READERS)
def test_a_folder_that_is_no_such_corpus(
    read: Callable[[Path], Annotations], tmp_path: Path
) -> None:
    (tmp_path / "holiday.mp4").write_bytes(b"x")
    found = r"is no \w+ corpus. Found: holiday.mp4.\nExpected: .+\n.*docs/corpora.md.*--params"
    with pytest.raises(MscKedroError, match=found):
        read(tmp_path)
    with pytest.raises(MscKedroError, match=r"does not exist[\s\S]*--params corpus.folder"):
        read(tmp_path / "nowhere")
    with pytest.raises(MscKedroError, match=r"is a file"):
        read(tmp_path / "holiday.mp4")
