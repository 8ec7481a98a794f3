"""Replies from the agent, several at a time, with the prompt it was trained on.

Legend: b replies of a batch, v vocabulary.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import torch
from torch import Tensor

from msc_kedro.agent.decoding import Choose, decode
from msc_kedro.dialogue.budgets import lengths_of
from msc_kedro.dialogue.collate import FeatureBudget, Loader, features_of_packs
from msc_kedro.dialogue.packing import Pack
from msc_kedro.dialogue.prompt import ParsedReply, parse_reply
from msc_kedro.errors import MscKedroError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from msc_kedro.agent.model import Agent
    from msc_kedro.dialogue.collate import FeatureBatch
    from msc_kedro.dialogue.prompt import DialoguePrompt, Target


@dataclass(frozen=True)
class Decoding:
    """How tokens are chosen. The paper samples with top_p 0.8, top_k 30, temperature 0.8."""

    method: Literal["greedy", "sample"] = "greedy"
    max_new_tokens: int = 80
    batch_size: int = 8
    top_p: float = 0.8
    top_k: int = 30
    temperature: float = 0.8
    seed: int = 0  # of sampling; a reply draws from it and the id of the turn it answers for


@dataclass(frozen=True)
class ReplyRequest:
    """A reply that is wanted: the turn of the dialogue to answer for, 1 or more."""

    prompt: DialoguePrompt
    turn: int


@dataclass(frozen=True)
class GeneratedReply:
    """A reply as written. `text` and `description` may be empty."""

    text: str
    description: str
    written: str  # before it was taken apart
    tokens: int  # the end mark not counted
    ended: bool  # False where max_new_tokens cut it off
    history_turns: int  # utterances that the prompt held


def reply(
    agent: Agent,
    requests: Sequence[ReplyRequest],
    load: Loader,
    *,
    decoding: Decoding | None = None,
    history_tokens: int | None = None,
    budget: FeatureBudget | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[GeneratedReply, ...]:
    """Generates replies, in the order asked.

    Args:
        agent: reads and writes; left in eval mode.
        requests: the replies.
        load: features of an utterance.
        decoding: greedy by default.
        history_tokens: the longest prompt; the oldest whole utterances are dropped. None: all that
            the model's context holds beside the reply.
        budget: feature vectors kept, as in training.
        progress: called with (replies done, replies in all) after each batch.

    Raises:
        MscKedroError: a prompt does not fit.
    """
    decoding, arrangement = decoding or Decoding(), agent.arrangement
    agent.eval()
    context = agent.language.context
    if context is not None:
        room = context - decoding.max_new_tokens
        history_tokens = room if history_tokens is None else min(history_tokens, room)
    budget, lengths = budget or FeatureBudget(), lengths_of(load)
    units = [
        arrangement.one_reply(
            request.prompt,
            request.turn,
            slots=agent.slots,
            history_tokens=history_tokens,
            budget=budget,
            lengths=lengths,
        )
        for request in requests
    ]
    packs = [arrangement.pack([unit], slots=agent.slots, with_targets=False) for unit in units]
    by_length = sorted(range(len(packs)), key=lambda place: len(packs[place].token_ids))
    done: dict[int, GeneratedReply] = {}
    for start in range(0, len(by_length), decoding.batch_size):
        places = by_length[start : start + decoding.batch_size]
        batch = [packs[place] for place in places]
        asked = [pack.branches[0].utterance_id or "" for pack in batch]
        choose = _greedy if decoding.method == "greedy" else _sampler(decoding, asked)
        features = features_of_packs(batch, load, budget)
        written = generate_tokens(
            agent, batch, features, choose=choose, max_new_tokens=decoding.max_new_tokens
        )
        for place, ids in zip(places, written, strict=True):
            turns = requests[place].turn - units[place].first_turn
            done[place] = _read(agent, ids, turns, requests[place].prompt.style.target)
        if progress is not None:
            progress(len(done), len(requests))
    return tuple(done[place] for place in range(len(requests)))


@torch.no_grad()
def generate_tokens(
    agent: Agent,
    packs: Sequence[Pack],
    features: FeatureBatch,
    *,
    choose: Choose,
    max_new_tokens: int,
) -> list[list[int]]:
    """Token ids after each prompt, the token that ended it included.

    Args:
        agent: in eval mode.
        packs: prompts of one branch each.
        features: of all their utterances.
        choose: picks a token per reply from float32 logits [b, v].
        max_new_tokens: where a reply is cut off.
    """
    device = agent.device
    lengths = [len(pack.token_ids) for pack in packs]
    longest = max(lengths)
    with agent.autocast():
        vectors = agent.slot_vectors(features)
        mask = torch.zeros(len(packs), longest, dtype=torch.long, device=device)
        positions = torch.zeros_like(mask)
        embedded = agent.language.embed(positions)  # what stands at padding is never attended to
        for row, (pack, length) in enumerate(zip(packs, lengths, strict=True)):
            start = longest - length
            embedded[row, start:] = agent.embed(pack, vectors)
            mask[row, start:] = torch.as_tensor(_attended_to(pack), device=device)
            positions[row, start:] = torch.as_tensor(pack.position_ids, device=device)
        return decode(
            *(agent.network, agent.language.embed, embedded, mask, positions),
            choose=choose,
            stops=agent.language.tokens.stop_ids,
            max_new_tokens=max_new_tokens,
        )


def _attended_to(pack: Pack) -> NDArray[np.int64]:
    """1 at the positions of a prompt that later ones attend to, 0 at padding as published."""
    import numpy as np

    lengths = [segment.stop - segment.start for segment in pack.segments]
    return np.repeat([int(segment.sees_itself) for segment in pack.segments], lengths)


def _read(agent: Agent, ids: list[int], history_turns: int, target: Target) -> GeneratedReply:
    tokens = agent.language.tokens
    ended = bool(ids) and ids[-1] in tokens.stop_ids
    kept = ids[:-1] if ended else ids
    written = tokens.decode(kept).strip()
    parsed = parse_reply(written) if target == "text_description" else ParsedReply(written, "")
    return GeneratedReply(parsed.text, parsed.description, written, len(kept), ended, history_turns)


def _greedy(_step: int, logits: Tensor) -> list[int]:
    return [int(token) for token in logits.argmax(dim=-1)]


def _sampler(decoding: Decoding, utterance_ids: Sequence[str]) -> Choose:
    """Temperature, then top-k, then top-p; each reply draws from its own generator.

    So it does not depend on which other replies are asked for with it.
    """
    if decoding.temperature <= 0 or decoding.top_k < 1 or not 0 < decoding.top_p <= 1:
        raise MscKedroError(
            f"sampling: found temperature {decoding.temperature}, top_k {decoding.top_k}, top_p "
            f"{decoding.top_p}; expected above 0, 1 or more, within (0, 1]."
        )
    generators = [
        torch.Generator().manual_seed(zlib.crc32(f"{decoding.seed} {name}".encode()))
        for name in utterance_ids
    ]

    def choose(_step: int, logits: Tensor) -> list[int]:
        kept, ids = (logits.cpu() / decoding.temperature).topk(
            min(decoding.top_k, logits.shape[-1]), dim=-1
        )
        shares = kept.softmax(dim=-1)
        before = shares.cumsum(dim=-1) - shares  # mass of the more likely ones
        shares = shares.masked_fill(before >= decoding.top_p, 0.0)
        # In order of ids: of two that are nearly as likely, rounding decides which comes first.
        ids, order = ids.sort(dim=-1)
        shares = shares.gather(-1, order)
        return [
            int(row_ids[torch.multinomial(row, 1, generator=generator)])
            for row, row_ids, generator in zip(shares, ids, generators, strict=True)
        ]

    return choose
