"""Answers of an instruct model, several at a time, each with a seed of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import torch

from msc_kedro.agent.decoding import decode
from msc_kedro.errors import MscKedroError

if TYPE_CHECKING:
    from torch import Tensor

    from msc_kedro.agent.language_model import LanguageModel


class ChatTurn(Protocol):
    """Who says what: `role` is "user" or "assistant"."""

    @property
    def role(self) -> str: ...
    @property
    def content(self) -> str: ...


@dataclass(frozen=True)
class ChatModel:
    """A language model that answers by its own chat template.

    data-speech samples at temperature 0.6 without further cuts, up to 256 tokens.

    Args:
        language: the model; what LoRA adds to it takes part.
        temperature: above 0.
        max_new_tokens: where an answer is cut off.
        batch_size: answers at a time; changes no answer but by rounding.
    """

    language: LanguageModel
    temperature: float = 0.6
    max_new_tokens: int = 80
    batch_size: int = 16
    progress: Callable[[int, int], None] | None = None

    def __call__(
        self, chats: Sequence[Sequence[ChatTurn]], seeds: Sequence[int]
    ) -> tuple[str, ...]:
        """An answer to each chat, in order.

        Args:
            chats: turns, the last one the user's.
            seeds: of sampling, one a chat: an answer does not depend on the others asked for.

        Raises:
            MscKedroError: the model's tokenizer has no chat template.
        """
        tokenizer = self.language.tokens.tokenizer
        if getattr(tokenizer, "chat_template", None) is None:
            raise MscKedroError(
                f"{self.language.name} has no chat template, so it cannot be asked for "
                "descriptions. Choose an instruct model for the slot description_writer, or set "
                "describe.writer to template."
            )
        prompts = [
            list(
                tokenizer.apply_chat_template(
                    [{"role": turn.role, "content": turn.content} for turn in chat],
                    add_generation_prompt=True,
                    return_dict=False,
                )
            )
            for chat in chats
        ]
        by_length = sorted(range(len(prompts)), key=lambda place: len(prompts[place]))
        answers: dict[int, str] = {}
        for start in range(0, len(by_length), self.batch_size):
            places = by_length[start : start + self.batch_size]
            written = self._answer([prompts[p] for p in places], [seeds[p] for p in places])
            answers |= dict(zip(places, written, strict=True))
            if self.progress is not None:
                self.progress(len(answers), len(prompts))
        return tuple(answers[place] for place in range(len(prompts)))

    @torch.no_grad()
    def _answer(self, prompts: Sequence[list[int]], seeds: Sequence[int]) -> list[str]:
        language, tokens = self.language, self.language.tokens
        device = next(language.network.parameters()).device
        longest = max(map(len, prompts))
        ids = torch.full((len(prompts), longest), tokens.eos_id)
        mask = torch.zeros_like(ids)
        for place, prompt in enumerate(prompts):
            ids[place, longest - len(prompt) :] = torch.tensor(prompt)
            mask[place, longest - len(prompt) :] = 1
        positions = (mask.cumsum(dim=1) - 1).clamp(min=0)
        generators = [torch.Generator().manual_seed(seed) for seed in seeds]

        def choose(_step: int, logits: Tensor) -> list[int]:
            shares = (logits.cpu() / self.temperature).softmax(dim=-1)
            return [
                int(torch.multinomial(row, 1, generator=generator))
                for row, generator in zip(shares, generators, strict=True)
            ]

        written = decode(
            language.network,
            language.embed,
            language.embed(ids.to(device)),
            mask.to(device),
            positions.to(device),
            choose=choose,
            stops=tokens.stop_ids,
            max_new_tokens=self.max_new_tokens,
        )
        return [tokens.decode(row).strip() for row in written]
