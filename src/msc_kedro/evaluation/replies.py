"""The agent's replies to dialogues it has not learned from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msc_kedro.errors import MscKedroError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pandas as pd

    from msc_kedro.agent.generate import Decoding
    from msc_kedro.agent.model import Agent
    from msc_kedro.dialogue.collate import FeatureBudget, Loader
    from msc_kedro.dialogue.prompt import PromptStyle
    from msc_kedro.dialogue.turns import Dialogue


def reply_table(
    dialogues: Sequence[Dialogue],
    agent: Agent,
    *,
    load: Loader,
    style: PromptStyle,
    decoding: Decoding | None = None,
    history_tokens: int | None = None,
    budget: FeatureBudget | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> pd.DataFrame:
    """A row of the table `replies` for every turn that answers another, in order.

    Each reply is given the true history, not the agent's own earlier replies.

    Args:
        dialogues: as a rule the test split.
        agent: the trained agent.
        load: features of an utterance.
        style: modalities and target that the agent was trained with.
        decoding: greedy by default.
        history_tokens: the longest prompt.
        budget: feature vectors kept, as in training.
        progress: called with (replies done, replies in all).

    Raises:
        MscKedroError: there is no reply to give.
    """
    import pandas as pd

    from msc_kedro.agent.generate import ReplyRequest, reply
    from msc_kedro.dialogue.collate import has_frames
    from msc_kedro.tables import schema

    has = has_frames(load)
    requests = [
        ReplyRequest(prompt, turn)
        for prompt in (
            agent.arrangement.prompt(one, tokens=agent.language.tokens, style=style, has=has)
            for one in dialogues
        )
        for turn in range(1, len(prompt.turns))
    ]
    if not requests:
        raise MscKedroError(
            "the test split holds no reply: found no dialogue of two turns or more, expected at "
            "least one. Add sources, or set the shares of `splits`, and run ingest again."
        )
    written = reply(
        agent,
        requests,
        load,
        decoding=decoding,
        history_tokens=history_tokens,
        budget=budget,
        progress=progress,
    )
    rows = []
    for request, answer in zip(requests, written, strict=True):
        dialogue = request.prompt.dialogue
        asked = dialogue.turns[request.turn]
        rows.append(
            {
                "utterance_id": asked.utterance_id,
                "dialogue_id": dialogue.dialogue_id,
                "speaker": asked.speaker,
                "history_turns": answer.history_turns,
                "text": answer.text,
                "description": answer.description,
                "reference_text": asked.text,
                "reference_description": asked.description,
            }
        )
    return schema("replies").validate(pd.DataFrame(rows))
