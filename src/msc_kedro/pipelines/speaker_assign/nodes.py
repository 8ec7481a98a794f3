"""Nodes of speaker_assign."""

from __future__ import annotations

import io
from pathlib import Path
from string import ascii_uppercase
from typing import TYPE_CHECKING

import pandas as pd

from msc_kedro.execution.files import code_of, key_of
from msc_kedro.execution.shards import map_shards
from msc_kedro.models.opener import Opener
from msc_kedro.pipelines.parameters import EngineParameters, SameVoiceParameters
from msc_kedro.pipelines.speaker_assign.parameters import SpeakerAssignParameters

if TYPE_CHECKING:
    import numpy as np

    from msc_kedro.listening.speakers import SameSpeaker, SpeakerGuess

_Row = tuple[str, str, float, str | None]  # a row of `speakers`
Heard = tuple[str, float, float]  # source id, start and end of what is heard in seconds


def assign_speakers_per_dialogue(
    utterances: pd.DataFrame,
    annotations: pd.DataFrame,
    sounds: dict[str, Path],
    speaker_encoder: Opener,
    work: Path,
    parameters: SpeakerAssignParameters,
    same_voice: SameVoiceParameters,
    engine: EngineParameters,
) -> pd.DataFrame:
    """Tell the voices of each dialogue apart; where the corpus says who speaks, take its word.

    Returns:
        The `speakers` table: A, B, ... in order of appearance within the dialogue.
    """
    import numpy as np

    from msc_kedro.listening.speakers import (
        SameSpeaker,
        assign_speakers,
        assign_speakers_as_published,
    )
    from msc_kedro.listening.threads import one_thread_each

    ordered = utterances.sort_values(["dialogue_id", "turn"])
    is_told = ordered["name"].isin(annotations["name"])
    rows = _told(ordered[is_told], annotations)
    dialogues = [dialogue for _, dialogue in ordered[~is_told].groupby("dialogue_id")]
    made_by = speaker_encoder.name, code_of("listening", "media")
    with one_thread_each():
        files = map_shards(
            lambda spans, file: _write_voices(file, spans, sounds, speaker_encoder),
            [_with_margins(dialogue, parameters.margin_s) for dialogue in dialogues],
            key=lambda spans: key_of("voices", spans, made_by),
            folder=work / "voices",
            suffix=".npy",
            title="telling speakers apart",
            workers=engine.threads,
        )
    same = SameSpeaker(**same_voice.model_dump())
    told_apart = []
    for dialogue, file in zip(dialogues, files, strict=True):
        voices = np.load(file, allow_pickle=False)
        lengths_s = (dialogue["end_s"] - dialogue["start_s"]).to_numpy()
        if parameters.as_published:
            guesses = assign_speakers_as_published(voices)
        else:
            guesses = assign_speakers(voices, durations_s=lengths_s, same=same)
        told_apart.append((dialogue, voices, lengths_s, guesses))
    people = _people(told_apart, same, parameters)
    for place, (dialogue, _, _, guesses) in enumerate(told_apart):
        rows += [
            (identity, _letters(one.label), one.confidence, people.get((place, one.label)))
            for identity, one in zip(dialogue["utterance_id"], guesses, strict=True)
        ]
    return pd.DataFrame(rows, columns=["utterance_id", "speaker", "confidence", "person"])


def _told(utterances: pd.DataFrame, annotations: pd.DataFrame) -> list[_Row]:
    """Rows of `speakers` by what the corpus says; utterances are in order of turn."""
    known = utterances.merge(annotations, on="name", validate="one_to_one")
    rows: list[_Row] = []
    for _, dialogue in known.groupby("dialogue_id"):
        labels, _ = pd.factorize(dialogue["speaker"])  # in order of appearance
        persons = dialogue["person"].astype(object).where(dialogue["person"].notna(), None)
        rows += [
            (identity, _letters(int(label)), 1.0, person)
            for identity, label, person in zip(
                dialogue["utterance_id"], labels, persons, strict=True
            )
        ]
    return rows


def _people(
    told_apart: list[tuple[pd.DataFrame, np.ndarray, np.ndarray, list[SpeakerGuess]]],
    same: SameSpeaker,
    parameters: SpeakerAssignParameters,
) -> dict[tuple[int, int], str]:
    """Who the speakers are across dialogues, by place of the dialogue and label within it."""
    from msc_kedro.listening.people import link_people, speaker_voices

    if parameters.link == "nobody":
        return {}
    voices, dialogues, within = [], [], []
    for place, (dialogue, embeddings, lengths_s, guesses) in enumerate(told_apart):
        found = speaker_voices(embeddings, lengths_s, guesses)
        voices += found
        dialogues += [place] * len(found)
        within += [_recording(dialogue) if parameters.link == "in_source" else ""] * len(found)
    linked = link_people(
        voices,
        dialogues=[str(place) for place in dialogues],
        within=within,
        same=same,
        stricter_by=parameters.link_nearer_by,
    )
    return {
        (place, voice.label): f"person {guess.person + 1}"
        for place, voice, guess in zip(dialogues, voices, linked, strict=True)
    }


def _recording(dialogue: pd.DataFrame) -> str:
    """The source that a dialogue is a span of; itself, where its turns are clips."""
    sources = dialogue["source_id"].unique()
    return str(sources[0] if len(sources) == 1 else dialogue["dialogue_id"].iloc[0])


def _write_voices(file: Path, spans: list[Heard], sounds: dict[str, Path], encoder: Opener) -> None:
    """Embeddings float32 [u, d] of the utterances of a dialogue; NaN where nobody is heard."""
    import numpy as np

    from msc_kedro.media.sound import read_span

    encode = encoder.open()
    voices: np.ndarray = np.full((len(spans), encode.width), np.nan, np.float32)
    for place, (source, start_s, end_s) in enumerate(spans):
        voice = encode(read_span(sounds[source], start_s, end_s)[0])
        if voice is not None:
            voices[place] = voice
    buffer = io.BytesIO()  # into a file numpy would not say why it could not be written
    np.save(buffer, voices, allow_pickle=False)
    file.write_bytes(buffer.getvalue())


def _with_margins(dialogue: pd.DataFrame, margin_s: float) -> list[Heard]:
    """Spans of the utterances, longer by up to `margin_s` where that touches no neighbour."""
    heard = list(dialogue[["source_id", "start_s", "end_s"]].itertuples(index=False, name=None))
    spans = []
    for place, (source, start, end) in enumerate(heard):
        earlier = (e for own, _, e in heard[:place] if own == source and e <= start)
        later = (s for own, s, _ in heard[place + 1 :] if own == source and s >= end)
        before, after = max(earlier, default=0.0), min(later, default=end + margin_s)
        spans.append((source, max(start - margin_s, before), min(end + margin_s, after)))
    return spans


def _letters(label: int) -> str:
    """A, B, ... Z, A2, B2, ...; "?" where the voice could not be heard."""
    if label < 0:
        return "?"
    round_, place = divmod(label, len(ascii_uppercase))
    return ascii_uppercase[place] + (str(round_ + 1) if round_ else "")
