"""A sentence that says how a voice sounds, written from levels and read back into them.

The description is the speech interface of the agent: `write` makes the training target,
`read` is how the synthesizers and the metrics understand what the agent wrote. `read` undoes
`write` on every combination of levels, every wording and both versions of the words (`bins`); on
other wordings it looks for the longest phrases it knows.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass, fields
from functools import cache
from typing import Any

from msc_kedro.errors import MscKedroError
from msc_kedro.voice import bins


@dataclass(frozen=True)
class VoiceLevels:
    """What is said of a voice: one word of `bins` a measure, None where nothing is known.

    Raises:
        MscKedroError: for a word that is no level of its measure in any version.
    """

    gender: str | None = None
    pitch: str | None = None
    monotony: str | None = None
    pace: str | None = None
    reverberation: str | None = None
    noise: str | None = None

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if value is not None and value not in _known(field.name):
                raise MscKedroError(
                    f"{value!r} is no level of {field.name}; expected one of "
                    f"{', '.join(_known(field.name))}, or None."
                )


@cache
def _known(measure: Any) -> tuple[str, ...]:
    """All words of a measure; those of the first version first."""
    if measure == "gender":
        return bins.GENDERS
    words = [word for version in bins.VERSIONS for word in bins.words(measure, version)]
    return tuple(dict.fromkeys(words))


# ---------------------------------------------------------------------------------- writing

_SUBJECTS = {
    "male": ("A male speaker", "A man"),
    "female": ("A female speaker", "A woman"),
    None: ("A speaker", "A voice"),
}
_VERBS = ("talks", "speaks")


def _pace(word: str, rng: random.Random) -> str:
    verb = rng.choice(_VERBS)
    if word == "moderate speed":
        return f"{verb} at {rng.choice(('moderate speed', 'a moderate speed'))}"
    return f"{verb} {word}"


def _pitch(word: str, rng: random.Random) -> str:
    preposition = rng.choice(("in", "with"))
    return f"{preposition} a {word} voice"


def _monotony(word: str, rng: random.Random) -> str:
    if word.endswith("intonation"):
        return rng.choice((f"with {word}", f"with a {word}"))
    article = "an" if word[0] == "e" else "a"
    return rng.choice((f"in {article} {word} way", f"sounding {word}", f"{word} in tone"))


def _reverberation(word: str, rng: random.Random) -> str:
    if word.endswith("reverberation"):
        return rng.choice((f"with {word}", f"in a recording with {word}"))
    return rng.choice((f"in a {word} recording", f"with a {word} quality"))


def _noise(word: str, rng: random.Random) -> str:
    if word.endswith("sound"):
        return rng.choice((f"with {word}", f"over {word}"))
    if word.endswith("clarity"):
        return rng.choice((f"the audio {word}", f"with audio {word}"))
    return rng.choice((f"with {word} audio", f"the audio {word}"))


def write(levels: VoiceLevels, *, seed: int) -> str:
    """One short sentence (at most 25 words, 30 with the noise, no brackets) of the known levels.

    Levels that are None are left out; without any the sentence says nothing of the voice.
    The wording is that of Parler-TTS's own descriptions; the level words are used as they are.

    Args:
        levels: what to say.
        seed: chooses among wordings and orders; the same seed gives the same sentence.
    """
    return written(levels, random.Random(seed))


def written(levels: VoiceLevels, rng: random.Random) -> str:
    """`write` with the generator that chooses."""
    if levels == VoiceLevels():
        return "A speaker talks."
    subject = rng.choice(_SUBJECTS[levels.gender])
    verb = _pace(levels.pace, rng) if levels.pace else rng.choice(_VERBS)
    manner = []
    if levels.pitch:
        manner.append(_pitch(levels.pitch, rng))
    if levels.monotony:
        manner.append(_monotony(levels.monotony, rng))
    rng.shuffle(manner)
    # Room and noise come last: they say something of the recording, not of the manner.
    if levels.reverberation:
        manner.append(_reverberation(levels.reverberation, rng))
    if levels.noise:
        manner.append(_noise(levels.noise, rng))
    return f"{subject} {verb}{_joined(manner)}."


def _joined(parts: list[str]) -> str:
    """The first part follows the verb directly, the others after a comma."""
    return "".join((" " if place == 0 else ", ") + part for place, part in enumerate(parts))


# ---------------------------------------------------------------------------------- reading

_VERY = (
    "very|extremely|really|highly|exceptionally|incredibly|remarkably|super|a lot of|lots of|heavy"
)
_SLIGHTLY = (
    "slightly|slight|somewhat|a bit|a bit of|a little|a touch|mildly|moderately|rather|some|subtle"
)
_PLAIN = "quite|fairly|pretty|relatively|noticeably|clearly"
_DEGREES = f"(?:(?P<very>{_VERY})|(?P<slightly>{_SLIGHTLY})|(?:{_PLAIN}))"

# Head phrases a measure is told by; after `_plain` (lower case, hyphens as spaces).
_LOW_PITCH = r"(?:low|lower|deep|deeper)"
_HIGH_PITCH = r"(?:high|higher|shrill)"
_MIDDLE = r"(?:moderate|medium|average|normal|regular|steady|balanced)"
_VOICE = r"(?:(?:(?:fe)?male |mans |womans )?(?:pitch(?:ed)?|voice|tone|register|toned|voiced))"
_SPEED = r"(?:speed|pace|paced|tempo|rate|speaking rate)"
_ECHO = r"(?:echo|echoes|reverb|reverberation|roominess)"
_HEADS: dict[bins.Measure, tuple[tuple[str, str], ...]] = {
    "pitch": (
        ("middle", rf"{_MIDDLE} (?:pitch(?:ed)?|register)"),
        ("low", rf"{_LOW_PITCH} {_VOICE}|baritone"),
        ("high", rf"{_HIGH_PITCH} {_VOICE}"),
    ),
    "pace": (
        ("middle", rf"{_MIDDLE} {_SPEED}|moderately paced|medium paced"),
        ("low", rf"slowly|slow|slower|unhurried|leisurely|low {_SPEED}"),
        ("high", rf"fast|faster|quickly|quick|rapidly|rapid|swiftly|briskly|brisk|high {_SPEED}"),
    ),
    "monotony": (
        ("middle", rf"{_MIDDLE} (?:intonation|inflection|expressiveness)|moderately dynamic"),
        ("low", r"monotone|monotonous(?:ly)?|monotonic|flat|flatly|expressionless"),
        (
            "high",
            r"expressive(?:ly)?(?:(?: and|,)? (?:animated|lively))?"
            r"|animated(?:ly)?(?: and (?:expressive|lively))?"
            r"|lively(?: and (?:expressive|animated))?",
        ),
    ),
    "reverberation": (
        ("middle", rf"{_MIDDLE} (?:reverb|reverberation)"),
        ("low", rf"distant(?: sounding)?|far away|roomy(?: sounding)?|echoey|reverberant|{_ECHO}"),
        (
            "high",
            r"close(?: up)? sounding|sounding close|confined(?: sounding)?|close up"
            rf"|(?:no|without|without any) {_ECHO}",
        ),
    ),
    "noise": (
        ("middle", rf"{_MIDDLE} (?:ambient sound|(?:background )?noise)|balanced in clarity"),
        ("low", r"noisy|(?:background |ambient )?noise"),
        ("high", r"clear|clean|noise free|(?:almost no|no|without|little) (?:background )?noise"),
    ),
}
_DEGREE_NAMES = ("slightly", "plain", "very")
_NEAREST = {  # where a scale has no word of a degree
    "very": ("very", "plain", "slightly"),
    "plain": ("plain", "slightly", "very"),
    "slightly": ("slightly", "plain", "very"),
}


@cache
def _levels(version: bins.Version) -> dict[tuple[str, str, str], str]:
    """The word for each measure, side of its scale and degree: the nearest that there is.

    The words of the scales are phrases that are known, so each tells its own place.
    """
    levels: dict[tuple[str, str, str], str] = {}
    for measure, sides in _HEADS.items():
        words = bins.words(measure, version)
        own: dict[tuple[str, str], str] = {}
        for word in words:
            ((_, side, degree),) = [hit for hit in _phrases(_plain(word)) if hit[0] == measure]
            own[side, degree] = word
        for side, _ in sides:
            for degree in _DEGREE_NAMES:
                there = [own[side, d] for d in _NEAREST[degree] if (side, d) in own]
                levels[measure, side, degree] = there[0] if there else words[len(words) // 2]
    return levels


@cache
def _patterns() -> tuple[tuple[str, str, re.Pattern[str]], ...]:
    """(measure, side, pattern) for every side of every scale."""
    patterns = [
        (str(measure), side, re.compile(rf"\b(?:{_DEGREES} )?(?:{heads})\b"))
        for measure, sides in _HEADS.items()
        for side, heads in sides
    ]
    # "his pitch is very high", "a voice that is slightly low in pitch"
    verb = r"(?:pitch|voice|tone|register)(?: (?:is|was|sounds|that is|being))?"
    for side, adjective in (("low", _LOW_PITCH), ("high", _HIGH_PITCH), ("middle", _MIDDLE)):
        after = rf"\b{verb} (?:{_DEGREES} )?{adjective}\b(?! {_VOICE})(?! {_SPEED})"
        after += r"(?! (?:reverb|intonation|ambient|background|noise|in clarity))"
        patterns.append(("pitch", side, re.compile(after)))
        before = rf"\b(?:{_DEGREES} )?{adjective} in pitch\b"
        patterns.append(("pitch", side, re.compile(before)))
    return tuple(patterns)


_WOMAN = re.compile(r"\b(?:female|woman|womans|women|girl|lady|feminine)\b")
_MAN = re.compile(r"\b(?:male|man|mans|men|boy|guy|gentleman|masculine)\b")
_SHE = re.compile(r"\b(?:she|her|hers)\b")
_HE = re.compile(r"\b(?:he|his|him)\b")


def _plain(description: str) -> str:
    """Lower case, hyphens as spaces, apostrophes dropped, single spaces."""
    text = description.lower().replace("'", "").replace("’", "")
    text = re.sub(r"[-‐-―_/]", " ", text)
    return re.sub(r"\s+", " ", text).strip()


def _gender(text: str) -> str | None:
    """By nouns first, by pronouns where there are none; the earliest mention decides."""
    for woman, man in ((_WOMAN, _MAN), (_SHE, _HE)):
        found = [
            (match.start(), gender)
            for gender, match in (("female", woman.search(text)), ("male", man.search(text)))
            if match
        ]
        if found:
            return min(found)[1]
    return None


def _phrases(text: str) -> list[tuple[str, str, str]]:
    """(measure, side, degree) of phrases in their order; of overlapping ones the longest."""
    found = [
        (match.end() - match.start(), match.start(), match.end(), measure, side, match)
        for measure, side, pattern in _patterns()
        for match in pattern.finditer(text)
    ]
    found.sort(key=lambda hit: (-hit[0], hit[1]))
    taken: list[tuple[int, int, tuple[str, str, str]]] = []
    for _, start, end, measure, side, match in found:
        if any(start < other_end and other_start < end for other_start, other_end, _ in taken):
            continue
        parts = match.groupdict()
        degree = "very" if parts.get("very") else "slightly" if parts.get("slightly") else "plain"
        taken.append((start, end, (measure, side, degree)))
    return [phrase for _, _, phrase in sorted(taken)]


def read(description: str, *, version: bins.Version = bins.DEFAULT) -> VoiceLevels:
    """The levels a description tells; what it does not tell is None.

    Where phrases overlap the longest is taken ("slightly slowly" before "slowly"); where a
    measure is told twice, the first counts. Case, hyphens and unknown words do not matter; a
    degree the scale lacks is taken to its nearest level. Never raises on text.

    Args:
        description: any wording.
        version: of the words that are given back.
    """
    text = _plain(description)
    levels = _levels(version)
    told: dict[str, str] = {}
    for measure, side, degree in _phrases(text):
        told.setdefault(measure, levels[measure, side, degree])
    return VoiceLevels(gender=_gender(text), **told)
