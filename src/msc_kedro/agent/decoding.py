"""Token by token after several prompts at a time, padded on the left.

Positions are given, so an answer does not depend on its neighbours' lengths. The loop is our own
because each answer draws from a generator of its own.

Legend: b answers of a batch, s positions, v vocabulary, d width.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

import torch
from torch import Tensor

Choose = Callable[[int, Tensor], list[int]]  # (step, logits [b, v]) -> a token for each answer


@torch.no_grad()
def decode(
    network: Any,
    embed: Callable[[Tensor], Tensor],
    embedded: Tensor,
    mask: Tensor,
    positions: Tensor,
    *,
    choose: Choose,
    stops: Collection[int],
    max_new_tokens: int,
) -> list[list[int]]:
    """Token ids after each prompt, the token that ended it included.

    Args:
        network: a causal language model of transformers.
        embed: token ids [b, 1] to vectors [b, 1, d].
        embedded: the prompts, [b, s, d].
        mask: integers [b, s], 1 at what is attended to.
        positions: integers [b, s].
        choose: picks a token per answer from float32 logits [b, v].
        stops: tokens that end an answer.
        max_new_tokens: where an answer is cut off.
    """
    written: list[list[int]] = [[] for _ in embedded]
    latest = positions.amax(dim=1, keepdim=True)  # of the last token that is no padding
    past = None
    for step in range(max_new_tokens):
        output = network(
            inputs_embeds=embedded,
            attention_mask=mask,
            position_ids=positions,
            past_key_values=past,
            use_cache=True,
            logits_to_keep=1,
        )
        past = output.past_key_values
        chosen = choose(step, output.logits[:, -1].float())
        for ids, token in zip(written, chosen, strict=True):
            if not ids or ids[-1] not in stops:
                ids.append(token)
        if all(ids[-1] in stops for ids in written):
            break
        embedded = embed(torch.tensor(chosen, device=mask.device)[:, None])
        mask = torch.cat([mask, torch.ones_like(mask[:, :1])], dim=1)
        positions = latest = latest + 1
    return written
