"""AvaMERG: made conversations of a speaker and an empathetic listener, with talking faces.

Source: the AvaMERG challenge (ZhangHanXD/AvaMERG on the Hugging Face hub). `train.json` and
`test.json` list conversations; each turn of a conversation repeats the history and adds the
listener's response with its chain of empathy. Media are
`dia{conversation_id}utt{index}_{profile ID}.mp4` and `.wav`, the index from 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from msc_kedro.corpora.annotations import (
    EMPTY_TEXT,
    ENCODING,
    SAME_IDS,
    AnnotatedDialogue,
    AnnotatedTurn,
    Annotations,
    Defect,
    Split,
    clip_defects,
    order_defects,
    unnamed_defects,
    usable,
)
from msc_kedro.corpora.files import (
    entries,
    fields,
    find_file,
    inside,
    list_files,
    not_this_corpus,
    read_json,
    repaired,
    whole_number,
    words_of,
)
from msc_kedro.errors import MscKedroError

TABLES: dict[Split, tuple[str, ...]] = {
    "train": ("train.json",),
    "valid": ("valid.json", "val.json", "dev.json"),
    "test": ("test.json",),
}
ROLES = ("speaker", "listener")
CHAIN = ("event_scenario", "speaker_emotion", "emotion_cause", "goal_to_response")
PROFILE = ("age", "gender", "timbre")
EXPECTED = (
    "train.json or test.json (a list of conversations), and the .mp4 and .wav files, unpacked."
)


@dataclass
class _Utterance:
    role: str
    text: str
    emotion: str | None = None
    extra: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class _Conversation:
    number: str  # conversation_id
    topic: str
    profiles: Mapping[str, Mapping[str, Any]]  # by role
    utterances: Mapping[int, _Utterance]  # by index from 0


def read_avamerg(folder: Path) -> Annotations:
    """The annotations of AvaMERG, the gold chain of empathy with each reply of the listener.

    Raises:
        MscKedroError: the folder is no AvaMERG corpus, a table cannot be read, or an id leads out
            of the folder.
    """
    files = list_files(folder, corpus="AvaMERG")
    tables: dict[Split, str] = {}
    for split, names in TABLES.items():
        found = [path for name in names if (path := find_file(folder, files, name))]
        if found:
            tables[split] = found[0]
    if not tables:
        raise not_this_corpus(folder, files, corpus="AvaMERG", expected=EXPECTED)
    places = _places(files, unmarked="train" if len(tables) > 1 else next(iter(tables)))
    dialogues: list[AnnotatedDialogue] = []
    defects: list[Defect] = []
    named: list[str] = []
    for split, table in tables.items():
        conversations, found_here = _conversations(folder, table, split)
        defects += found_here
        for suffix in (".mp4", ".wav"):
            clips = _clips(conversations, split, suffix, places)
            defects += clip_defects(list(clips.items()), files, item=f"{suffix} files of {table}")
            named += clips.values()
        for conversation in conversations:
            video = _clips([conversation], split, ".mp4", places)
            sound = _clips([conversation], split, ".wav", places)
            dialogues.append(_dialogue(conversation, split, video, sound, files))
    return Annotations(tuple(dialogues), (*defects, *unnamed_defects(files, named)))


def _places(files: Mapping[str, int], *, unmarked: Split) -> dict[tuple[Split, str], str]:
    """Media by split and file name: names recur in other splits, so their folders tell them apart.

    Args:
        unmarked: the split of files below no folder whose name begins with a split's.
    """
    marks: dict[str, Split] = {"train": "train", "val": "valid", "dev": "valid", "test": "test"}
    places: dict[tuple[Split, str], str] = {}
    for path in files:
        *folders, name = path.split("/")
        splits = [s for f in folders for mark, s in marks.items() if f.lower().startswith(mark)]
        places.setdefault((splits[-1] if splits else unmarked, name), path)
    return places


def _conversations(
    folder: Path, table: str, split: Split
) -> tuple[list[_Conversation], list[Defect]]:
    content = read_json(folder / table)
    if not isinstance(content, list) or not any("turns" in fields(entry) for entry in content):
        raise MscKedroError(
            f"{folder / table}: expected a list of conversations with conversation_id and turns, "
            "as AvaMERG's. If it is something else, give another folder: "
            "kedro run --params corpus.folder=PATH"
        )
    conversations: dict[str, _Conversation] = {}
    defects: list[Defect] = []
    for position, entry in enumerate(content):
        place = f"{table}, conversation {position}"
        number = words_of(fields(entry).get("conversation_id"))
        if not number or number in conversations:
            reason = f"{SAME_IDS}: {split}/dia{number}" if number else "its id is missing"
            defects.append(Defect(place, reason, "skipped"))
            continue
        inside(number, place=place)
        utterances, found = _utterances(fields(entry), f"{split}/dia{number}")
        defects += found
        if not utterances:
            defects.append(Defect(f"{split}/dia{number}", "it has no utterance", "skipped"))
            continue
        profiles = {role: fields(fields(entry).get(f"{role}_profile")) for role in ROLES}
        for profile in profiles.values():
            if words_of(profile.get("ID")):
                inside(words_of(profile["ID"]), place=place)
        topic = repaired(words_of(fields(entry).get("topic")))
        conversations[number] = _Conversation(number, topic, profiles, utterances)
    if not any(CHAIN[0] in u.extra for c in conversations.values() for u in c.utterances.values()):
        defects.append(Defect(table, "no reply has a chain of empathy", "kept"))
    return list(conversations.values()), defects


def _utterances(
    conversation: Mapping[str, Any], dialogue: str
) -> tuple[dict[int, _Utterance], list[Defect]]:
    """The utterances that the turns of a conversation quote or add, by index in order."""
    utterances: dict[int, _Utterance] = {}
    defects: list[Defect] = []

    def add(index: int, role: str, written: object) -> None:
        name = f"{dialogue}utt{index}"
        plain = words_of(written)
        text = repaired(plain).strip()
        if index not in utterances:
            if text != plain:
                defects.append(Defect(name, ENCODING, "repaired"))
            utterances[index] = _Utterance(role, text)
        elif (utterances[index].role, utterances[index].text) != (role, text):
            defect = Defect(name, "another turn quotes it otherwise", "kept")
            if defect not in defects:
                defects.append(defect)

    for position, turn in enumerate(map(fields, entries(conversation.get("turns")))):
        history = [fields(entry) for entry in entries(turn.get("dialogue_history"))]
        ids = [whole_number(entry.get("index")) for entry in history]
        if None in ids or any(entry.get("role") not in ROLES for entry in history):
            reason = f"a history lacks an index or role: turn {position}"
            defects.append(Defect(dialogue, reason, "skipped"))
            continue
        for index, entry in zip(ids, history, strict=True):
            add(int(index or 0), str(entry["role"]), entry.get("utterance"))
        reply = max((int(index or 0) for index in ids), default=-1) + 1
        if not words_of(turn.get("response")):
            defects.append(Defect(f"{dialogue}utt{reply}", "its reply is missing", "kept"))
            continue
        add(reply, "listener", turn.get("response"))
        _add_chain(utterances, reply, turn)
    defects += order_defects(dialogue, list(utterances))
    for index in [index for index, utterance in utterances.items() if not utterance.text]:
        defects.append(Defect(f"{dialogue}utt{index}", EMPTY_TEXT, "skipped"))
        del utterances[index]
    return dict(sorted(utterances.items())), defects


def _add_chain(utterances: Mapping[int, _Utterance], reply: int, turn: Mapping[str, Any]) -> None:
    """Keep the chain of empathy with its reply; it tells the feeling of the words before it."""
    chain = fields(turn.get("chain_of_empathy"))
    told = {key: repaired(words_of(chain.get(key))).strip() for key in CHAIN}
    told["context"] = repaired(words_of(turn.get("context"))).strip()
    utterances[reply].extra.update({key: text for key, text in told.items() if text})
    before = utterances.get(reply - 1)
    if before is not None and before.role == "speaker" and told["speaker_emotion"]:
        before.emotion = told["speaker_emotion"].lower()


def _clips(
    conversations: list[_Conversation],
    split: Split,
    suffix: str,
    places: Mapping[tuple[Split, str], str],
) -> dict[str, str]:
    """The path that the clip of each turn has, or its name where there is none."""
    clips = {}
    for conversation in conversations:
        for index, utterance in conversation.utterances.items():
            profile = words_of(conversation.profiles[utterance.role].get("ID"))
            name = f"dia{conversation.number}utt{index}_{profile}{suffix}"
            turn = f"{split}/dia{conversation.number}utt{index}"
            clips[turn] = places.get((split, name), name)
    return clips


def _dialogue(
    conversation: _Conversation,
    split: Split,
    video: Mapping[str, str],
    sound: Mapping[str, str],
    files: Mapping[str, int],
) -> AnnotatedDialogue:
    turns = []
    for index, utterance in conversation.utterances.items():
        name = f"{split}/dia{conversation.number}utt{index}"
        profile = conversation.profiles[utterance.role]
        about = {key: words_of(profile.get(key)) for key in PROFILE}
        about["profile_id"] = words_of(profile.get("ID"))
        seen, heard = usable(video[name], files), usable(sound[name], files)
        turn = AnnotatedTurn(
            name=name,
            speaker=utterance.role,
            text=utterance.text,
            media=seen or heard,
            sound=heard if seen else None,
            emotion=utterance.emotion,
            extra={key: text for key, text in about.items() if text} | utterance.extra,
        )
        turns.append(turn)
    extra = {"topic": conversation.topic} if conversation.topic else {}
    return AnnotatedDialogue(f"{split}/dia{conversation.number}", split, tuple(turns), extra=extra)
