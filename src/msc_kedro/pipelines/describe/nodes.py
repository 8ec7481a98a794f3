"""Nodes of describe."""

from __future__ import annotations

import json
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from msc_kedro.execution.files import code_of, key_of
from msc_kedro.execution.shards import map_shards
from msc_kedro.models.opener import Opener
from msc_kedro.pipelines.describe.parameters import DescribeParameters
from msc_kedro.pipelines.describe.quality import Judged, judged
from msc_kedro.pipelines.parameters import EngineParameters

if TYPE_CHECKING:
    from msc_kedro.voice.bins import Scales
    from msc_kedro.voice.grammar import VoiceLevels
    from msc_kedro.voice.writer import Description

_VALUES = {  # of each measure, the column of its figure
    "pitch": "speaker_pitch_hz",
    "monotony": "pitch_std_hz",
    "pace": "speaking_rate_phonemes_per_s",
    "reverberation": "c50_db",
    "noise": "snr_db",
}
_TOGETHER = 64  # descriptions that the language model is asked for at a time


def describe_voices(
    utterances: pd.DataFrame,
    speakers: pd.DataFrame,
    dialogues: pd.DataFrame,
    sounds: dict[str, Path],
    pitch_tracker: Opener,
    gender_classifier: Opener,
    room_meter: Opener,
    quality_meter: Opener,
    description_writer: Opener,
    work: Path,
    parameters: DescribeParameters,
    engine: EngineParameters,
) -> tuple[pd.DataFrame, list[dict[str, Any]], dict[str, Any]]:
    """Measure how every utterance sounds and say it in words.

    Gender and pitch level are the speaker's, over their utterances in the dialogue; the rest is
    the utterance's own. What could not be measured is null, with its reason.

    Returns:
        The `voice` table, the levels with their edges, and who wrote how many descriptions.
    """
    from msc_kedro.voice.grammar import VoiceLevels

    listeners = (pitch_tracker, gender_classifier, room_meter)
    voice = _measured(utterances, speakers, sounds, listeners, work, engine)
    voice["quality_mos"] = float("nan")
    if parameters.quality:
        _add_quality(voice, judged(utterances, sounds, quality_meter, work, engine))
    scales = _scales(voice, utterances, dialogues, parameters)
    for measure, column in _VALUES.items():
        voice[measure] = [
            scales.level(measure, value, gender=gender)  # type: ignore[arg-type]
            for value, gender in zip(voice[column], voice["gender"], strict=True)
        ]
    said = [
        VoiceLevels(**{name: _known(row[name]) for name in parameters.measures})
        for row in voice.to_dict("records")
    ]
    seeds = [zlib.crc32(f"{parameters.seed} {i}".encode()) for i in voice["utterance_id"]]
    descriptions = _written(said, seeds, description_writer, work, parameters)
    voice["description"] = [one.text for one in descriptions]
    voice["written_by"] = [one.written_by for one in descriptions]
    return voice, scales.records(), _figures(descriptions)


def _add_quality(voice: pd.DataFrame, found: Judged) -> None:
    """Put the opinions into the table, and why there is none."""
    known = [found[identity] for identity in voice["utterance_id"]]
    voice["quality_mos"] = pd.Series([mos for mos, _ in known], dtype=float)
    voice["unmeasured"] = [
        "; ".join(filter(None, (note, reason and f"quality: {reason}")))
        for note, (_, reason) in zip(voice["unmeasured"], known, strict=True)
    ]


def _known(value: Any) -> Any:
    return None if pd.isna(value) else value


def _measured(
    utterances: pd.DataFrame,
    speakers: pd.DataFrame,
    sounds: dict[str, Path],
    listeners: tuple[Opener, ...],
    work: Path,
    engine: EngineParameters,
) -> pd.DataFrame:
    """The figures of the `voice` table, a row an utterance, in the order of `utterances`."""
    from msc_kedro.listening.measures import NOT_HEARD, VoiceMeasures, speaker_voice
    from msc_kedro.listening.threads import one_thread_each

    heard = utterances.dropna(subset="source_id")
    dialogues = [list(spoken.itertuples()) for _, spoken in heard.groupby("dialogue_id")]
    made_by = [*(one.name for one in listeners), code_of("listening", "media")]
    with one_thread_each():
        files = map_shards(
            lambda spoken, file: _measure(file, spoken, sounds, listeners),
            dialogues,
            key=lambda spoken: key_of("measures", [_said(u) for u in spoken], made_by),
            folder=work / "measures",
            suffix=".json",
            title="measuring voices",
            workers=engine.threads,
        )
    measured = dict.fromkeys(utterances["utterance_id"], NOT_HEARD) | {
        utterance.utterance_id: VoiceMeasures(**one)
        for spoken, file in zip(dialogues, files, strict=True)
        for utterance, one in zip(spoken, json.loads(file.read_text()), strict=True)
    }
    rows = []
    known = utterances.merge(speakers, on="utterance_id", validate="one_to_one")
    for _, spoken in known.groupby(["dialogue_id", "speaker"], sort=True)["utterance_id"]:
        speaker = speaker_voice([measured[identity] for identity in spoken])
        rows += [
            {
                "utterance_id": identity,
                "pitch_mean_hz": measured[identity].pitch_mean_hz,
                "pitch_std_hz": measured[identity].pitch_std_hz,
                "speaker_pitch_hz": speaker.pitch_hz,
                "speaking_rate_phonemes_per_s": measured[identity].speaking_rate_phonemes_per_s,
                "c50_db": measured[identity].c50_db,
                "snr_db": measured[identity].snr_db,
                "gender": speaker.gender,
                "gender_probability": speaker.gender_probability,
                "unmeasured": measured[identity].unmeasured,
            }
            for identity in spoken
        ]
    table = pd.DataFrame(rows).set_index("utterance_id")
    return table.loc[utterances["utterance_id"]].reset_index()


