"""From the phonemes of the text front end to those that Piper's American voices learned.

The front end (hibari's, after misaki) writes one letter per sound, with capitals for diphthongs
and `ɹ` after every vowel that is coloured by it. Piper's voices learned what espeak-ng's `en-us`
writes: long marks, two letters per diphthong, `ɚ` and `ɜː`. Both set stress marks before the vowel.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

# Longer keys first: `əɹ` must be seen before `ə`.
_SOUNDS = {
    "ɜɹ": "ɜː",
    "əɹ": "ɚ",
    "ɑɹ": "ɑːɹ",
    "ɔɹ": "ɔːɹ",
    "A": "eɪ",
    "I": "aɪ",
    "O": "oʊ",
    "W": "aʊ",
    "Y": "ɔɪ",
    "T": "ɾ",
    "ʤ": "dʒ",
    "ʧ": "tʃ",
    "ᵊ": "ə",
    "u": "uː",
    "ɑ": "ɑː",
    "ɔ": "ɔː",
    "ɜ": "ɜː",
    "…": ".",
    "—": ", ",
}
_PATTERN = re.compile("|".join(sorted(map(re.escape, _SOUNDS), key=len, reverse=True)))
# espeak writes a long `iː` where the vowel is stressed or closed by a consonant of its word, and
# a short `i` at the end of a word ("happy") and before another vowel ("curious").
_VOWELS = "aæɑeɛəɚɜiɪoɔuʊʌɐᵻ"
_LONG_I = re.compile(rf"(?<=[ˈˌ])i|i(?=[^\s{_VOWELS}ˈˌ,.;:!?])")
_SPACES = re.compile(r"\s+")


def piper_phonemes(misaki: str) -> str:
    """The same utterance in espeak-ng's American notation."""
    text = _PATTERN.sub(lambda found: _SOUNDS[found.group()], misaki)
    text = re.sub(r"ɚ(?=[ˈˌ]?[aæɑeɛəɜiɪoɔuʊʌ])", "ɚɹ", text)
    text = _LONG_I.sub("iː", text)
    return _SPACES.sub(" ", text.replace(" ,", ",")).strip()


def piper_ids(phonemes: str, id_map: Mapping[str, list[int]]) -> list[int]:
    """Ids for the network: start, a pad after each sound, end. What the map lacks is left out."""
    pad = id_map["_"]
    ids = [*id_map["^"], *pad]
    for phoneme in phonemes:
        if phoneme in id_map:
            ids += [*id_map[phoneme], *pad]
    return [*ids, *id_map["$"]]
