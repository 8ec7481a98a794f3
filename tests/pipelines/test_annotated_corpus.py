"""A corpus of 1,000 MELD-like rows through ingest, segment and speaker_assign: what is planted is
found, and nothing else."""

from __future__ import annotations

import os
import random
import shutil
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import soundfile
from corpora.test_meld import Cells, clip, real_tables, row, write_table
from made_media import BLACK, RED, WHITE, Sound, cut_off, steady, surround, tone, write_media
from pipelines.test_nodes import INGEST, SAME_VOICE, SEGMENT
from pipelines.test_parameters import block_of, model_of

from msc_kedro.corpora.folder import Corpus
from msc_kedro.corpora.meld import TABLES
from msc_kedro.errors import MscKedroError
from msc_kedro.listening.turn_taking import TurnTaking
from msc_kedro.listening.words import Segment, Word
from msc_kedro.models.opener import Opener
from msc_kedro.pipelines.ingest.dialogues import (
    draw_contact_sheets,
    find_dialogues,
    propose_dialogues,
)
from msc_kedro.pipelines.ingest.nodes import find_scenes, read_annotations, read_sources
from msc_kedro.pipelines.parameters import CorpusParameters, EngineParameters, SplitParameters
from msc_kedro.pipelines.segment.nodes import hold_out, transcribe
from msc_kedro.pipelines.speaker_assign.leaks import check_splits
from msc_kedro.pipelines.speaker_assign.nodes import assign_speakers_per_dialogue
from msc_kedro.tables import schema

ENGINE = EngineParameters(threads=2, shard_utterances=256)
NEVER = Opener.of("none.such", {}, {}, fingerprint="none")  # nothing may be heard of gold turns
PEOPLE = ("Ross", "Monica", "Joey", "Phoebe", "Rachel", "Chandler")


