"""Paths and ids that came in a table lead nowhere but where they belong."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml
from kedro.io.core import DatasetError, Version
from made_media import RED, Sound, steady, tone, write_media

from msc_kedro.configuration import corpus_name
from msc_kedro.corpora.folder import Corpus
from msc_kedro.datasets import FeatureShards, SoundFolder
from msc_kedro.errors import MscKedroError
from msc_kedro.media.probe import UnreadableMediaError, probe
from msc_kedro.models.opener import Opener
from msc_kedro.pipelines.featurize.nodes import encode_pictures
from msc_kedro.pipelines.featurize.parameters import FeaturizeParameters
from msc_kedro.pipelines.ingest.dialogues import draw_contact_sheets
from msc_kedro.pipelines.ingest.nodes import find_scenes, read_sources
from msc_kedro.pipelines.ingest.parameters import IngestParameters
from msc_kedro.pipelines.parameters import CorpusParameters, EngineParameters
from msc_kedro.tables import empty

CONF = Path(__file__).parents[2] / "conf" / "base"
ENGINE = EngineParameters(threads=1, shard_utterances=8)
NEW = Version(None, "2026-01-01T00.00.00.000Z")
# Relative to the corpus; {outside} is a film that is there and that must not be read.
OUTSIDE = ["../outside/film.mp4", "deep/../../outside/film.mp4", "{outside}", "../../etc/passwd"]


@pytest.fixture
def corpus(tmp_path: Path) -> Corpus:
    for folder in ("films", "outside"):
        (tmp_path / folder).mkdir()
        write_media(
            tmp_path / folder / "film.mp4", pictures=steady([RED], each_s=1), sound=Sound(tone(1))
        )
    return Corpus(tmp_path / "films")


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is opened as media."""
    import av

    opened: list[str] = []
    really = av.open

    def note(file: Any, *args: Any, **kwargs: Any) -> Any:
        opened.append(str(file))
        return really(file, *args, **kwargs)

    monkeypatch.setattr(av, "open", note)
    return opened


def sources(path: str) -> pd.DataFrame:
    row = {"source_id": "s", "path": path, "duration_s": 1.0, "has_video": True, "has_audio": True}
    return pd.DataFrame([row])


def read_for_scenes(corpus: Corpus, path: str, work: Path) -> None:
    block = yaml.safe_load((CONF / "parameters_ingest.yml").read_text())["ingest"]
    nothing = empty("annotated_dialogues"), empty("annotations")
    find_scenes(sources(path), *nothing, corpus, work, IngestParameters(**block), ENGINE)


def read_for_sheets(corpus: Corpus, path: str, work: Path) -> None:
    span = {"dialogue_id": "d", "source_id": "s", "start_s": 0.0, "end_s": 1.0}
    draw_contact_sheets(pd.DataFrame([span]), sources(path), corpus, work, ENGINE)


def read_as_annotated(corpus: Corpus, path: str, work: Path) -> None:
    turns = pd.DataFrame([{"path": path, "sound_path": None}])
    block = CorpusParameters(kind="meld", folder="unused", max_rejected_share=1.0)
    read_sources(corpus, empty("annotated_dialogues"), turns, work, block, ENGINE)


def read_by_featurize(corpus: Corpus, path: str, work: Path) -> None:
    row = {"utterance_id": "u", "source_id": "s", "start_s": 0.0, "end_s": 1.0}
    encode_pictures(
        pd.DataFrame([row]),
        sources(path),
        corpus,
        Opener.of("none.such", {}, {}, fingerprint="none"),
        work,
        FeaturizeParameters(frames_per_s=1),
        ENGINE,
    )


@pytest.mark.parametrize(
    "read", [read_for_scenes, read_for_sheets, read_as_annotated, read_by_featurize]
)
@pytest.mark.parametrize("path", OUTSIDE)
def test_a_planted_path_is_refused_and_not_opened(
    corpus: Corpus,
    tmp_path: Path,
    watched: list[str],
    path: str,
    read: Callable[[Corpus, str, Path], None],
) -> None:
    planted = path.format(outside=tmp_path / "outside" / "film.mp4")
    with pytest.raises(MscKedroError, match="leads out of the corpus folder") as told:
        read(corpus, planted, tmp_path / "work")
    assert planted in str(told.value)
    assert watched == []


def test_the_same_table_with_an_honest_path_is_read(
    corpus: Corpus, tmp_path: Path, watched: list[str]
) -> None:
    read_for_scenes(corpus, "film.mp4", tmp_path / "work")
    assert watched


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("hls.mp4", "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:1,\n{}\n#EXT-X-ENDLIST\n"),
        ("concat.mp4", "ffconcat version 1.0\nfile '{}'\n"),
        ("dash.mp4", '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011"'
         ' type="static" mediaPresentationDuration="PT1S"><Period><AdaptationSet'
         ' mimeType="video/mp4"><Representation id="1" bandwidth="1"><BaseURL>{}</BaseURL>'
         "</Representation></AdaptationSet></Period></MPD>"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("target", ["../outside/film.mp4", "{outside}", "http://127.0.0.1:9/x.mp4"])
def test_a_playlist_called_a_film_leads_nowhere(
    corpus: Corpus, tmp_path: Path, name: str, content: str, target: str
) -> None:
    planted = target.format(outside=tmp_path / "outside" / "film.mp4")
    (corpus.folder / name).write_text(content.format(planted))
    with pytest.raises(UnreadableMediaError):
        probe(corpus.folder / name)


@pytest.mark.parametrize("name", ["../x", "..", "/x", "a/b", "a\\b", ".x", "", "x\n", "x\0"])
def test_an_id_that_is_no_file_name_is_not_saved(tmp_path: Path, name: str) -> None:
    (tmp_path / "kept.flac").write_bytes(b"sound")
    folder = SoundFolder(filepath=str(tmp_path / "data" / "sound"), version=NEW)
    with pytest.raises(DatasetError, match="cannot be the name of a file") as told:
        folder.save({"fine": tmp_path / "kept.flac", name: tmp_path / "kept.flac"})
    assert isinstance(told.value.__cause__, MscKedroError)
    assert [path.name for path in tmp_path.rglob("*.flac")] == ["kept.flac"]


def test_a_manifest_names_shards_of_its_own_folder_only(tmp_path: Path) -> None:
    folder = tmp_path / "f" / str(NEW.save) / "f"
    folder.mkdir(parents=True)
    (folder / "_SUCCESS").touch()
    (folder / "manifest.json").write_text(
        '{"encoder": "e", "width": 3, "shards": ["../../../secret.safetensors"]}'
    )
    with pytest.raises(DatasetError, match="cannot be the name of a file"):
        FeatureShards(filepath=str(tmp_path / "f"), version=Version(None, None)).load()


@pytest.mark.parametrize("name", ["../../x", "/x", "..", "a/../../x", "C:\\x", ".hidden", "~"])
def test_a_corpus_name_is_one_folder_of_data(name: str) -> None:
    found = corpus_name({"folder": "videos", "name": name})
    assert found and found == Path(found).name and not found.startswith(".")
    assert not set(found) & set("/\\:~")
