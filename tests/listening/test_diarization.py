"""Turns of speakers."""

from importlib.util import find_spec
from pathlib import Path

import pytest

from msc_kedro.errors import MscKedroError
from msc_kedro.listening.diarization import Diarizer


@pytest.fixture(scope="module")
def diarize(model_folder):
    return Diarizer(model_folder("segmentation"), model_folder("speaker_embedding"), step=0.25)


def _error(turns, reference, length_s):
    """Diarization error rate against (start, end, speaker), nothing forgiven."""
    from pyannote.core import Annotation, Segment, Timeline
    from pyannote.metrics.diarization import DiarizationErrorRate

    found, true = Annotation(), Annotation()
    for place, turn in enumerate(turns):
        found[Segment(turn.start_s, turn.end_s), place] = turn.speaker
    for place, (start, end, speaker) in enumerate(reference):
        true[Segment(start, end), place] = speaker
    return DiarizationErrorRate()(true, found, uem=Timeline([Segment(0, length_s)]))


@pytest.mark.real
def test_the_call_that_pyannote_carries(diarize):
    import soundfile

    (package,) = find_spec("pyannote.audio").submodule_search_locations
    folder = Path(package) / "sample"
    sound, rate = soundfile.read(folder / "sample.wav", dtype="float32")
    assert rate == 16_000
    reference = [
        (float(line[3]), float(line[3]) + float(line[4]), line[7])
        for line in map(str.split, (folder / "sample.rttm").read_text().splitlines())
    ]
    turns = diarize(sound)
    assert {turn.speaker for turn in turns} == {"A", "B"}
    assert _error(turns, reference, len(sound) / rate) < 0.12
    assert turns == diarize(sound)


@pytest.mark.real
def test_two_people_take_turns(diarize, clip):
    turns = diarize(clip("audio/katiesteve.wav"))
    order = [turn.speaker for turn in turns]
    changes = [a for a, b in zip(order, [*order[1:], None], strict=True) if a != b]
    assert changes == list("ABABAB")
    assert all(0 <= turn.start_s < turn.end_s <= 29.6 for turn in turns)


@pytest.mark.real
def test_three_people(diarize, clip):
    turns = diarize(clip("video/composite_3speakers.mp4"))
    assert {turn.speaker for turn in turns} == {"A", "B", "C"}
    reference = [(0, 4, "A"), (4, 8, "B"), (8, 12, "A"), (12, 16, "B"), (16, 24.7, "C")]
    # The reference counts pauses as speech: a fifth of the clip is silence.
    assert _error(turns, reference, 24.7) < 0.27


def test_missing_weights_say_what_to_do(tmp_path):
    with pytest.raises(MscKedroError, match="kedro models fetch"):
        Diarizer(tmp_path, tmp_path)
