"""Q-Formers and language model put together: packs in, loss out.

Legend: s positions of a pack, u utterances, q queries, d width of the language model, n targets.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional

from msc_kedro.agent.qformer import QFormer, QFormerConfig
from msc_kedro.dialogue.packing import IGNORED, attention_mask
from msc_kedro.dialogue.prompt import SENSES, Sense
from msc_kedro.errors import MscKedroError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from msc_kedro.agent.language_model import LanguageModel
    from msc_kedro.dialogue.collate import FeatureBatch
    from msc_kedro.dialogue.packing import Pack


@dataclass(frozen=True)
class SenseConfig:
    """One modality's Q-Former and the width of the encoder it reads."""

    encoder_width: int
    qformer: QFormerConfig


@dataclass(frozen=True)
class SlotVectors:
    """What a Q-Former made of several utterances: vectors [u, q, d] and each utterance's row."""

    vectors: Tensor
    rows: Mapping[str, int]


@dataclass(frozen=True)
class LossSum:
    """Cross-entropy summed over target tokens (nats, with gradient), and how many there were."""

    total: Tensor
    tokens: int


class Agent(nn.Module):
    """Reads packed dialogues through Q-Formers and a language model.

    Args:
        language: the language model, LoRA included where wanted.
        senses: the Q-Former per modality; empty for a text-only agent.
        seed: of the Q-Formers' starting values.
    """

    def __init__(
        self, language: LanguageModel, senses: Mapping[Sense, SenseConfig], *, seed: int
    ) -> None:
        super().__init__()
        self.language = language
        self.network = language.network
        self.senses: dict[Sense, SenseConfig] = {s: senses[s] for s in SENSES if s in senses}
        self.qformers = nn.ModuleDict()
        with torch.random.fork_rng(devices=[]):  # drawn on the CPU, so alike on every device
            torch.default_generator.manual_seed(seed)
            for sense, chosen in self.senses.items():
                self.qformers[sense] = QFormer(
                    chosen.qformer,
                    input_width=chosen.encoder_width,
                    output_width=language.width,
                    output_scale=language.embedding_scale,
                )
        self.qformers.to(self.device)

    @property
    def device(self) -> torch.device:
        """Where the language model lies."""
        return next(self.network.parameters()).device

    @property
    def slots(self) -> dict[Sense, int]:
        """Vectors per utterance and modality."""
        return {sense: chosen.qformer.queries for sense, chosen in self.senses.items()}

    def autocast(self) -> contextlib.AbstractContextManager[object]:
        """Multiplies in bfloat16 where the frozen weights are bfloat16; else does nothing."""
        if self.language.dtype == torch.float32:
            return contextlib.nullcontext()
        return torch.autocast(self.device.type, dtype=self.language.dtype)

    @contextlib.contextmanager
    def untrained(self) -> Iterator[None]:
        """The language model as it came, dropout off, while this lasts."""
        training = self.training
        self.eval()
        try:
            with self.language.without_lora():
                yield
        finally:
            self.train(training)

    def slot_vectors(self, features: FeatureBatch) -> dict[Sense, SlotVectors]:
        """All utterances of a batch, one call per modality.

        Raises:
            MscKedroError: the features' width is not what the Q-Former reads.
        """
        made: dict[Sense, SlotVectors] = {}
        for sense, padded in features.items():
            if sense not in self.senses:
                raise MscKedroError(
                    f"features of {sense} were given, but the agent reads {list(self.senses)}. "
                    "Set `modalities` to what it was made for."
                )
            expected = self.senses[sense].encoder_width
            if padded.lengths.any() and padded.values.shape[-1] != expected:
                raise MscKedroError(
                    f"{sense} features are {padded.values.shape[-1]} wide, the Q-Former reads "
                    f"{expected}: the shards come from another encoder. Run featurize with the "
                    "encoder of the adapter, or train again."
                )
            vectors = self.qformers[sense](
                torch.from_numpy(padded.values).to(self.device),
                torch.from_numpy(padded.times_s).to(self.device),
                torch.from_numpy(padded.mask).to(self.device),
            )
            rows = {name: row for row, name in enumerate(padded.utterance_ids)}
            made[sense] = SlotVectors(vectors, rows)
        return made

    def embed(self, pack: Pack, vectors: Mapping[Sense, SlotVectors]) -> Tensor:
        """Token embeddings with the slot vectors put in their places: [s, d].

        Raises:
            KeyError: a slot stands for an utterance that `vectors` lacks.
        """
        embedded = self.language.embed(self._tensor(pack.token_ids))
        for index, sense in enumerate(SENSES):
            places = (pack.slot_sense == index).nonzero()[0]
            if len(places):
                held = vectors[sense]
                utterances = pack.slot_utterance[places].tolist()
                rows = torch.tensor([held.rows[pack.utterance_ids[u]] for u in utterances])
                chosen = held.vectors[
                    rows.to(self.device), self._tensor(pack.slot_query[places])
                ].to(embedded.dtype)
                embedded = embedded.index_copy(0, self._tensor(places), chosen)
        return embedded

    def target_logits(self, pack: Pack, features: FeatureBatch) -> Tensor:
        """Logits that predict the pack's targets, in the order of `targets`: [n, vocabulary].

        No other position's logits are computed.
        """
        context = self.language.context
        furthest = int(pack.position_ids.max()) + 1
        if context is not None and furthest > context:
            raise MscKedroError(
                f"a dialogue takes {furthest} positions; {self.language.name} was made for "
                f"{context}. Lower token_budget."
            )
        mask = attention_mask(pack, window=self.language.sliding_window)
        with self.autocast():
            embedded = self.embed(pack, self.slot_vectors(features))
            additive = torch.zeros(mask.shape, dtype=embedded.dtype, device=self.device)
            additive.masked_fill_(~self._tensor(mask), torch.finfo(embedded.dtype).min)
            output = self.network(
                inputs_embeds=embedded[None],
                attention_mask=additive[None, None],
                position_ids=self._tensor(pack.position_ids)[None],
                use_cache=False,
                logits_to_keep=self._target_places(pack) - 1,
            )
        logits: Tensor = output.logits[0]
        return logits

    def targets(self, pack: Pack) -> Tensor:
        """The target tokens of a pack, replies in order: int64 [n]."""
        return self._tensor(pack.labels)[self._target_places(pack)]

    def token_losses(self, pack: Pack, features: FeatureBatch) -> Tensor:
        """Cross-entropy of every target token in nats: float32 [n]."""
        logits = self.target_logits(pack, features)
        return functional.cross_entropy(logits.float(), self.targets(pack), reduction="none")

    def loss(self, pack: Pack, features: FeatureBatch) -> LossSum:
        """Cross-entropy summed over the target tokens; divide by their number for the loss."""
        losses = self.token_losses(pack, features)
        return LossSum(losses.sum(), len(losses))

    def trainable(self) -> dict[str, nn.Parameter]:
        """What is trained, by names that do not depend on how the language model is wrapped."""
        found: dict[str, nn.Parameter] = {}
        for sense in self.senses:
            for name, parameter in self.qformers[sense].named_parameters():
                found[f"{sense}.{name}"] = parameter
        for name, parameter in self.network.named_parameters():
            if parameter.requires_grad:
                plain = name.removeprefix("base_model.model.").replace(".default.", ".")
                found[f"language.{plain}"] = parameter
        return found

    def trainable_state(self) -> dict[str, Tensor]:
        """Copies of what is trained, on the CPU, for safetensors."""
        return {
            name: parameter.detach().cpu().clone().contiguous()
            for name, parameter in self.trainable().items()
        }

    @torch.no_grad()
    def load_trainable_state(self, state: Mapping[str, Tensor]) -> None:
        """Puts a trainable state back.

        Raises:
            MscKedroError: names or shapes are not this agent's.
        """
        own = self.trainable()
        wrong = sorted(own.keys() ^ state.keys()) or [
            name for name, parameter in own.items() if parameter.shape != state[name].shape
        ]
        if wrong:
            raise MscKedroError(
                f"the adapter does not fit this agent: {len(wrong)} tensors differ, the first is "
                f"{wrong[0]}. Use the Q-Former and LoRA settings it was trained with."
            )
        for name, parameter in own.items():
            parameter.copy_(state[name])

    def _target_places(self, pack: Pack) -> Tensor:
        return self._tensor((pack.labels != IGNORED).nonzero()[0])

    def _tensor(self, array: object) -> Tensor:
        return torch.as_tensor(array, device=self.device)
