"""All measures of the voice in one utterance, and of one speaker over several."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

from msc_kedro.listening.pitch import PitchTrack, pitch_statistics
from msc_kedro.listening.rate import (
    PHONEMES_OF,
    Timed,
    count_phonemes,
    heard_duration,
    speaking_rate,
    speech_duration,
)
from msc_kedro.listening.sound import as_mono

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from msc_kedro.listening.gender import GenderGuess
    from msc_kedro.listening.reverberation import RoomGuess


@dataclass(frozen=True)
class VoiceMeasures:
    """What was measured of one utterance; None with a reason where it could not be.

    `reasons` is by name of the measure; `c50_db` is speech clarity, the measure of reverberation,
    `snr_db` speech over noise.
    """

    pitch_mean_hz: float | None
    pitch_std_hz: float | None
    speaking_rate_phonemes_per_s: float | None
    c50_db: float | None
    gender: str | None
    gender_probability: float | None
    snr_db: float | None = None
    reasons: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def unmeasured(self) -> str:
        """The reasons as one line, "measure: reason; ...", or ""."""
        return "; ".join(f"{measure}: {reason}" for measure, reason in self.reasons.items())


NOT_HEARD = VoiceMeasures(  # of an utterance without sound
    pitch_mean_hz=None,
    pitch_std_hz=None,
    speaking_rate_phonemes_per_s=None,
    c50_db=None,
    gender=None,
    gender_probability=None,
    reasons=MappingProxyType(
        dict.fromkeys(("pitch", "pace", "reverberation", "noise", "gender"), "its sound is missing")
    ),
)


@dataclass(frozen=True)
class SpeakerVoice:
    """What holds for a speaker over all utterances; None where none could be measured."""

    pitch_hz: float | None
    gender: str | None
    gender_probability: float | None


def measure_voice(
    samples: ArrayLike,
    text: str,
    words: Sequence[Timed],
    tracker: Callable[[ArrayLike], PitchTrack],
    gender_classifier: Callable[[ArrayLike], GenderGuess | None],
    room_meter: Callable[[ArrayLike], RoomGuess] | None = None,
    *,
    language: str | None = PHONEMES_OF,
) -> VoiceMeasures:
    """Pitch, liveliness, pace, gender and room of one utterance.

    The time spoken is by voice activity; where that hears nothing, by the times of the words.

    Args:
        samples: the utterance, mono [n] in [-1, 1] at 16 kHz.
        text: what is said.
        words: their times in seconds, from whatever start; only durations and gaps count.
        tracker: of the pitch, `pitch.PitchTracker`.
        gender_classifier: `gender.GenderClassifier`.
        room_meter: of clarity and noise, a `reverberation.RoomMeter`; without one they are null.
        language: of the text, an ISO code. Phonemes are known of English alone.
    """
    sound = as_mono(samples)
    reasons: dict[str, str] = {}
    pitch = pitch_statistics(tracker(sound))
    if pitch is None:
        reasons["pitch"] = "too little voiced sound"
    rate = None
    if language != PHONEMES_OF:
        reasons["pace"] = f"phonemes of '{language}' are not known"
    else:
        rate = speaking_rate(text, heard_duration(sound) or speech_duration(words))
        if rate is None:
            nothing = count_phonemes(text) == 0
            reasons["pace"] = "no words" if nothing else "too little speech"
    room = room_meter(sound) if room_meter else None
    why = room.reason if room else "not asked for"
    if room is None or room.c50_db is None:
        reasons["reverberation"] = why
    if room is None or room.snr_db is None:
        reasons["noise"] = why
    gender = gender_classifier(sound)
    if gender is None:
        reasons["gender"] = "sound too short or silent"
    return VoiceMeasures(
        pitch_mean_hz=pitch.mean_hz if pitch else None,
        pitch_std_hz=pitch.std_hz if pitch else None,
        speaking_rate_phonemes_per_s=rate,
        c50_db=room.c50_db if room else None,
        snr_db=room.snr_db if room else None,
        gender=gender.label if gender else None,
        gender_probability=gender.probability if gender else None,
        reasons=MappingProxyType(reasons),
    )


def speaker_voice(utterances: Iterable[VoiceMeasures]) -> SpeakerVoice:
    """One speaker's pitch (mean of the utterance means, as data-speech takes it) and gender.

    The gender is that of the mean probability, so that sure utterances outweigh doubtful ones.
    """
    measures = list(utterances)
    pitches = [one.pitch_mean_hz for one in measures if one.pitch_mean_hz is not None]
    males = [
        one.gender_probability if one.gender == "male" else 1.0 - one.gender_probability
        for one in measures
        if one.gender is not None and one.gender_probability is not None
    ]
    pitch_hz = sum(pitches) / len(pitches) if pitches else None
    if not males:
        return SpeakerVoice(pitch_hz, None, None)
    male = sum(males) / len(males)
    return SpeakerVoice(pitch_hz, "male" if male > 0.5 else "female", max(male, 1.0 - male))
