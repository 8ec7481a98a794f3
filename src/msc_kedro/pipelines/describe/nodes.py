"""Nodes of describe."""

from __future__ import annotations

import json
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from msc_kedro.execution.files import code_of, key_of
from msc_kedro.execution.shards import map_shards
from msc_kedro.models.opener import Opener
from msc_kedro.pipelines.describe.parameters import DescribeParameters
from msc_kedro.pipelines.parameters import EngineParameters

if TYPE_CHECKING:
    from msc_kedro.listening.measures import SpeakerVoice, VoiceMeasures


def describe_voices(
    utterances: pd.DataFrame,
    speakers: pd.DataFrame,
    sounds: dict[str, Path],
    pitch_tracker: Opener,
    gender_classifier: Opener,
    work: Path,
    parameters: DescribeParameters,
    engine: EngineParameters,
) -> pd.DataFrame:
    """Measure how every utterance sounds and say it in words.

    Gender and pitch level are the speaker's, over their utterances in the dialogue; pace and
    monotony are the utterance's own. What could not be measured is null, with its reason.

    Returns:
        The `voice` table.
    """

    from msc_kedro.listening.measures import NOT_HEARD, VoiceMeasures, speaker_voice
    from msc_kedro.listening.threads import one_thread_each

    heard = utterances.dropna(subset="source_id")
    dialogues = [list(spoken.itertuples()) for _, spoken in heard.groupby("dialogue_id")]
    made_by = (
        pitch_tracker.fingerprint,
        gender_classifier.fingerprint,
        code_of("listening", "media"),
    )
    with one_thread_each():
        files = map_shards(
            lambda spoken, file: _measure(file, spoken, sounds, pitch_tracker, gender_classifier),
            dialogues,
            key=lambda spoken: key_of("measures", [_said(u) for u in spoken], made_by),
            folder=work / "measures",
            suffix=".json",
            title="measuring voices",
            workers=engine.threads,
        )
    measured = dict.fromkeys(utterances["utterance_id"], NOT_HEARD) | {
        utterance.utterance_id: VoiceMeasures(**one)
        for spoken, file in zip(dialogues, files, strict=True)
        for utterance, one in zip(spoken, json.loads(file.read_text()), strict=True)
    }
    rows = []
    known = utterances.merge(speakers, on="utterance_id", validate="one_to_one")
    for _, spoken in known.groupby(["dialogue_id", "speaker"], sort=True)["utterance_id"]:
        speaker = speaker_voice([measured[identity] for identity in spoken])
        rows += [_row(i, measured[i], speaker, seed=parameters.seed) for i in spoken]
    table = pd.DataFrame(rows).set_index("utterance_id")
    return table.loc[utterances["utterance_id"]].reset_index()


def _said(utterance: Any) -> list[Any]:
    """All of an utterance that its measures depend on."""
    times = [(word["start_s"], word["end_s"]) for word in utterance.words]
    return [utterance.source_id, utterance.start_s, utterance.end_s, utterance.text, times]


def _measure(
    file: Path, spoken: list[Any], sounds: dict[str, Path], tracker: Opener, classifier: Opener
) -> None:
    """Measure the utterances of a dialogue and write that as JSON."""
    from msc_kedro.listening.asr import Word
    from msc_kedro.listening.measures import measure_voice
    from msc_kedro.media.sound import read_span

    measured = [
        measure_voice(
            read_span(sounds[u.source_id], u.start_s, u.end_s)[0],
            u.text,
            [Word(w["word"], w["start_s"], w["end_s"], w["probability"]) for w in u.words],
            tracker.open(),
            classifier.open(),
        )
        for u in spoken
    ]
    plain = [{**vars(one), "reasons": dict(one.reasons)} for one in measured]
    file.write_text(json.dumps(plain))


def _row(identity: str, one: VoiceMeasures, speaker: SpeakerVoice, *, seed: int) -> dict[str, Any]:
    """A row of the `voice` table."""
    from msc_kedro.voice.bins import level
    from msc_kedro.voice.grammar import VoiceLevels, write

    levels = VoiceLevels(
        gender=speaker.gender,
        pitch=level("pitch", speaker.pitch_hz, gender=speaker.gender),
        monotony=level("monotony", one.pitch_std_hz),
        pace=level("pace", one.speaking_rate_phonemes_per_s),
        reverberation=level("reverberation", one.c50_db),
    )
    return {
        "utterance_id": identity,
        "pitch_mean_hz": one.pitch_mean_hz,
        "pitch_std_hz": one.pitch_std_hz,
        "speaker_pitch_hz": speaker.pitch_hz,
        "speaking_rate_phonemes_per_s": one.speaking_rate_phonemes_per_s,
        "c50_db": one.c50_db,
        "gender_probability": speaker.gender_probability,
        **vars(levels),
        "unmeasured": one.unmeasured,
        "description": write(levels, seed=zlib.crc32(f"{seed} {identity}".encode())),
    }
