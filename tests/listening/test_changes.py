"""Where other people begin to speak, on tones that stand for voices."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from made_media import tone

from msc_kedro.listening.changes import changes_of_people, nearness
from msc_kedro.media.sound import flac_bytes

VOICES = {"A": 200.0, "B": 300.0, "C": 400.0, "D": 500.0}


def encode(samples: np.ndarray) -> np.ndarray | None:
    """A direction for each tone; silence is nobody."""
    if not samples.any():
        return None
    hz = np.count_nonzero(np.diff(np.signbit(samples))) / 2 / len(samples) * 16_000
    vector = np.zeros(len(VOICES))
    vector[min(range(len(VOICES)), key=lambda n: abs([*VOICES.values()][n] - hz))] = 1.0
    return vector


def talk(folder: Path, who: str, *, turn_s: float = 3.0) -> tuple[Path, list[tuple[float, float]]]:
    """Turns by letter with half a second between, and where they are."""
    pieces, spans, time_s = [], [], 0.0
    for letter in who:
        pieces += [tone(turn_s, hz=VOICES[letter]), np.zeros(8000, np.float32)]
        spans.append((time_s, time_s + turn_s))
        time_s += turn_s + 0.5
    path = folder / "talk.flac"
    path.write_bytes(flac_bytes(np.concatenate(pieces)))
    return path, spans


def changes(folder: Path, who: str, pauses: list[int] | None = None, **options: float) -> list[int]:
    sound, speech = talk(folder, who, **options)
    asked = range(len(who) - 1) if pauses is None else pauses
    return changes_of_people(sound, speech, asked, encode=encode, farther_than=0.5)


@pytest.mark.parametrize(
    ("who", "expected"),
    [
        ("ABABAB", []),
        ("ABABCDCD", [3]),
        ("ABABACAC", []),  # one stays
        ("ABABCDCDABAB", [3, 7]),  # what was before the last change does not count
        ("A", []),
    ],
)
def test_changes(tmp_path: Path, who: str, expected: list[int]) -> None:
    found = changes(tmp_path, who, list(range(1, len(who) - 1, 2)))
    assert found == expected


def test_only_pauses_that_are_asked_for(tmp_path: Path) -> None:
    assert changes(tmp_path, "ABABCDCD", [1, 5]) == []


def test_who_speaks_long_is_no_change_of_people(tmp_path: Path) -> None:
    """A long question and its long answer are parted by a pause, and both speak again."""
    assert changes(tmp_path, "AABBAABB", [3, 5]) == []


def test_too_little_is_heard_to_say_anything(tmp_path: Path) -> None:
    assert changes(tmp_path, "ABCD", turn_s=0.6) == []
    assert changes(tmp_path, "AC", turn_s=1.5) == []


def test_nearness() -> None:
    a, b, c = np.eye(3)
    assert nearness([a, b, a], [b, a]) == 0
    assert nearness([a, b], [c]) == 1
    assert nearness([a, a, a, a], [a, c, c, c]) == 0  # somebody is in both
