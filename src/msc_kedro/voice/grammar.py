"""A sentence that says how a voice sounds, written from levels and read back into them.

The description is the speech interface of the agent: `write` makes the training target,
`read` is how the synthesizers and the metrics understand what the agent wrote. `read` undoes
`write` on every combination of levels and every seed; on other wordings it looks for the longest
phrases it knows.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass, fields
from functools import cache

from msc_kedro.errors import MscKedroError
from msc_kedro.voice import bins


@dataclass(frozen=True)
class VoiceLevels:
    """What is said of a voice: one word of `bins` a measure, None where nothing is known.

    Raises:
        MscKedroError: for a word that is no level of its measure.
    """

    gender: str | None = None
    pitch: str | None = None
    monotony: str | None = None
    pace: str | None = None
    reverberation: str | None = None

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            known = bins.GENDERS if field.name == "gender" else bins.words(field.name)  # type: ignore[arg-type]
            if value is not None and value not in known:
                raise MscKedroError(
                    f"{value!r} is no level of {field.name}; expected one of "
                    f"{', '.join(known)}, or None."
                )


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
    article = "an" if word[0] == "e" else "a"
    return rng.choice((f"in {article} {word} way", f"sounding {word}", f"{word} in tone"))


def _reverberation(word: str, rng: random.Random) -> str:
    return rng.choice((f"in a {word} recording", f"with a {word} quality"))


def write(levels: VoiceLevels, *, seed: int) -> str:
    """One short sentence (at most 25 words, no brackets) that says the known levels.

    Levels that are None are left out; without any the sentence says nothing of the voice.
    The wording is that of Parler-TTS's own descriptions; the level words are used as they are.

    Args:
        levels: what to say.
        seed: chooses among wordings and orders; the same seed gives the same sentence.
    """
    if levels == VoiceLevels():
        return "A speaker talks."
    rng = random.Random(seed)
    subject = rng.choice(_SUBJECTS[levels.gender])
    verb = _pace(levels.pace, rng) if levels.pace else rng.choice(_VERBS)
    manner = []
    if levels.pitch:
        manner.append(_pitch(levels.pitch, rng))
    if levels.monotony:
        manner.append(_monotony(levels.monotony, rng))
    rng.shuffle(manner)
    # The room comes last: it says something of the recording, not of the manner.
    if levels.reverberation:
        manner.append(_reverberation(levels.reverberation, rng))
    return f"{subject} {verb}{_joined(manner)}."


def _joined(parts: list[str]) -> str:
    """The first part follows the verb directly, the others after a comma."""
    return "".join((" " if place == 0 else ", ") + part for place, part in enumerate(parts))


# ---------------------------------------------------------------------------------- reading

_VERY = "very|extremely|really|highly|exceptionally|incredibly|remarkably|super"
_SLIGHTLY = "slightly|somewhat|a bit|a little|a touch|mildly|moderately|rather"
_PLAIN = "quite|fairly|pretty|relatively|noticeably|clearly"
_DEGREES = f"(?:(?P<very>{_VERY})|(?P<slightly>{_SLIGHTLY})|(?:{_PLAIN}))"

# Head phrases a measure is told by; after `_plain` (lower case, hyphens as spaces).
_LOW_PITCH = r"(?:low|lower|deep|deeper)"
_HIGH_PITCH = r"(?:high|higher|shrill)"
_MIDDLE = r"(?:moderate|medium|average|normal|regular|steady|balanced)"
_VOICE = r"(?:pitch(?:ed)?|voice|tone|register|toned|voiced)"
_SPEED = r"(?:speed|pace|paced|tempo|rate|speaking rate)"
_HEADS: dict[str, tuple[tuple[str, str], ...]] = {
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
        ("low", r"monotone|monotonous(?:ly)?|monotonic|flat|flatly|expressionless"),
        (
            "high",
            r"expressive(?:ly)?(?:(?: and|,)? (?:animated|lively))?"
            r"|animated(?:ly)?(?: and (?:expressive|lively))?"
            r"|lively(?: and (?:expressive|animated))?",
        ),
    ),
    "reverberation": (
        ("low", r"distant(?: sounding)?|far away|roomy(?: sounding)?|echoey|reverberant"),
        ("high", r"close(?: up)? sounding|sounding close|confined(?: sounding)?|close up"),
    ),
}
# The level for a side of the scale and a degree; degrees are very, plain, slightly.
_LEVELS: dict[str, dict[tuple[str, str], str]] = {
    "monotony": {
        ("low", "slightly"): "monotone",
    },
    "reverberation": {
        ("high", "plain"): "slightly close-sounding",
    },
}


def _level(measure: str, side: str, degree: str) -> str:
    """The word of the scale for a side and a degree; the nearest where the scale has none."""
    words = bins.words(measure)  # type: ignore[arg-type]
    special = _LEVELS.get(measure, {}).get((side, degree))
    if special is not None:
        return special
    middle = len(words) // 2
    if side == "middle":
        return words[middle]
    if measure == "monotony":  # two words low, three high
        return words[{"very": 0, "plain": 1}[degree] if side == "low" else _RANK[degree] + 2]
    if measure == "reverberation":  # three words low, two high
        return words[2 - _RANK[degree] if side == "low" else {"very": 4, "slightly": 3}[degree]]
    return words[middle + (_RANK[degree] + 1) * (1 if side == "high" else -1)]


_RANK = {"slightly": 0, "plain": 1, "very": 2}


@cache
def _patterns() -> tuple[tuple[str, str, re.Pattern[str]], ...]:
    """(measure, side, pattern) for every side of every scale."""
    patterns = [
        (measure, side, re.compile(rf"\b(?:{_DEGREES} )?(?:{heads})\b"))
        for measure, sides in _HEADS.items()
        for side, heads in sides
    ]
    # "his pitch is very high", "a voice that is slightly low in pitch"
    verb = r"(?:pitch|voice|tone|register)(?: (?:is|was|sounds|that is|being))?"
    for side, adjective in (("low", _LOW_PITCH), ("high", _HIGH_PITCH), ("middle", _MIDDLE)):
        after = rf"\b{verb} (?:{_DEGREES} )?{adjective}\b(?! {_VOICE})(?! {_SPEED})"
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


def read(description: str) -> VoiceLevels:
    """The levels a description tells; what it does not tell is None.

    Where phrases overlap the longest is taken ("slightly slowly" before "slowly"); where a
    measure is told twice, the first counts. Case, hyphens and unknown words do not matter; a
    degree the scale lacks is taken to its nearest level. Never raises on text.
    """
    text = _plain(description)
    found = [
        (match.end() - match.start(), match.start(), match.end(), measure, side, match)
        for measure, side, pattern in _patterns()
        for match in pattern.finditer(text)
    ]
    found.sort(key=lambda hit: (-hit[0], hit[1]))
    taken: list[tuple[int, int]] = []
    told: dict[str, tuple[int, str]] = {}
    for _, start, end, measure, side, match in found:
        if any(start < other_end and other_start < end for other_start, other_end in taken):
            continue
        taken.append((start, end))
        parts = match.groupdict()
        degree = "very" if parts.get("very") else "slightly" if parts.get("slightly") else "plain"
        if measure not in told or start < told[measure][0]:
            told[measure] = (start, _level(measure, side, degree))
    return VoiceLevels(
        gender=_gender(text), **{measure: word for measure, (_, word) in told.items()}
    )
