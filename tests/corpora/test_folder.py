"""A folder of videos."""

from __future__ import annotations

from pathlib import Path

import pytest

from msc_kedro.corpora.folder import Corpus
from msc_kedro.errors import MscKedroError


def make(folder: Path, *names: str) -> Corpus:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"film")
    return Corpus(folder)


def names_of(corpus: Corpus) -> list[str]:
    return [path.relative_to(corpus.folder).as_posix() for path in corpus.files()]


def test_media_only_sorted_and_with_any_name(tmp_path: Path) -> None:
    strange = ["b film.mp4", 'it\'s "ours".mkv', "🎬 été.MOV", "deep/er/c.webm", "talk.wav"]
    corpus = make(tmp_path, *strange, "notes.txt", "dialogues.csv", "_SUCCESS", "truth.json")
    assert names_of(corpus) == [
        path.relative_to(tmp_path).as_posix() for path in sorted(tmp_path / n for n in strange)
    ]
    assert names_of(corpus) == names_of(corpus)


def test_hidden_files_are_passed_over(tmp_path: Path) -> None:
    corpus = make(
        tmp_path, "a.mp4", "._a.mp4", ".hidden.mp4", ".cache/b.mp4", "x/._c.mp4", "x/.d/e.mp4"
    )
    assert names_of(corpus) == ["a.mp4"]


def test_the_folder_itself_may_be_hidden_and_a_folder_is_no_film(tmp_path: Path) -> None:
    corpus = make(tmp_path / ".videos", "a.mp4", "season.mp4/b.mp4")
    assert names_of(corpus) == ["a.mp4", "season.mp4/b.mp4"]


def test_no_folder_and_no_video(tmp_path: Path) -> None:
    with pytest.raises(MscKedroError, match=r"does not exist.*nowhere[\s\S]*--params corpus"):
        Corpus(tmp_path / "nowhere").files()
    with pytest.raises(MscKedroError, match=r"is a file.*a.mp4[\s\S]*--params corpus"):
        Corpus(make(tmp_path / "with", "a.mp4").folder / "a.mp4").files()
    with pytest.raises(MscKedroError, match=r"no video in[\s\S]*\.mp4[\s\S]*--params corpus"):
        make(tmp_path / "without", "notes.txt", ".hidden.mp4").files()


def test_path_of_a_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    corpus = make(tmp_path / "films", "deep/a.mp4")
    assert corpus.path("deep/a.mp4") == tmp_path / "films" / "deep" / "a.mp4"
    assert corpus.path("deep/../deep/a.mp4").is_file()
    monkeypatch.chdir(tmp_path)
    assert Corpus(Path("films")).path("deep/a.mp4").read_bytes() == b"film"


@pytest.mark.parametrize("relative", ["../secret", "deep/../../secret", "/etc/passwd"])
def test_a_path_that_leads_out_is_refused(tmp_path: Path, relative: str) -> None:
    corpus = make(tmp_path / "films", "deep/a.mp4")
    (tmp_path / "secret").touch()
    with pytest.raises(MscKedroError, match="leads out of the corpus folder"):
        corpus.path(relative)


def test_a_linked_video_is_used(tmp_path: Path) -> None:
    make(tmp_path / "store", "a.mp4")
    folder = tmp_path / "films"
    folder.mkdir()
    (folder / "mine.mp4").symlink_to(tmp_path / "store" / "a.mp4")
    corpus = Corpus(folder)
    assert names_of(corpus) == ["mine.mp4"]
    assert corpus.path("mine.mp4").read_bytes() == b"film"
