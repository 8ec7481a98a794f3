"""What a corpus of dialogues amounts to, counted from its tables.

The first three figures of each split are the rows of the MSC paper's Table 1 (913 / 110 / 97
dialogues, 25,624 / 3,145 / 2,640 utterances, 17.5 / 2.1 / 1.8 h). Its duration is the length of the
utterances together: 31,409 of 2.46 s on average are the 21.5 h that it gives, while the dialogues
that they lie in last 23.7 h.
"""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING, Any

from msc_kedro.tables import SPLITS

if TYPE_CHECKING:
    import pandas as pd

UNKNOWN = "?"  # in `speakers`: a voice that could not be heard
ALL = "all"
# Of Whisper tiny.en and base on real recordings: English 0.80 to 0.99, meetings heard from afar
# among it; Spanish, French and Italian, heard as English, 0.35 to 0.57.
SURE_OF_WORDS, FEWEST_WORDS = 0.7, 10
DEFINITIONS = {  # what is counted in a split, or in all
    "dialogues": "dialogues in which something was said",
    "utterances": "utterances of these dialogues",
    "speech_h": "hours, the utterances of known length together",
    "mean_utterance_s": "seconds of an utterance of known length, mean",
    "turns_per_dialogue": "utterances over dialogues",
    "speakers_per_dialogue": "speakers told apart in a dialogue, mean over dialogues with any",
    "words": "what stands between white space and holds a letter or a digit",
    "words_per_utterance": "words over utterances",
    "vocabulary": "different words, without the punctuation around them, whatever their case",
    "replies": "next-turn samples: every utterance of a dialogue but its first",
    "replies_by_another": "share of replies by another speaker than the utterance before, where "
    "both are known",
    "with_sound": "share of utterances that can be heard: a source without sound is rejected",
    "with_video": "share of utterances whose source has pictures",
    "with_voice": "share of utterances whose pitch or pace was measured",
}


