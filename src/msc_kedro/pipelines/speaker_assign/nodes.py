"""Nodes of speaker_assign."""

from __future__ import annotations

from pathlib import Path
from string import ascii_uppercase

import pandas as pd

from msc_kedro.execution.progress import steps
from msc_kedro.models.opener import Opener
from msc_kedro.pipelines.speaker_assign.parameters import SpeakerAssignParameters


def assign_speakers_per_dialogue(
    utterances: pd.DataFrame,
    sounds: dict[str, Path],
    speaker_encoder: Opener,
    parameters: SpeakerAssignParameters,
) -> pd.DataFrame:
    """Tell the voices of each dialogue apart.

    Returns:
        The `speakers` table: A, B, ... in order of appearance within the dialogue.
    """
    import numpy as np

    from msc_kedro.listening.speakers import assign_speakers
    from msc_kedro.media.sound import read_span

    encode = speaker_encoder.open()
    rows = []
    groups = list(utterances.sort_values(["dialogue_id", "turn"]).groupby("dialogue_id"))
    for _, dialogue in steps(groups, title="telling speakers apart", unit="dialogues"):
        vectors = []
        for source, (start_s, end_s) in zip(
            dialogue["source_id"], _with_margins(dialogue, parameters.margin_s), strict=True
        ):
            vector = encode(read_span(sounds[source], start_s, end_s)[0])
            vectors.append(np.full(encode.width, np.nan) if vector is None else vector)
        guesses = assign_speakers(
            np.stack(vectors),
            same_speaker_distance=parameters.same_speaker_distance,
            durations_s=(dialogue["end_s"] - dialogue["start_s"]).to_numpy(),
        )
        rows += [
            (identity, _letters(guess.label), guess.confidence)
            for identity, guess in zip(dialogue["utterance_id"], guesses, strict=True)
        ]
    return pd.DataFrame(rows, columns=["utterance_id", "speaker", "confidence"])


def _with_margins(dialogue: pd.DataFrame, margin_s: float) -> list[tuple[float, float]]:
    """Spans of the utterances, longer by up to `margin_s` where that touches no neighbour."""
    starts, ends = dialogue["start_s"].tolist(), dialogue["end_s"].tolist()
    spans = []
    for place, (start, end) in enumerate(zip(starts, ends, strict=True)):
        before = max((e for e in ends[:place] if e <= start), default=0.0)
        after = min((s for s in starts[place + 1 :] if s >= end), default=end + margin_s)
        spans.append((max(start - margin_s, before), min(end + margin_s, after)))
    return spans


def _letters(label: int) -> str:
    """A, B, ... Z, A2, B2, ...; "?" where the voice could not be heard."""
    if label < 0:
        return "?"
    round_, place = divmod(label, len(ascii_uppercase))
    return ascii_uppercase[place] + (str(round_ + 1) if round_ else "")
