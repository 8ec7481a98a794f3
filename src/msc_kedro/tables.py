"""The tables that pipelines hand each other: one schema each, in one place.

Every table is a pandas DataFrame in Parquet. Rows are joined by ids, never by position.
Times are seconds (float) from the start of the source, unless a name says otherwise.

Ids are made from content, so that they mean the same on every machine:
`source_id` from the bytes of the file, `dialogue_id` and `utterance_id` from the source and
the span in milliseconds. What an annotated corpus names, and has no such span, has its name for an
id. Clips of an annotated corpus lie in a source each, so a dialogue of them has no source.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Literal, get_args

if TYPE_CHECKING:
    import pandas as pd
    import pandera.pandas as pa

TableName = Literal[
    "sources",
    "annotated_dialogues",
    "annotations",
    "corpus_defects",
    "dialogue_spans",
    "dialogues",
    "scenes",
    "utterances",
    "speakers",
    "face_tracks",
    "speaking_faces",
    "split_leaks",
    "voice",
    "replies",
    "speech",
    "rejects",
]
TABLE_NAMES: tuple[str, ...] = get_args(TableName)
SPLITS = ("train", "valid", "test")


def span_id(source_id: str, start_s: float, end_s: float) -> str:
    """Id of a span of a source, exact to the millisecond: `<source>-<start ms>-<end ms>`."""
    return f"{source_id}-{round(start_s * 1000):08d}-{round(end_s * 1000):08d}"


def name_id(name: str) -> str:
    """Id of what a corpus names, fit for a file's name: `train/dia0_utt1` -> `train-dia0_utt1`."""
    return re.sub(r"[^\w.-]+", "-", name).strip("-.") or "unnamed"


def distinct(ids: Iterable[str]) -> list[str]:
    """Ids in their order; one that was there before gets `-2`, `-3`, ..."""
    seen: dict[str, int] = {}
    found = []
    for identity in ids:
        again = identity
        while again in seen:
            seen[identity] += 1
            again = f"{identity}-{seen[identity]}"
        seen[again] = 1
        found.append(again)
    return found


