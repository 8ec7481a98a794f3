"""Nodes of synthesize."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from msc_kedro.execution.files import code_of, key_of, once
from msc_kedro.execution.progress import steps
from msc_kedro.models.opener import Opener
from msc_kedro.pipelines.synthesize.parameters import SynthesizeParameters
from msc_kedro.tables import empty

if TYPE_CHECKING:
    from msc_kedro.voice.manner import Synthesizer


def speak_replies(
    replies: pd.DataFrame,
    voice_female: Opener,
    voice_male: Opener,
    work: Path,
    parameters: SynthesizeParameters,
) -> dict[str, Path]:
    """Speak every reply that has words, in the voice and the manner that its description asks for.

    Returns:
        Sound files by utterance id.
    """
    openers = {"female": voice_female, "male": voice_male}
    spoken: dict[str, Path] = {}
    rows = replies[replies["text"].str.contains(r"\w")]
    for reply in steps(list(rows.itertuples()), title="speaking", unit="replies"):
        voices = [
            *(opener.fingerprint for opener in openers.values()),
            code_of("speaking", "voice"),
        ]
        key = key_of("speech", reply.text, reply.description, voices, parameters.model_dump())
        make = partial(_speak, reply.text, reply.description, openers, parameters)
        spoken[reply.utterance_id] = once(work / "speech" / f"{key}.flac", make)
    return spoken


def _speak(
    text: str,
    description: str,
    openers: dict[str, Opener],
    parameters: SynthesizeParameters,
    file: Path,
) -> None:
    from msc_kedro.media.sound import flac_bytes
    from msc_kedro.speaking.steering import manner_for, voice_for
    from msc_kedro.voice.grammar import read

    levels = read(description)
    voices: dict[Any, Synthesizer] = {gender: one.open() for gender, one in openers.items()}
    voice = voice_for(levels, voices, otherwise=parameters.gender_if_unsaid)
    short = " ".join(text.split()[: parameters.max_words])
    speech = voice(short, manner=manner_for(levels, voice), seed=parameters.seed)
    file.write_bytes(flac_bytes(speech.samples, speech.sample_rate))


def listen_to_replies(
    replies: pd.DataFrame,
    spoken_replies: dict[str, Path],
    asr: Opener,
    pitch_tracker: Opener,
    gender_classifier: Opener,
) -> tuple[pd.DataFrame, list[dict[str, Any]]]:
    """Hear whether the words came through and whether the manner is the one asked for.

    Returns:
        The `speech` table and its scores; both empty where nothing was spoken.
    """

    from msc_kedro.evaluation.spoken import hear, speech_scores

    listeners = (asr.open(), pitch_tracker.open(), gender_classifier.open())
    known = replies.set_index("utterance_id")
    rows = [
        {
            "utterance_id": identity,
            **hear(
                path, known.loc[identity, "text"], known.loc[identity, "description"], *listeners
            ),
        }
        for identity, path in steps(list(spoken_replies.items()), title="listening", unit="replies")
    ]
    if not rows:
        return empty("speech"), []
    speech = pd.DataFrame(rows)
    return speech, speech_scores(speech, known["text"])
