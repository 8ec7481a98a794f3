"""How well the agent expects the replies that people gave."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from msc_kedro.agent.model import Agent
    from msc_kedro.dialogue.collate import FeatureBudget, Loader
    from msc_kedro.dialogue.prompt import PromptStyle
    from msc_kedro.dialogue.turns import Dialogue


def gold_losses(
    dialogues: Sequence[Dialogue],
    agent: Agent,
    *,
    load: Loader,
    style: PromptStyle,
    history_tokens: int | None = None,
    budget: FeatureBudget | None = None,
) -> pd.DataFrame:
    """Cross-entropy of the true reply given its prompt, one row per reply.

    Returns:
        utterance_id, dialogue_id, loss_nats (summed over the target tokens and the end mark),
        tokens. Description included where `style` asks for it.
    """
    import pandas as pd
    import torch

    from msc_kedro.dialogue.budgets import lengths_of
    from msc_kedro.dialogue.collate import FeatureBudget, features_of_packs, has_frames

    agent.eval()
    arrangement = agent.arrangement
    budget, lengths = budget or FeatureBudget(), lengths_of(load)
    has = has_frames(load)
    rows = []
    for dialogue in dialogues:
        prompt = arrangement.prompt(dialogue, tokens=agent.language.tokens, style=style, has=has)
        for turn in range(1, len(dialogue.turns)):
            unit = arrangement.one_reply(
                prompt,
                turn,
                slots=agent.slots,
                history_tokens=history_tokens,
                budget=budget,
                lengths=lengths,
            )
            pack = arrangement.pack([unit], slots=agent.slots)
            with torch.no_grad():
                loss = agent.loss(pack, features_of_packs([pack], load, budget))
            rows.append(
                {
                    "utterance_id": dialogue.turns[turn].utterance_id,
                    "dialogue_id": dialogue.dialogue_id,
                    "loss_nats": float(loss.total),
                    "tokens": loss.tokens,
                }
            )
    return pd.DataFrame(rows, columns=["utterance_id", "dialogue_id", "loss_nats", "tokens"])
