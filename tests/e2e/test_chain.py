"""The chain as a user runs it: from scripted videos to spoken replies, held against the truth."""

from __future__ import annotations

import sys

import pandas as pd
import pytest

from msc_kedro.metrics.speech import word_errors

pytestmark = pytest.mark.e2e

KEDRO = (sys.executable, "-m", "kedro")


def lines(output: str) -> list[str]:
    return [line.strip() for line in output.splitlines() if line.strip()]


def turns_of(chain) -> pd.DataFrame:
    """The scripted turns with the id of the source they are in."""
    sources = chain.table("sources")
    ids = dict(zip(sources["path"], sources["source_id"], strict=True))
    return pd.DataFrame(
        [
            {"source_id": ids[f"{video['name']}.mp4"], **turn}
            for video in chain.truth
            for turn in video["turns"]
        ]
    )


def with_truth(chain) -> pd.DataFrame:
    """Each utterance beside the scripted turn that it overlaps most."""
    utterances = chain.table("utterances").merge(chain.table("speakers"), on="utterance_id")
    pairs = utterances.merge(turns_of(chain), on="source_id", suffixes=("", "_true"))
    overlap = pairs[["end_s", "end_s_true"]].min(axis=1) - pairs[["start_s", "start_s_true"]].max(
        axis=1
    )
    pairs = pairs.assign(overlap_s=overlap)
    return pairs.loc[pairs.groupby("utterance_id")["overlap_s"].idxmax()]


def test_last_line_names_the_report_and_every_stage_has_its_line(chain):
    told = lines(chain.output)
    page = chain.folder / "data/08_reporting/demo/embedded/report.html"
    assert told[-1].endswith("data/08_reporting/demo/embedded/report.html")
    assert page.stat().st_size < 3_000_000
    stages = "demo ingest segment speaker_assign describe featurize train evaluate synthesize"
    for stage in stages.split():
        assert any(f"] {stage}" in line for line in told), stage


def test_report_holds_players_and_loads_nothing_from_elsewhere(chain):
    page = (chain.folder / "data/08_reporting/demo/embedded/report.html").read_text()
    assert page.count("<audio") >= 2
    assert 'src="http' not in page and 'href="http' not in page


def test_words_are_understood(chain):
    heard = chain.table("utterances").sort_values(["source_id", "start_s"])
    said = turns_of(chain).sort_values(["source_id", "start_s"])
    wrong = total = 0
    for source, turns in said.groupby("source_id"):
        text = " ".join(heard.loc[heard["source_id"] == source, "text"])
        errors, words = word_errors(text, " ".join(turns["text"]))
        wrong, total = wrong + errors, total + words
    assert wrong / total < 0.15


def test_no_utterance_crosses_a_cut_or_mixes_turns(chain):
    utterances, scenes = chain.table("utterances"), chain.table("scenes")
    for utterance in utterances.itertuples():
        cuts = scenes.loc[scenes["source_id"] == utterance.source_id, "start_s"]
        inside = cuts[(cuts > utterance.start_s + 0.01) & (cuts < utterance.end_s - 0.01)]
        assert inside.empty, utterance


def test_cuts_are_found_where_they_were_made(chain):
    scenes, sources = chain.table("scenes"), chain.table("sources")
    ids = dict(zip(sources["path"], sources["source_id"], strict=True))
    missed = made = 0
    for video in chain.truth:
        found = scenes.loc[scenes["source_id"] == ids[f"{video['name']}.mp4"], "start_s"]
        made += len(video["cuts_s"])
        missed += sum((found - cut).abs().min() > 0.2 for cut in video["cuts_s"])
    assert missed <= 0.02 * made


def test_speakers_of_a_dialogue_are_told_apart(chain):
    from sklearn.metrics import adjusted_rand_score

    pairs = with_truth(chain)
    scores = [
        adjusted_rand_score(dialogue["speaker_true"], dialogue["speaker"])
        for _, dialogue in pairs.groupby("dialogue_id")
    ]
    assert sum(scores) / len(scores) > 0.8


def test_training_beats_its_start_and_the_frozen_model(chain):
    summary = chain.json("training_summary")
    assert summary["best_valid_loss"] < summary["step0_valid_loss"]
    assert summary["best_valid_loss"] < summary["frozen_valid_loss"]


def test_replies_differ_between_dialogues(chain):
    replies = chain.table("replies")
    assert len(replies) >= 3
    assert replies["text"].str.strip().nunique() == len(replies)


def test_spoken_replies_are_understood(chain):
    """Most of them: after 30 steps a reply may be one word over and over, of which Whisper hears
    nothing, and it is as long as four others.
    """
    scores = {score["metric"]: score for score in chain.json("speech_metrics")}
    speech = chain.table("speech")
    assert scores["spoken_word_error_rate"]["count"] > 3 * len(speech)
    assert (speech["word_error_rate"] < 0.2).mean() > 0.75


def test_train_runs_alone_once_its_inputs_are_there(chain):
    done = chain.run(*KEDRO, "run", "--pipeline", "train")
    assert done.returncode == 0, done.stderr[-2000:]
    versions = list(chain.folder.glob("data/06_models/demo/embedded/adapter/*"))
    assert len(versions) == 2


def test_viz_builds(chain):
    done = chain.run(*KEDRO, "viz", "build")
    assert done.returncode == 0, done.stderr[-2000:]
    assert (chain.folder / "build" / "index.html").is_file()