@dataclass(frozen=True)
class Planted:
    """A folder as MELD's, and what is wrong with it."""

    folder: Path
    rows: dict[str, list[Cells]]
    rejects: dict[str, str]  # how a reason begins, by path
    defects: Counter[tuple[str, str]]  # kind and action
    without: set[str]  # turns that have no clip to use


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Planted:
    folder = tmp_path_factory.mktemp("MELD.Raw")
    chance = random.Random(7)
    rows = {
        split: [
            row(
                dialogue,
                turn,
                f"Line {turn} of talk {dialogue}.",
                Speaker=PEOPLE[(dialogue + turn % 3) % 6],
                Episode=str(dialogue // 4 + episode),
            )
            for dialogue in range(dialogues)
            for turn in range(10)
        ]
        for split, dialogues, episode in (("train", 80, 0), ("valid", 10, 50), ("test", 10, 100))
    }
    assert sum(map(len, rows.values())) == 1000
    made = good_clips(tmp_path_factory.mktemp("clips"))
    for split, some in rows.items():
        write_table(folder, split, some)
        clips = folder / TABLES[split][1]  # type: ignore[index]
        clips.mkdir()
        for place, cells in enumerate(some):
            os.link(made[split][place % len(made[split])], clips / clip(cells))
    bad = bad_clips(tmp_path_factory.mktemp("bad"))
    victims = iter(chance.sample([(s, c) for s, some in rows.items() for c in some], 100))
    rejects, without = {}, set()
    for kind, reason in {
        "text": "it cannot be opened as media",
        "noise": "it cannot be opened as media",
        "cut": "it cannot be opened as media: it is cut off",
        "no samples": "there is nothing in it",
        "mute": "it has no sound",
    }.items():
        for _ in range(5):
            split, cells = next(victims)
            path = folder / TABLES[split][1] / clip(cells)  # type: ignore[index]
            path.unlink()
            shutil.copy(bad[kind], path)
            rejects[path.relative_to(folder).as_posix()] = reason
            without.add(f"{split}/{clip(cells).removesuffix('.mp4')}")
    defects: Counter[tuple[str, str]] = Counter()
    for kind in ("its clip is missing", "its clip is empty"):
        for _ in range(5):
            split, cells = next(victims)
            path = folder / TABLES[split][1] / clip(cells)  # type: ignore[index]
            path.unlink()
            if kind == "its clip is empty":
                path.touch()
            defects[kind, "kept"] += 1
            without.add(f"{split}/{clip(cells).removesuffix('.mp4')}")
    test = folder / TABLES["test"][1]
    os.link(made["test"][0], test / "final_videos_testdia0_utt0.mp4")
    (test / "._dia0_utt0.mp4").write_bytes(b"Mac")
    defects["no row names it", "skipped"] += 1
    defects["it is a file that macOS leaves in archives", "skipped"] += 1
    return Planted(folder, rows, rejects, defects, without)


def good_clips(folder: Path) -> dict[str, list[Path]]:
    """Ten clips for each split, one of them with 5.1 sound."""
    made: dict[str, list[Path]] = {}
    for number, split in enumerate(TABLES):
        for place in range(10):
            samples = tone(0.4, hz=300 + 20 * place + 200 * number)
            sound = Sound(surround(samples), layout="5.1") if place == 9 else Sound(samples)
            path = folder / f"{split}{place}.mp4"
            pictures = steady([RED, WHITE], each_s=0.2, fps=10)
            made.setdefault(split, []).append(write_media(path, pictures=pictures, sound=sound))
    return made


def bad_clips(folder: Path) -> dict[str, Path]:
    """A clip of each kind that is of no use."""
    found = {kind: folder / f"{kind}.mp4" for kind in ("text", "noise", "cut", "mute")}
    found["text"].write_text("Dear diary, today I renamed a file.\n" * 20)
    found["noise"].write_bytes(np.random.default_rng(0).bytes(20_000))
    pictures = steady([BLACK, RED], each_s=1)
    whole = write_media(folder / "whole.mp4", pictures=pictures, sound=Sound(tone(2)))
    cut_off(whole, found["cut"], share=0.6)
    write_media(found["mute"], pictures=pictures)
    soundfile.write(folder / "no samples.wav", tone(0), 16_000)
    return {**found, "no samples": folder / "no samples.wav"}


@dataclass(frozen=True)
class Made:
    """The tables of the three stages."""

    tables: dict[str, pd.DataFrame]
    sounds: dict[str, Path]

    def __getitem__(self, name: str) -> pd.DataFrame:
        return self.tables[name]


def make(folder: Path, work: Path) -> Made:
    """The three stages, but for the check of the splits."""
    corpus = Corpus(folder)
    block = CorpusParameters(kind="meld", folder=str(folder), max_rejected_share=0.5)
    made: dict[str, pd.DataFrame] = {}
    written = ("annotated_dialogues", "annotations", "corpus_defects")
    made |= zip(written, read_annotations(corpus, block), strict=True)
    dialogues, turns, _ = made.values()
    made["sources"], sounds, rejects = read_sources(corpus, dialogues, turns, work, block, ENGINE)
    made["scenes"], _ = find_scenes(made["sources"], dialogues, turns, corpus, work, INGEST, ENGINE)
    assert made["scenes"].empty  # of clips nobody asks for them
    proposed = propose_dialogues(
        *(made["sources"], dialogues, sounds, made["scenes"], corpus),
        *(NEVER, NEVER, work, INGEST, ENGINE),
    )
    spans, silent = find_dialogues(made["sources"], dialogues, turns, proposed, corpus)
    assert draw_contact_sheets(spans, made["sources"], corpus, work, ENGINE) == {}
    made |= {"dialogue_spans": spans}
    made["utterances"], unheard = transcribe(
        *(spans, turns, made["sources"], made["scenes"], sounds),
        *(NEVER, NEVER, NEVER, work, SEGMENT, SAME_VOICE, ENGINE),
    )
    made["dialogues"] = hold_out(spans, made["utterances"], splits(published=True))
    assign = model_of("speaker_assign").model_validate(block_of("speaker_assign"))
    made["speakers"] = assign_speakers_per_dialogue(
        made["utterances"],
        turns,
        sounds,
        NEVER,
        work,
        assign,
        SAME_VOICE,
        ENGINE,  # type: ignore[arg-type]
    )
    assert len(silent) == len(unheard) == 0
    for name, table in made.items():
        made[name] = schema(name).validate(table)  # type: ignore[arg-type]
    made["rejects"] = rejects
    return Made(made, sounds)


def splits(**changed: object) -> SplitParameters:
    return SplitParameters.model_validate({**block_of("splits"), **changed})


@pytest.fixture(scope="module")
def made(planted: Planted, tmp_path_factory: pytest.TempPathFactory) -> Made:
    return make(planted.folder, tmp_path_factory.mktemp("work"))


def test_rejects_are_those_planted(planted: Planted, made: Made) -> None:
    found = dict(zip(made["rejects"]["item_id"], made["rejects"]["reason"], strict=True))
    assert found.keys() == planted.rejects.keys()
    for path, reason in planted.rejects.items():
        assert found[path].startswith(reason), path


def test_defects_are_those_planted(planted: Planted, made: Made) -> None:
    reasons = made["corpus_defects"]["reason"].str.partition(":")[0]
    found = Counter(zip(reasons, made["corpus_defects"]["action"], strict=True))
    assert found == planted.defects


def test_every_row_is_an_utterance(planted: Planted, made: Made) -> None:
    utterances = made["utterances"]
    assert len(utterances) == 1000
    silent = utterances[utterances["source_id"].isna()]
    assert set(silent["name"]) == planted.without
    assert silent["start_s"].isna().all() and silent["end_s"].isna().all()
    heard = utterances.dropna(subset="source_id").merge(made["sources"], on="source_id")
    assert len(heard) == 1000 - len(planted.without)
    assert (heard["start_s"] == 0).all() and (heard["end_s"] == heard["duration_s"]).all()
    assert utterances["words"].map(len).eq(0).all()
    in_order = utterances.sort_values(["dialogue_id", "turn"])
    assert in_order.groupby("dialogue_id")["turn"].agg(list).map(lambda t: t == [*range(10)]).all()


def test_words_are_heard_where_that_is_asked_for(made: Made, tmp_path: Path) -> None:
    spoken = Segment(0.0, 0.4, "Hm", (Word("Hm", 0.1, 0.3, 0.5),), "en")
    calls: list[int] = []

    def several(pieces: list[Any], expected: str) -> list[list[Segment]]:
        calls.append(len(pieces))
        return [[spoken] for _ in pieces]

    hears = SimpleNamespace(
        several=several, turn_taking=lambda samples: TurnTaking(((0.1, 0.3),), ())
    )
    first = made["annotations"][made["annotations"]["dialogue"] == "train/dia0"]

    def heard(asr: str, **sources: Any) -> pd.DataFrame:
        openers = (SimpleNamespace(name=name, open=lambda: hears) for name in (asr, "diarizer"))
        return transcribe(
            *(made["dialogue_spans"], first, made["sources"].assign(**sources), made["scenes"]),
            *(made.sounds, *openers, NEVER, tmp_path),  # type: ignore[arg-type]
            SEGMENT.model_copy(update={"hear_annotated": True}),
            SAME_VOICE,
            ENGINE,
        )[0]

    utterances = heard("asr")
    assert list(utterances["text"]) == list(first["text"])
    word = {"word": "Hm", "start_s": 0.1, "end_s": 0.3, "probability": 0.5}
    for turn in utterances.itertuples():
        assert turn.words == ([] if turn.source_id is None else [word])
        assert pd.isna(turn.overlap_s) if turn.source_id is None else turn.overlap_s == 0.2
    once = len(calls)
    heard("asr")
    assert len(calls) == once  # it is kept
    heard("asr with another beam")
    assert len(calls) == 2 * once
    heard("asr", duration_s=made["sources"]["duration_s"] / 2)  # media of the same names
    assert len(calls) == 3 * once


def test_the_same_content_under_two_names_is_two_sources(made: Made) -> None:
    sources = made["sources"]
    assert sources["sound_id"].nunique() == 30 < len(sources) == len(made.sounds)
    assert sources["path"].is_unique
    assert set(made.sounds) == set(sources["source_id"])


def test_speakers_are_the_corpus_own(planted: Planted, made: Made) -> None:
    known = made["speakers"].merge(made["utterances"], on="utterance_id").set_index("name")
    cells = {f"{s}/{clip(c).removesuffix('.mp4')}": c for s, some in planted.rows.items()
             for c in some}  # fmt: skip
    assert known["person"].to_dict() == {name: c["Speaker"] for name, c in cells.items()}
    assert (known["confidence"] == 1).all()
    first = known.loc[[f"train/dia0_utt{turn}" for turn in range(4)], "speaker"]
    assert list(first) == ["A", "B", "C", "A"]


def test_the_published_split(made: Made) -> None:
    dialogues = made["dialogues"]
    assert dialogues["split"].value_counts().to_dict() == {"train": 80, "valid": 10, "test": 10}
    assert (dialogues["name"].str.partition("/")[0] == dialogues["split"]).all()


def test_a_new_split_is_by_episode(made: Made) -> None:
    dialogues = hold_out(made["dialogue_spans"], made["utterances"], splits())
    assert dialogues.groupby("group")["split"].nunique().eq(1).all()
    assert dialogues["split"].value_counts().to_dict() == pytest.approx(
        {"train": 80, "valid": 10, "test": 10}, abs=3
    )


def check(made: Made, parameters: SplitParameters, **changed: pd.DataFrame) -> pd.DataFrame:
    tables = {name: made[name] for name in ("dialogues", "utterances", "speakers", "sources")}
    return check_splits(**{**tables, **changed}, parameters=parameters)


def test_people_in_two_splits_stop_the_run(made: Made) -> None:
    with pytest.raises(MscKedroError, match="same_speaker: 6 people") as caught:
        check(made, splits(published=True))
    said = str(caught.value)
    assert "  Joey in train, valid, test (dialogues train-dia0, valid-dia0, test-dia0)" in said
    assert "same_source" not in said and "allow: [same_speaker]" in said


def test_they_may_be_let_pass_by_name(made: Made, caplog: pytest.LogCaptureFixture) -> None:
    leaks = check(made, splits(published=True, allow=["same_speaker"]))
    schema("split_leaks").validate(leaks)
    assert set(leaks["item_id"]) == set(PEOPLE) and set(leaks["allowed_by"]) == {"splits.allow"}
    assert "6 people are in more than one split" in caplog.text


def test_an_episode_or_a_sound_in_two_splits_stops_the_run(made: Made) -> None:
    """Also where the same sound has another file around it."""
    moved = made["dialogues"].copy()
    moved.loc[moved["name"] == "train/dia0", "split"] = "test"
    with pytest.raises(MscKedroError) as caught:
        check(made, splits(published=True, allow=["same_speaker"]), dialogues=moved)
    assert "  season 8, episode 0 in train, test (dialogues train-dia1, train-dia0)" in str(
        caught.value
    )
    assert "same_sound: 10 files with the same sound" in str(caught.value)
    assert "allow: [same_speaker, same_source, same_sound]" in str(caught.value)


def test_tables_alone(planted: Planted, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder = tmp_path / "tables"
    folder.mkdir()
    for table, _ in TABLES.values():
        shutil.copy(planted.folder / table, folder)
    made = make(folder, tmp_path / "work")
    assert len(made["utterances"]) == 1000 and made["utterances"]["source_id"].isna().all()
    assert len(made["sources"]) == len(made["rejects"]) == 0
    assert "train_splits (none of its clips are there: 800 are named)" in caplog.text


def test_the_real_tables(tmp_path: Path) -> None:
    """All rows of MELD as published come through, and every person has a letter."""
    made = make(real_tables(), tmp_path / "work")
    utterances = made["utterances"].merge(made["dialogues"], on="dialogue_id")
    replies = utterances["turn"] > 0
    for split, sizes in {
        "train": (1038, 9989, 8951),
        "valid": (114, 1109, 995),
        "test": (280, 2610, 2330),
    }.items():
        own = utterances["split"] == split
        found = utterances.loc[own, "dialogue_id"].nunique(), own.sum(), (own & replies).sum()
        assert found == sizes
    assert (made["speakers"]["speaker"] != "?").all() and len(made["speakers"]) == 13_708
