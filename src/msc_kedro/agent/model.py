"""Q-Formers and language model put together: packs in, loss out.

Legend: s positions of a pack, u utterances, q queries, d width of the language model, n targets.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from msc_kedro.agent.as_published import share_qformers
from msc_kedro.agent.attention import pack_layout, use_pack_attention
from msc_kedro.agent.qformer import QFormer, QFormerConfig
from msc_kedro.dialogue.as_published import arrangement
from msc_kedro.dialogue.packing import IGNORED, NOTHING, attention_mask
from msc_kedro.dialogue.prompt import SENSES, Sense
from msc_kedro.errors import MscKedroError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from msc_kedro.agent.language_model import LanguageModel
    from msc_kedro.dialogue.arrangement import Fault
    from msc_kedro.dialogue.collate import FeatureBatch
    from msc_kedro.dialogue.packing import Pack

_CHUNK = 512  # targets whose logits are held at a time


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
        compat: faults of the published code that it is to have; see `dialogue/as_published.py`.
    """

    def __init__(
        self,
        language: LanguageModel,
        senses: Mapping[Sense, SenseConfig],
        *,
        seed: int,
        compat: Sequence[Fault] = (),
    ) -> None:
        super().__init__()
        self.language, self.compat = language, tuple(compat)
        self.arrangement = arrangement(compat)
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
        if "shared_qformer" in compat:
            share_qformers(self.qformers)
        self.qformers.to(self.device)
        self.takes_layouts = use_pack_attention(language.network)

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

    def prepare(self, *, checkpointing: bool, compiled: bool) -> None:
        """Sets how training computes, which changes what it costs.

        Args:
            checkpointing: keep each layer's input only, and compute the layer again in the backward
                pass; dropout draws the same again.
            compiled: layers by torch.compile, one at a time, so that a repeated layer is compiled
                once and lengths may differ.
        """
        if checkpointing:
            self._causal.gradient_checkpointing_enable({"use_reentrant": False})
        if compiled:
            for layer in self.decoder.layers:
                layer.compile(dynamic=True)

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
        ids = self._tensor(pack.token_ids)
        embedded = self.language.embed(ids.clamp(min=0)) * (ids != NOTHING)[:, None]
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
        with self.autocast():
            hidden = self._hidden(pack, features)
            logits: Tensor = self._head(hidden)
        return logits

    def targets(self, pack: Pack) -> Tensor:
        """The target tokens of a pack, replies in order: int64 [n]."""
        return self._tensor(pack.labels)[self._target_places(pack)]

    def token_losses(self, pack: Pack, features: FeatureBatch) -> Tensor:
        """Cross-entropy of every target token in nats: float32 [n].

        Logits are made for some targets at a time, and again in the backward pass, so that those
        of all targets are never held together.
        """
        targets = self.targets(pack)

        def losses(hidden: Tensor, chosen: Tensor) -> Tensor:
            with self.autocast():
                logits = self._head(hidden)
            return functional.cross_entropy(logits.float(), chosen, reduction="none")

        with self.autocast():
            hidden = self._hidden(pack, features)
        if len(targets) <= _CHUNK:
            return losses(hidden, targets)
        return torch.cat(
            [
                checkpoint(losses, *part, use_reentrant=False, preserve_rng_state=False)
                for part in zip(hidden.split(_CHUNK), targets.split(_CHUNK), strict=True)
            ]
        )

    def loss(self, pack: Pack, features: FeatureBatch) -> LossSum:
        """Cross-entropy summed over the target tokens; divide by their number for the loss."""
        losses = self.token_losses(pack, features)
        return LossSum(losses.sum(), len(losses))

    def check_context(self, pack: Pack) -> None:
        """Refuses a pack in which a dialogue is longer than the language model was made for.

        Raises:
            MscKedroError: says which dialogue, and what to lower.
        """
        context = self.language.context
        if context is None:
            return
        for segment in pack.segments:
            if segment.stop > segment.start:
                needed = int(pack.position_ids[segment.start : segment.stop].max()) + 1
                if needed > context:
                    raise MscKedroError(
                        f"dialogue {segment.dialogue_id} takes {needed} positions; "
                        f"{self.language.name} was made for {context}. Lower token_budget (and "
                        "history_tokens) to that, or choose a language model of longer context."
                    )

    def _hidden(self, pack: Pack, features: FeatureBatch) -> Tensor:
        """What the head makes the logits of: [n, d], one row per target."""
        self.check_context(pack)
        embedded = self.embed(pack, self.slot_vectors(features))
        given: dict[str, object] = {}
        window = self.language.sliding_window
        if self.takes_layouts and (window is None or int(pack.position_ids.max()) < window):
            given["layout"] = pack_layout(pack, self.device)
            mask = embedded.new_zeros(1, 1, 1, 1)  # transformers leaves a mask of 4-D as it is
        else:
            allowed = self._tensor(attention_mask(pack, window=window))
            mask = torch.zeros(allowed.shape, dtype=embedded.dtype, device=self.device)
            mask = mask.masked_fill_(~allowed, torch.finfo(embedded.dtype).min)[None, None]
        hidden = self.decoder(
            inputs_embeds=embedded[None],
            attention_mask=mask,
            position_ids=self._tensor(pack.position_ids)[None],
            use_cache=False,
            **given,
        ).last_hidden_state[0]
        # The position before a target predicts it. No other position's logits are made.
        return hidden[self._target_places(pack) - 1]

    def _head(self, hidden: Tensor) -> Tensor:
        causal = self._causal
        logits: Tensor = self.head(hidden)
        if scale := getattr(causal.config, "logit_scale", None):  # Cohere
            logits = logits * scale
        if scale := getattr(causal.config, "logits_scaling", None):  # Granite
            logits = logits / scale
        if cap := getattr(causal.config, "final_logit_softcapping", None):  # Gemma
            logits = torch.tanh(logits / cap) * cap
        return logits

    @property
    def _causal(self) -> Any:
        """The model of transformers inside peft's wrapping; LoRA lies within its layers."""
        network: Any = self.network
        return network.get_base_model() if hasattr(network, "get_base_model") else network

    @property
    def head(self) -> Any:
        """The linear that makes logits."""
        return self._causal.get_output_embeddings()

    @property
    def decoder(self) -> Any:
        """The layers of the language model, LoRA within them, without the head."""
        return self._causal.get_decoder()

    def trainable(self) -> dict[str, nn.Parameter]:
        """What is trained, by names that do not depend on how the language model is wrapped."""
        found = dict(self.qformers.named_parameters())  # what two of them share is there once
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
