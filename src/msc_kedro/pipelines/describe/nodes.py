"""Nodes of describe."""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import Any

import pandas as pd

from msc_kedro.execution.progress import steps
from msc_kedro.models.opener import Opener
from msc_kedro.pipelines.describe.parameters import DescribeParameters


def describe_voices(
    utterances: pd.DataFrame,
    speakers: pd.DataFrame,
    sounds: dict[str, Path],
    pitch_tracker: Opener,
    gender_classifier: Opener,
    parameters: DescribeParameters,
) -> pd.DataFrame:
    """Measure how every utterance sounds and say it in words.

    Gender and pitch level are the speaker's, over their utterances in the dialogue; pace and
    monotony are the utterance's own. What could not be measured is null, with its reason.

    Returns:
        The `voice` table.
    """

    from msc_kedro.listening.asr import Word
    from msc_kedro.listening.measures import measure_voice, speaker_voice
    from msc_kedro.media.sound import read_span
    from msc_kedro.voice.bins import level
    from msc_kedro.voice.grammar import VoiceLevels, write

    track, tell_gender = pitch_tracker.open(), gender_classifier.open()
    rows = []
    known = utterances.merge(speakers, on="utterance_id", validate="one_to_one")
    groups = list(known.groupby(["dialogue_id", "speaker"], sort=True))
    for _, spoken in steps(groups, title="measuring voices", unit="speakers"):
        measured = [
            measure_voice(
                read_span(sounds[u.source_id], u.start_s, u.end_s)[0],
                u.text,
                [Word(w["word"], w["start_s"], w["end_s"], w["probability"]) for w in u.words],
                track,
                tell_gender,
            )
            for u in spoken.itertuples()
        ]
        speaker = speaker_voice(measured)
        for identity, one in zip(spoken["utterance_id"], measured, strict=True):
            levels = VoiceLevels(
                gender=speaker.gender,
                pitch=level("pitch", speaker.pitch_hz, gender=speaker.gender),
                monotony=level("monotony", one.pitch_std_hz),
                pace=level("pace", one.speaking_rate_phonemes_per_s),
                reverberation=level("reverberation", one.c50_db),
            )
            seed = zlib.crc32(f"{parameters.seed} {identity}".encode())
            figures: dict[str, Any] = {
                "pitch_mean_hz": one.pitch_mean_hz,
                "pitch_std_hz": one.pitch_std_hz,
                "speaker_pitch_hz": speaker.pitch_hz,
                "speaking_rate_phonemes_per_s": one.speaking_rate_phonemes_per_s,
                "c50_db": one.c50_db,
                "gender_probability": speaker.gender_probability,
            }
            words = {**vars(levels), "unmeasured": one.unmeasured}
            description = write(levels, seed=seed)
            rows.append({"utterance_id": identity, **figures, **words, "description": description})
    table = pd.DataFrame(rows).set_index("utterance_id")
    return table.loc[utterances["utterance_id"]].reset_index()
