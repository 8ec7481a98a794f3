"""Spoken replies: were the words heard, and was the manner the one that was asked for?"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msc_kedro.evaluation.scores import Score

if TYPE_CHECKING:
    import pandas as pd

    from msc_kedro.listening.asr import WhisperTranscriber
    from msc_kedro.listening.gender import GenderClassifier
    from msc_kedro.listening.pitch import PitchTracker
    from msc_kedro.voice.bins import Scales

_LEVELS = ("gender", "pitch", "pace", "monotony")


def hear(
    sound: Path,
    text: str,
    description: str,
    transcribe: WhisperTranscriber,
    track_pitch: PitchTracker,
    tell_gender: GenderClassifier,
    *,
    scales: Scales | None = None,
) -> dict[str, Any]:
    """One row of the `speech` table, without its id.

    Args:
        sound: what was spoken.
        text: what should have been spoken.
        description: how it should have sounded.
        scales: the words and edges of its levels; by default data-speech's.
    """
    import soxr

    from msc_kedro.listening.measures import measure_voice
    from msc_kedro.media.sound import LISTENING_RATE, read_span
    from msc_kedro.metrics.speech import word_error_rate
    from msc_kedro.voice.bins import published
    from msc_kedro.voice.grammar import read

    samples, rate = read_span(sound, 0.0, float("1e9"))
    heard_samples = soxr.resample(samples, rate, LISTENING_RATE)
    segments = transcribe(heard_samples)
    heard = " ".join(segment.text.strip() for segment in segments)
    words = [word for segment in segments for word in segment.words]
    measured = measure_voice(heard_samples, text, words, track_pitch, tell_gender)
    scales = scales or published()
    level = scales.level
    asked = read(description, version=scales.version)
    gender = asked.gender or measured.gender
    return {
        "duration_s": samples.size / rate,
        "heard_text": heard,
        "word_error_rate": word_error_rate(heard, text),
        "pitch_mean_hz": measured.pitch_mean_hz,
        "pitch_std_hz": measured.pitch_std_hz,
        "speaking_rate_phonemes_per_s": measured.speaking_rate_phonemes_per_s,
        **{f"asked_{name}": getattr(asked, name) for name in _LEVELS},
        "measured_gender": measured.gender,
        "measured_pitch": level("pitch", measured.pitch_mean_hz, gender=gender),
        "measured_pace": level("pace", measured.speaking_rate_phonemes_per_s),
        "measured_monotony": level("monotony", measured.pitch_std_hz),
    }


def speech_scores(speech: pd.DataFrame, texts: pd.Series) -> list[dict[str, Any]]:
    """Scores over the `speech` table.

    Args:
        speech: the table.
        texts: what should have been spoken, by utterance id.
    """
    from msc_kedro.metrics.speech import word_errors

    pairs = [
        word_errors(heard, texts[identity])
        for identity, heard in zip(speech["utterance_id"], speech["heard_text"], strict=True)
    ]
    wrong, said = sum(e for e, _ in pairs), sum(n for _, n in pairs)
    scores = [
        Score(
            "spoken_word_error_rate",
            wrong / said if said else None,
            None,
            None,
            said,
            "words wrong, missing or added in what speech recognition hears of the spoken replies, "
            "over all words of the replies (Whisper's normalisation)",
        )
    ]
    for name in _LEVELS:
        asked, measured = speech[f"asked_{name}"], speech[f"measured_{name}"]
        both = asked.notna() & measured.notna()
        scores.append(
            Score(
                f"{name}_agreement",
                float((asked[both] == measured[both]).mean()) if both.any() else None,
                None,
                None,
                int(both.sum()),
                f"share of spoken replies whose measured {name} is the level that was asked for",
            )
        )
    return [asdict(score) for score in scores]