def _said(utterance: Any) -> list[Any]:
    """All of an utterance that its measures depend on."""
    times = [(word["start_s"], word["end_s"]) for word in utterance.words]
    span = (utterance.source_id, utterance.start_s, utterance.end_s)
    return [*span, utterance.text, utterance.language, times]


def _measure(
    file: Path, spoken: list[Any], sounds: dict[str, Path], listeners: tuple[Opener, ...]
) -> None:
    """Measure the utterances of a dialogue and write that as JSON."""
    from msc_kedro.listening.measures import measure_voice
    from msc_kedro.listening.words import Word
    from msc_kedro.media.sound import read_span

    measured = [
        measure_voice(
            read_span(sounds[u.source_id], u.start_s, u.end_s)[0],
            u.text,
            [Word(w["word"], w["start_s"], w["end_s"], w["probability"]) for w in u.words],
            *(one.open() for one in listeners),
            language=u.language,
        )
        for u in spoken
    ]
    plain = [{**vars(one), "reasons": dict(one.reasons)} for one in measured]
    file.write_text(json.dumps(plain))


def _scales(
    voice: pd.DataFrame,
    utterances: pd.DataFrame,
    dialogues: pd.DataFrame,
    parameters: DescribeParameters,
) -> Scales:
    """The words and edges asked for; edges are fitted to the training split alone."""
    from msc_kedro.voice import bins

    if parameters.edges == "published":
        return bins.published(parameters.words)
    split = dialogues.set_index("dialogue_id")["split"]
    known = voice.merge(
        utterances[["utterance_id", "dialogue_id"]], on="utterance_id", validate="one_to_one"
    )
    train = known[known["dialogue_id"].map(split) == "train"]
    values: dict[Any, Any] = {
        (measure, None): train[column] for measure, column in _VALUES.items() if measure != "pitch"
    }
    # A speaker of a dialogue counts once, however much they say.
    speaking = train.drop_duplicates(["dialogue_id", "gender", "speaker_pitch_hz"])
    for gender in bins.GENDERS:
        theirs = speaking[speaking["gender"] == gender]
        values["pitch", gender] = theirs["speaker_pitch_hz"]
    return bins.fitted(parameters.words, values)


def _written(
    levels: list[VoiceLevels],
    seeds: list[int],
    writer: Opener,
    work: Path,
    parameters: DescribeParameters,
) -> list[Description]:
    """A description for each set of levels, by whoever is to write."""
    from msc_kedro.voice.writer import Description, by_language_model, by_template

    if parameters.writer == "template":
        pairs = zip(levels, seeds, strict=True)
        return [by_template(one, seed=seed) for one, seed in pairs]

    def ask(pairs: list[tuple[VoiceLevels, int]], file: Path) -> None:
        from msc_kedro.agent.chat import ChatModel

        written = by_language_model(
            [one for one, _ in pairs],
            ChatModel(writer.open(), temperature=parameters.temperature),
            seeds=[seed for _, seed in pairs],
            tries=parameters.tries,
            version=parameters.words,
        )
        file.write_text(json.dumps([vars(one) for one in written]))

    wording = parameters.model_dump(exclude={"quality"})  # of which no description says anything
    made_by = (writer.name, code_of("agent.chat", "voice"), wording)
    together = list(zip(levels, seeds, strict=True))
    files = map_shards(
        ask,
        [together[start : start + _TOGETHER] for start in range(0, len(together), _TOGETHER)],
        key=lambda pairs: key_of("descriptions", [(vars(o), s) for o, s in pairs], made_by),
        folder=work / "descriptions",
        suffix=".json",
        title="describing voices",
    )
    return [Description(**one) for file in files for one in json.loads(file.read_text())]


def _figures(descriptions: list[Description]) -> dict[str, Any]:
    """How many were written by whom, and how often the model's first try said what it was to."""
    asked = [one for one in descriptions if one.tries > 0]
    by_model = [one for one in asked if one.written_by == "language_model"]
    share = len(asked) or 1
    return {
        "descriptions": len(descriptions),
        "asked_of_language_model": len(asked),
        "right_at_first_try": sum(one.tries == 1 for one in by_model) / share if asked else None,
        "right_in_the_end": len(by_model) / share if asked else None,
        "written_by_template_instead": len(asked) - len(by_model),
    }
