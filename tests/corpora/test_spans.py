"""Where dialogues begin and end."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from msc_kedro.corpora.spans import Span, listed_spans, pauses_to_hear, propose_spans
from msc_kedro.errors import MscKedroError


def write(folder: Path, text: str, *, encoding: str = "utf-8") -> Path:
    (folder / "dialogues.csv").write_bytes(text.encode(encoding))
    return folder


def test_no_list(tmp_path: Path) -> None:
    assert listed_spans(tmp_path) is None


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_list(tmp_path: Path, encoding: str, end: str) -> None:
    rows = ["video,start,end,note", "été.mp4,0,10.5,", '"a, b.mp4",3,4,"x"', "été.mp4,20,30,y", ""]
    assert listed_spans(write(tmp_path, end.join(rows), encoding=encoding)) == {
        "été.mp4": [(0.0, 10.5), (20.0, 30.0)],
        "a, b.mp4": [(3.0, 4.0)],
    }


def test_columns_in_any_order_and_no_rows(tmp_path: Path) -> None:
    assert listed_spans(write(tmp_path, "end,video,start\n2,a.mp4,1\n")) == {"a.mp4": [(1.0, 2.0)]}
    assert listed_spans(write(tmp_path, "video,start,end\n")) == {}


def test_a_list_typed_by_hand(tmp_path: Path) -> None:
    rows = "Video , Start, END\n day1\\a.mp4, 1.50004, 2\n./day1/a.mp4,2,3\n"
    assert listed_spans(write(tmp_path, rows)) == {"day1/a.mp4": [(1.5, 2.0), (2.0, 3.0)]}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("video,begin,end\na.mp4,1,2\n", r"columns start are missing; found video, begin, end"),
        ("video;start;end\na.mp4;1;2\n", r"columns end, start, video are missing"),
        ("", r"found nothing[\s\S]*first line must be video,start,end"),
        (
            "video,start,end\na.mp4,1,2\nb.mp4,5,4\n",
            r"line 3.*start before end; found.*'5' and '4'",
        ),
        ("video,start,end\na.mp4,2,2\n", r"line 2"),
        ("video,start,end\na.mp4,-1,2\n", r"line 2"),
        ("video,start,end\na.mp4,1:20,2\n", r"line 2.*'1:20'"),
        ("video,start,end\na.mp4,nan,2\n", r"line 2"),
        ("video,start,end\na.mp4,1\n", r"line 2.*None"),
        ("video,start,end\n,1,2\n", r"line 2: video must be a file's name"),
        ("video,start,end\na.mp4,1.0001,1.0002\n", r"line 2"),
        ("video,start,end\n../a.mp4,1,2\n", r"line 2: '../a.mp4' is not within the folder"),
        ("video,start,end\nx/../../a.mp4,1,2\n", r"line 2.*is not within the folder"),
        ("video,start,end\n/etc/passwd,1,2\n", r"line 2.*is not within the folder"),
        (
            "video,start,end\na.mp4,1,3\nb.mp4,1,3\na.mp4,2,4\n",
            r"lines 2 and 4: two dialogues of 'a.mp4' overlap, 1 to 3 s and 2 to 4 s",
        ),
        ("video,start,end\na.mp4,1,3\na.mp4,1,3\n", r"lines 2 and 3"),
        (f"video,start,end\n{'a' * 200_000},1,2\n", r"after line 1: it cannot be read as CSV"),
        ("start,end,video\n1,2\n", r"line 2: video must be a file's name"),
    ],
)
def test_mistakes_are_named_with_their_line(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(MscKedroError, match=told) as caught:
        listed_spans(write(tmp_path, text))
    assert "dialogues.csv" in str(caught.value)


def test_another_encoding_is_named(tmp_path: Path) -> None:
    with pytest.raises(MscKedroError, match=r"is not in UTF-8.*CSV UTF-8"):
        listed_spans(write(tmp_path, "video,start,end\nété.mp4,1,2\n", encoding="cp1252"))


def propose(speech: list[Span], duration_s: float, **options: Any) -> list[Span]:
    limits = {"max_pause_s": 8.0, "max_dialogue_s": 120.0, **options}
    return propose_spans(speech, duration_s=duration_s, **limits)


def test_a_long_silence_ends_a_dialogue() -> None:
    assert propose([(1, 2), (3, 9), (19, 20), (21, 30)], 40) == [(0, 14), (14, 40)]
    assert propose([(1, 2), (10, 11)], 12) == [(0, 12)]
    assert propose([], 12) == []


def test_a_long_dialogue_is_cut_at_its_longest_silence() -> None:
    speech = [(0, 10), (11, 30), (33, 50), (52, 60)]
    assert propose(speech, 60, max_dialogue_s=40) == [(0, 31.5), (31.5, 60)]
    assert propose(speech, 60, max_dialogue_s=5) == [(0, 10.5), (10.5, 31.5), (31.5, 51), (51, 60)]


def test_at_least() -> None:
    speech = [(0, 10), (11, 12), (14, 15), (15.5, 30)]
    assert len(propose(speech, 30, at_least=3)) == 3
    assert len(propose([(0, 30)], 30, at_least=3)) == 1  # nowhere to cut
    # The longest has no silence in it, but another has.
    assert propose([(0, 100), (120, 121), (123, 124)], 130, at_least=3) == [
        (0, 110),
        (110, 122),
        (122, 130),
    ]


def test_people_that_change_end_a_dialogue() -> None:
    speech = [(0, 10), (11, 20), (21, 30)]
    assert propose(speech, 30, changes=[1]) == [(0, 20.5), (20.5, 30)]


def test_an_edge_is_at_the_cut_in_the_silence() -> None:
    speech = [(0, 10), (20, 30)]
    assert propose(speech, 30, cuts=[5.0, 11.0, 17.0, 25.0]) == [(0, 17), (17, 30)]


def test_a_silence_with_a_cut_counts_double() -> None:
    speech = [(0, 10), (11.5, 20), (22, 30)]
    assert propose(speech, 30, max_dialogue_s=25) == [(0, 21), (21, 30)]
    assert propose(speech, 30, max_dialogue_s=25, cuts=[11.0]) == [(0, 11), (11, 30)]


def test_pauses_at_which_people_may_change() -> None:
    speech = [(0, 1), (1.5, 2), (4, 5), (8, 9)]
    assert pauses_to_hear(speech, None, min_pause_s=1.0) == [1, 2]
    assert pauses_to_hear(speech, [1.2, 2.0, 5.5], min_pause_s=1.0) == [1, 2]
    assert pauses_to_hear(speech, [1.2, 4.5, 5.5], min_pause_s=1.0) == [2]
    assert pauses_to_hear([], [], min_pause_s=1.0) == []


@st.composite
def speeches(draw: st.DrawFn) -> tuple[list[Span], float]:
    """Speech in order with silences between, and a length that holds it."""
    pieces = draw(st.lists(st.tuples(st.floats(0.01, 30), st.floats(0.05, 200)), max_size=25))
    time, speech = 0.0, []
    for pause, length in pieces:
        speech.append((time + pause, time + pause + length))
        time = speech[-1][1]
    return speech, time + draw(st.floats(0.1, 30))


@given(
    made=speeches(),
    max_pause_s=st.floats(0.1, 20),
    max_dialogue_s=st.floats(1, 300),
    at_least=st.integers(1, 6),
    cuts=st.lists(st.floats(0.1, 500), max_size=9).map(sorted),
    changes=st.sets(st.integers(0, 24), max_size=4),
)
def test_proposals(
    made: tuple[list[Span], float],
    max_pause_s: float,
    max_dialogue_s: float,
    at_least: int,
    cuts: list[float],
    changes: set[int],
) -> None:
    speech, duration_s = made
    spans = propose_spans(
        speech,
        duration_s=duration_s,
        max_pause_s=max_pause_s,
        max_dialogue_s=max_dialogue_s,
        at_least=at_least,
        cuts=cuts,
        changes=changes,
    )
    close = 0.001  # spans are exact to the millisecond
    assert all(start < end for start, end in spans)
    assert all(before[1] <= after[0] for before, after in pairwise(spans))
    if not speech:
        assert spans == []
        return
    assert spans[0][0] == 0.0 and spans[-1][1] <= duration_s + close
    held = [
        [s for s in speech if start - close <= s[0] and s[1] <= end + close] for start, end in spans
    ]
    assert [s for group in held for s in group] == speech  # all speech, and nothing cut in two
    assert len(spans) >= min(at_least, len(speech))
    for group in held:
        length_s = group[-1][1] - group[0][0]
        assert length_s <= max_dialogue_s or len(group) == 1
        assert all(after[0] - before[1] <= max_pause_s for before, after in pairwise(group))
        assert not changes & {speech.index(span) for span in group[:-1]}
