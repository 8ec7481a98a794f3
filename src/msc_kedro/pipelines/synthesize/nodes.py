"""Nodes of synthesize."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from msc_kedro.execution.files import code_of, key_of, once
from msc_kedro.execution.parallel import in_parallel
from msc_kedro.models.opener import Opener
from msc_kedro.pipelines.parameters import EngineParameters
from msc_kedro.pipelines.synthesize.parameters import SynthesizeParameters
from msc_kedro.tables import empty

if TYPE_CHECKING:
    from msc_kedro.voice.manner import Synthesizer


def speak_replies(
    replies: pd.DataFrame,
    voice_levels: list[dict[str, Any]],
    voice_female: Opener,
    voice_male: Opener,
    work: Path,
    parameters: SynthesizeParameters,
    engine: EngineParameters,
) -> dict[str, Path]:
    """Speak every reply that has words, in the voice and the manner that its description asks for.

    Returns:
        Sound files by utterance id.
    """
    openers = {"female": voice_female, "male": voice_male}
    made_by = [*(one.name for one in openers.values()), code_of("speaking", "voice")]

    def speak(reply: Any) -> tuple[str, Path]:
        asked = (reply.text, reply.description)
        key = key_of("speech", asked, voice_levels, made_by, parameters.model_dump())
        make = partial(_speak, *asked, voice_levels, openers, parameters)
        return reply.utterance_id, once(work / "speech" / f"{key}.flac", make)

    rows = list(replies[replies["text"].str.contains(r"\w")].itertuples())
    return dict(in_parallel(speak, rows, workers=engine.threads, title="speaking", unit="replies"))


def _speak(
    text: str,
    description: str,
    voice_levels: list[dict[str, Any]],
    openers: dict[str, Opener],
    parameters: SynthesizeParameters,
    file: Path,
) -> None:
    from msc_kedro.media.sound import flac_bytes
    from msc_kedro.speaking.steering import manner_for, voice_for
    from msc_kedro.voice.bins import from_records
    from msc_kedro.voice.grammar import read

    scales = from_records(voice_levels)
    levels = read(description, version=scales.version)
    voices: dict[Any, Synthesizer] = {gender: one.open() for gender, one in openers.items()}
    voice = voice_for(levels, voices, otherwise=parameters.gender_if_unsaid)
    short = " ".join(text.split()[: parameters.max_words])
    speech = voice(short, manner=manner_for(levels, voice, scales), seed=parameters.seed)
    file.write_bytes(flac_bytes(speech.samples, speech.sample_rate))


def listen_to_replies(
    replies: pd.DataFrame,
    spoken_replies: dict[str, Path],
    voice_levels: list[dict[str, Any]],
    asr: Opener,
    pitch_tracker: Opener,
    gender_classifier: Opener,
    work: Path,
    engine: EngineParameters,
) -> tuple[pd.DataFrame, list[dict[str, Any]]]:
    """Hear whether the words came through and whether the manner is the one asked for.

    Returns:
        The `speech` table and its scores; both empty where nothing was spoken.
    """
    from msc_kedro.evaluation.spoken import hear, speech_scores
    from msc_kedro.media.probe import content_id
    from msc_kedro.voice.bins import from_records

    scales = from_records(voice_levels)
    listeners = (asr, pitch_tracker, gender_classifier)
    made_by = [*(one.name for one in listeners), code_of("evaluation", "listening", "voice")]
    known = replies.set_index("utterance_id")

    def listen(spoken: tuple[str, Path]) -> dict[str, Any]:
        identity, path = spoken
        asked = known.loc[identity, ["text", "description"]].tolist()
        key = key_of("heard", content_id(path, digits=20), asked, voice_levels, made_by)

        def make(file: Path) -> None:
            opened = (one.open() for one in listeners)
            file.write_text(json.dumps(hear(path, *asked, *opened, scales=scales)))

        return {
            "utterance_id": identity,
            **json.loads(once(work / "heard" / f"{key}.json", make).read_text()),
        }

    spoken = list(spoken_replies.items())
    rows = list(
        in_parallel(listen, spoken, workers=engine.threads, title="listening", unit="replies")
    )
    if not rows:
        return empty("speech"), []
    speech = pd.DataFrame(rows)
    return speech, speech_scores(speech, known["text"])