def corpus_statistics(
    dialogues: pd.DataFrame,
    utterances: pd.DataFrame | None = None,
    speakers: pd.DataFrame | None = None,
    *,
    sources: pd.DataFrame | None = None,
    voice: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Figures by split and of all of it.

    Args:
        dialogues, utterances, speakers, sources, voice: tables as in `msc_kedro.tables`; an
            utterance of a dialogue that is not in `dialogues` does not count.

    Returns:
        One row per split that has dialogues, and a last row "all"; the columns of `DEFINITIONS`;
        NaN where a table is missing, or nothing is there to take a mean of.
    """
    import pandas as pd

    turns = None
    if utterances is not None:
        turns = _turns(dialogues, utterances, speakers, sources, voice)
    rows: dict[str, dict[str, float]] = {}
    for split in (*SPLITS, ALL):
        own = dialogues if split == ALL else dialogues[dialogues["split"] == split]
        if len(own) or split == ALL:
            mine = turns if turns is None or split == ALL else turns[turns["split"] == split]
            rows[split] = {"dialogues": len(own), **({} if mine is None else _figures(own, mine))}
    return pd.DataFrame.from_dict(rows, orient="index", columns=list(DEFINITIONS), dtype=float)


def _turns(
    dialogues: pd.DataFrame,
    utterances: pd.DataFrame,
    speakers: pd.DataFrame | None,
    sources: pd.DataFrame | None,
    voice: pd.DataFrame | None,
) -> pd.DataFrame:
    """A row an utterance, in the order of its dialogue; columns of tables that lack are null."""
    import pandas as pd

    turns = utterances[["utterance_id", "dialogue_id", "source_id", "turn", "text"]].assign(
        length_s=utterances["end_s"] - utterances["start_s"],
        words=words(utterances["text"]),
        has_sound=utterances["source_id"].notna(),
    )
    turns = turns.merge(dialogues[["dialogue_id", "split"]], on="dialogue_id")
    turns = turns.sort_values(["dialogue_id", "turn"], kind="stable", ignore_index=True)
    turns["is_reply"] = turns.groupby("dialogue_id").cumcount() > 0
    nothing = pd.Series(float("nan"), index=turns.index)
    turns["speaker"] = None
    if speakers is not None:
        known = speakers[speakers["speaker"] != UNKNOWN].set_index("utterance_id")["speaker"]
        turns["speaker"] = turns["utterance_id"].map(known)
    before = turns["speaker"].groupby(turns["dialogue_id"]).shift()
    both = turns["speaker"].notna() & before.notna()
    turns["by_another"] = (turns["speaker"] != before).astype(float).where(both)
    turns["has_video"] = turns["has_voice"] = nothing
    if sources is not None:
        seen = sources.loc[sources["has_video"], "source_id"]
        turns["has_video"] = turns["source_id"].isin(seen)
    if voice is not None:
        measured = voice[["pitch_mean_hz", "speaking_rate_phonemes_per_s"]].notna().any(axis=1)
        turns["has_voice"] = turns["utterance_id"].isin(voice.loc[measured, "utterance_id"])
    return turns


def _figures(dialogues: pd.DataFrame, turns: pd.DataFrame) -> dict[str, float]:
    """The figures of a split; `turns` are those of its dialogues."""

    def per(count: float, of: int) -> float:
        return count / of if of else float("nan")

    speakers = speakers_per_dialogue(turns, turns)
    return {
        "utterances": len(turns),
        "speech_h": float(turns["length_s"].sum(min_count=1)) / 3600,
        "mean_utterance_s": float(turns["length_s"].mean()),
        "turns_per_dialogue": per(len(turns), len(dialogues)),
        "speakers_per_dialogue": float(speakers.mean()),
        "words": int(turns["words"].sum()),
        "words_per_utterance": per(int(turns["words"].sum()), len(turns)),
        "vocabulary": len(vocabulary(turns["text"])),
        "replies": int(turns["is_reply"].sum()),
        "replies_by_another": float(turns["by_another"].mean()),
        "with_sound": float(turns["has_sound"].mean()),
        "with_video": float(turns["has_video"].mean()),
        "with_voice": float(turns["has_voice"].mean()),
    }


def speakers_per_dialogue(utterances: pd.DataFrame, speakers: pd.DataFrame) -> pd.Series:
    """`dialogue_id` -> how many different speakers; no row where none is known.

    Labels mean nothing across dialogues.
    """
    known = speakers.loc[speakers["speaker"].notna() & (speakers["speaker"] != UNKNOWN)]
    joined = utterances[["utterance_id", "dialogue_id"]].merge(
        known[["utterance_id", "speaker"]], on="utterance_id"
    )
    return joined.groupby("dialogue_id")["speaker"].nunique()


def speaker_distribution(utterances: pd.DataFrame, speakers: pd.DataFrame) -> pd.Series:
    """Number of speakers -> dialogues with so many, from 1 to the most, gaps as 0."""
    counts = speakers_per_dialogue(utterances, speakers).value_counts()
    most = int(counts.index.max()) if len(counts) else 0
    return counts.reindex(range(1, most + 1), fill_value=0)


def words(text: pd.Series) -> pd.Series:
    """Words of each text: what stands between white space and holds a letter or a digit."""
    return text.map(lambda said: len(_words(said))).astype(int)


def doubtful_sources(utterances: pd.DataFrame) -> dict[str, float]:
    """Sources of whose words recognition was hardly sure, and their words' median probability.

    So it is with a language that the recogniser does not know, and with sound that is hard to
    understand. A source counts from `FEWEST_WORDS` words on, where the median is under
    `SURE_OF_WORDS`.

    Args:
        utterances: the table; only words that were heard have a probability.
    """
    heard = utterances[utterances["words"].map(len) > 0]
    found: dict[str, float] = {}
    for source, said in heard.groupby("source_id")["words"]:
        known = [word["probability"] for words_ in said for word in words_]
        if len(known) >= FEWEST_WORDS and median(known) < SURE_OF_WORDS:
            found[str(source)] = median(known)
    return found


def vocabulary(text: pd.Series) -> set[str]:
    """The different words, without the punctuation around them, whatever their case."""
    found: set[str] = set()
    for said in text:
        found.update(_bare(word) for word in _words(said))
    return found


def _words(said: Any) -> list[str]:
    return [word for word in said.split() if any(map(str.isalnum, word))] if said else []


def _bare(word: str) -> str:
    """A word from its first letter or digit to its last, in one case and one apostrophe."""
    places = [place for place, sign in enumerate(word) if sign.isalnum()]
    return word[places[0] : places[-1] + 1].replace("’", "'").casefold()
