"""Features of utterances, padded into one batch.

Legend: u utterances, f frames of the longest of them, d width of the encoder.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from msc_kedro.dialogue.packing import of_excerpt
from msc_kedro.dialogue.prompt import SENSES, Sense
from msc_kedro.errors import MscKedroError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from msc_kedro.dialogue.packing import Pack


@dataclass(frozen=True)
class UtteranceFeatures:
    """What the encoders saw and heard of one utterance; None (or no frames) where there is none.

    Attributes:
        video: float [f, d_v], one row per kept frame.
        times_s: float [f], when each frame was shown, in seconds since the utterance began.
        audio: float [t, d_a].
        audio_times_s: float [t], when each was heard; every encoder has a rate of its own.
    """

    video: NDArray[np.floating] | None
    times_s: NDArray[np.floating] | None
    audio: NDArray[np.floating] | None
    audio_times_s: NDArray[np.floating] | None = None


Loader = Callable[[str], UtteranceFeatures]


@dataclass(frozen=True)
class FeatureBudget:
    """How many vectors are kept, the last ones (appendix A has 50 and 800).

    They are those of each utterance, or those of the whole history of one reply, as in the paper
    (`dialogue/budgets.py`).
    """

    video_frames: int = 50
    audio_vectors: int = 800
    over: Literal["utterance", "history"] = "utterance"


@dataclass(frozen=True)
class PaddedFeatures:
    """One modality of several utterances.

    Attributes:
        utterance_ids: whose rows these are.
        values: float32 [u, f, d], zero where there is no frame.
        mask: bool [u, f], True at frames.
        lengths: int64 [u].
        times_s: float32 [u, f], seconds since the utterance began, zero where there is no frame.
    """

    utterance_ids: tuple[str, ...]
    values: NDArray[np.float32]
    mask: NDArray[np.bool_]
    lengths: NDArray[np.int64]
    times_s: NDArray[np.float32]


FeatureBatch = dict[Sense, PaddedFeatures]


def has_frames(load: Loader) -> Callable[[str, Sense], bool]:
    """The `has` of `dialogue_prompt` for these features; each utterance is looked up once."""
    known: dict[str, frozenset[Sense]] = {}

    def has(utterance_id: str, sense: Sense) -> bool:
        if utterance_id not in known:
            features = load(utterance_id)
            held = {"video": features.video, "audio": features.audio}
            known[utterance_id] = frozenset(
                name for name in SENSES if (array := held[name]) is not None and len(array) > 0
            )
        return sense in known[utterance_id]

    return has


def features_of_packs(
    packs: Iterable[Pack], load: Loader, budget: FeatureBudget | None = None
) -> FeatureBatch:
    """The features that the slots of these packs stand for, each utterance once."""
    packs = tuple(packs)
    wanted: dict[Sense, tuple[str, ...]] = {
        sense: tuple(dict.fromkeys(u for pack in packs for u in pack.utterances_with(sense)))
        for sense in SENSES
    }
    return collate(wanted, load, budget)


def collate(
    wanted: Mapping[Sense, Sequence[str]], load: Loader, budget: FeatureBudget | None = None
) -> FeatureBatch:
    """Loads and pads. A modality that nothing asks for is not in the batch.

    Args:
        wanted: utterance ids per modality; `packing.excerpt` where a part is wanted.
        load: features of an utterance.
        budget: vectors kept per utterance; the default if None.

    Raises:
        MscKedroError: widths differ between utterances, or times do not match frames.
    """
    budget = budget or FeatureBudget()
    named = {name: of_excerpt(name) for ids in wanted.values() for name in ids}
    loaded = {name: load(name) for name in dict.fromkeys(name for name, _ in named.values())}
    batch: FeatureBatch = {}
    for sense in SENSES:
        ids = tuple(wanted.get(sense, ()))
        if ids:
            batch[sense] = _pad(
                [
                    (shown, *_frames(name, loaded[name], sense, budget, last))
                    for shown in ids
                    for name, last in [named[shown]]
                ]
            )
    return batch


def _frames(
    name: str,
    features: UtteranceFeatures,
    sense: Sense,
    budget: FeatureBudget,
    last: int | None = None,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The kept vectors [f, d] of one utterance and their times [f]."""
    import numpy as np

    values, times, kept = {
        "video": (features.video, features.times_s, budget.video_frames),
        "audio": (features.audio, features.audio_times_s, budget.audio_vectors),
    }[sense]
    if values is None:
        return np.zeros((0, 0), np.float32), np.zeros(0, np.float32)
    found = 0 if times is None else len(times)
    if times is None or found != len(values):
        raise MscKedroError(
            f"utterance {name}: {len(values)} vectors of {sense} but {found} times; expected as "
            "many. Run the pipeline featurize again."
        )
    first = max(0, len(values) - (kept if last is None else min(kept, last)))
    return np.asarray(values[first:], np.float32), np.asarray(times[first:], np.float32)


def _pad(
    rows: Sequence[tuple[str, NDArray[np.float32], NDArray[np.float32]]],
) -> PaddedFeatures:
    import numpy as np

    widths = {values.shape[1] for _, values, _ in rows if len(values)}
    if len(widths) > 1:
        examples = {values.shape[1]: name for name, values, _ in rows if len(values)}
        raise MscKedroError(
            f"feature widths differ between utterances: {examples}; expected one encoder. "
            "Run the pipeline featurize again for the whole corpus."
        )
    lengths = np.asarray([len(values) for _, values, _ in rows], np.int64)
    longest, width = max(1, int(lengths.max())), widths.pop() if widths else 1
    padded = np.zeros((len(rows), longest, width), np.float32)
    times_s = np.zeros((len(rows), longest), np.float32)
    for index, (_, values, times) in enumerate(rows):
        if len(values):
            padded[index, : len(values)] = values
            times_s[index, : len(values)] = times
    return PaddedFeatures(
        utterance_ids=tuple(name for name, _, _ in rows),
        values=padded,
        mask=np.arange(longest)[None, :] < lengths[:, None],
        lengths=lengths,
        times_s=times_s,
    )