def schema(name: TableName) -> pa.DataFrameSchema:
    """The pandera schema of a table.

    Raises:
        KeyError: for a name that is no table.
    """
    import pandera.pandas as pa

    def text(**options: object) -> pa.Column:
        return pa.Column(str, coerce=True, **options)

    def number(**options: object) -> pa.Column:
        return pa.Column(float, coerce=True, **options)

    def count(**options: object) -> pa.Column:
        return pa.Column("int64", coerce=True, **options)

    identity = text(unique=True)
    in_order = pa.Check(  # where both are known
        lambda table: ~(table["end_s"] <= table["start_s"]), name="end after start"
    )
    from_0 = pa.Check.ge(0)
    span = {"start_s": number(checks=from_0), "end_s": number()}
    known_span = {  # null where it is not known, or is not a span of one source
        "source_id": text(nullable=True),
        "start_s": number(checks=from_0, nullable=True),
        "end_s": number(nullable=True),
    }
    columns: dict[str, dict[str, pa.Column]] = {
        "sources": {
            "source_id": identity,
            "path": text(),  # relative to the corpus folder, with forward slashes
            "duration_s": number(checks=pa.Check.gt(0)),
            "has_video": pa.Column(bool),
            "has_audio": pa.Column(bool),
            "width": count(nullable=False),  # pixels, 0 without pictures
            "height": count(nullable=False),
            "fps": number(nullable=True),  # average frames per second, null without pictures
            "sample_rate": count(),  # Hz of the original sound, 0 without sound
            "channels": count(),
            "sound_id": text(),  # from the decoded sound: the same for copies in other containers
        },
        "annotated_dialogues": {  # what a corpus says, by its own names; empty for own videos
            "name": identity,
            "path": text(nullable=True),  # of the video of which the dialogue is a span
            "start_s": number(checks=from_0, nullable=True),
            "end_s": number(nullable=True),
            "group": text(),  # what was recorded together: an episode, a video
            "published_split": text(checks=pa.Check.isin(SPLITS), nullable=True),
            "extra": text(),  # JSON; docs/corpora.md lists the keys
        },
        "annotations": {  # the turns of those dialogues
            "name": identity,
            "dialogue": text(),
            "turn": count(checks=from_0),
            "path": text(nullable=True),  # of its media, null where they are missing
            "sound_path": text(nullable=True),  # of its sound alone, beside a video
            "start_s": number(checks=from_0, nullable=True),  # within its media; null: all of it
            "end_s": number(nullable=True),
            "text": text(),
            "speaker": text(),  # within the dialogue
            "person": text(nullable=True),  # the same in all dialogues
            "emotion": text(nullable=True),
            "sentiment": text(nullable=True),
            "extra": text(),
        },
        "corpus_defects": {
            "item_id": text(),  # a name of the corpus, or a file's path
            "reason": text(),
            "action": text(checks=pa.Check.isin(("skipped", "repaired", "kept"))),
        },
        "dialogue_spans": {
            "dialogue_id": identity,
            "name": text(nullable=True),  # in the corpus that it comes from
            **known_span,
            "group": text(),  # no split parts it: the source, or what the corpus says
            "published_split": text(checks=pa.Check.isin(SPLITS), nullable=True),
        },
        "dialogues": {  # those in which something was said, held out by group
            "dialogue_id": identity,
            "name": text(nullable=True),
            **known_span,
            "group": text(),
            "split": text(checks=pa.Check.isin(SPLITS)),
        },
        "scenes": {"source_id": text(), **span},
        "utterances": {
            "utterance_id": identity,
            "dialogue_id": text(),
            "name": text(nullable=True),  # in `annotations`
            **known_span,
            "turn": count(checks=from_0),  # place within the dialogue, from 0
            "text": text(),
            "language": text(),
            "other_language": pa.Column(bool),  # than the one that was asked for
            "words": pa.Column(object),  # list of {word, start_s, end_s, probability}; may be empty
            # seconds in which two or more speak; null where the sound was not heard
            "overlap_s": number(checks=from_0, nullable=True),
        },
        "speakers": {
            "utterance_id": identity,
            "speaker": text(),  # A, B, ... in order of appearance, per dialogue
            "confidence": number(checks=pa.Check.in_range(0, 1)),
            "person": text(nullable=True),  # the same in other dialogues; null where not known
        },
        "face_tracks": {  # a row per box, in pixels of the source from its left upper corner
            "source_id": text(),
            "track": text(),  # one face through one shot
            "time_s": number(checks=from_0),
            "x": number(),
            "y": number(),
            "w": number(checks=pa.Check.gt(0)),
            "h": number(checks=pa.Check.gt(0)),
            "score": number(checks=pa.Check.in_range(0, 1)),  # that it is a face
            "seen": pa.Column(bool),  # false: interpolated over a gap
        },
        "speaking_faces": {  # a row per utterance and shot that it lies in
            "utterance_id": text(),
            **known_span,
            "track": text(nullable=True),  # of the face that speaks; null where none does for sure
            "score": number(nullable=True),  # of the best face; docs/faces.md, by method
            "margin": number(nullable=True),  # to the next best, where there are several
            "faces": count(checks=from_0),  # that came into question
            "reason": text(nullable=True),  # why there is no track
        },
        "split_leaks": {  # what is in more than one split
            "kind": text(),  # same_source, same_sound or same_speaker
            "item_id": text(),  # a group, a source's path or a person
            "splits": text(),  # "train, test"
            "examples": text(),  # a dialogue in each
            "allowed_by": text(),  # "splits.allow", or why it cannot be otherwise
        },
        "voice": {
            "utterance_id": identity,
            "pitch_mean_hz": number(nullable=True),
            "pitch_std_hz": number(nullable=True),
            "speaker_pitch_hz": number(nullable=True),  # mean of the speaker's utterance means
            "speaking_rate_phonemes_per_s": number(nullable=True),
            "c50_db": number(nullable=True),  # clarity of the room
            "snr_db": number(nullable=True),  # speech over noise
            "quality_mos": number(nullable=True),  # DNSMOS, 1 to 5; null also where not asked for
            "gender": text(nullable=True),  # "male", "female" or null
            "gender_probability": number(nullable=True),
            "pitch": text(nullable=True),  # levels: the words of the bins, or null
            "monotony": text(nullable=True),
            "pace": text(nullable=True),
            "reverberation": text(nullable=True),
            "noise": text(nullable=True),
            "unmeasured": text(),  # "measure: reason; ..." for what is null, else ""
            "description": text(),
            "written_by": text(),  # template, language_model, or the first after the second
        },
        "replies": {
            "utterance_id": identity,  # the turn that is answered for: the reference's id
            "dialogue_id": text(),
            "speaker": text(),  # who is to speak
            "history_turns": count(checks=pa.Check.ge(1)),
            "text": text(),
            "description": text(),
            "reference_text": text(),
            "reference_description": text(),
        },
        "speech": {
            "utterance_id": identity,
            "duration_s": number(checks=pa.Check.gt(0)),
            "heard_text": text(),  # the reply as speech recognition hears it
            "word_error_rate": number(checks=pa.Check.ge(0)),
            "pitch_mean_hz": number(nullable=True),
            "pitch_std_hz": number(nullable=True),
            "speaking_rate_phonemes_per_s": number(nullable=True),
            "asked_gender": text(nullable=True),  # what the description says, null where nothing
            "asked_pitch": text(nullable=True),
            "asked_pace": text(nullable=True),
            "asked_monotony": text(nullable=True),
            "measured_gender": text(nullable=True),
            "measured_pitch": text(nullable=True),
            "measured_pace": text(nullable=True),
            "measured_monotony": text(nullable=True),
        },
        "rejects": {
            "item_id": text(),  # a source_id, dialogue_id or utterance_id, or a file's path
            "stage": text(),
            "reason": text(),
        },
    }
    checks = [in_order] if "end_s" in columns[name] else []
    return pa.DataFrameSchema(columns[name], checks=checks, strict=True, ordered=False, name=name)


def empty(name: TableName) -> pd.DataFrame:
    """A table of that name with its columns, of their types, and no rows."""
    import pandas as pd

    columns = schema(name).columns.items()
    return pd.DataFrame({name: pd.Series([], dtype=column.dtype.type) for name, column in columns})
