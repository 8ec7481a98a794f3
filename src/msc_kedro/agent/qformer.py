"""A Q-Former of BLIP-2's shape: learned queries that read the frames of an utterance.

BERT layers (post layer norm, gelu) in which the queries attend to one another and, in every second
layer, to the frames (Li et al. 2023, BLIP-2; figures in transformers' Blip2QFormerConfig). A linear
in front takes the encoder's width, one behind the language model's. Unlike BLIP-2's use on still
pictures, the frames carry the time at which they were shown, so that their order is seen.

Legend: u utterances, f frames, q queries, d width.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

TIME_FEATURES = 64  # sines and cosines of seconds, half each
_SHORTEST_S, _LONGEST_S = 0.1, 200.0  # periods; frames come at 3 to 50 a second
_BERT_GAIN = 0.02 * math.sqrt(768)  # BERT's 0.02 at its width, kept at every width
_EPSILON = 1e-12  # of layer norms, as in BERT


@dataclass(frozen=True)
class QFormerConfig:
    """Shape of a Q-Former. BLIP-2: 12 layers, width 768, 12 heads, 32 queries, 1408, 0.1.

    Attributes:
        layers: BERT layers.
        width: of the queries; the feed-forward part is four times as wide.
        heads: of every attention.
        queries: vectors that come out per utterance.
        cross_every: cross-attention in layers 0, n, 2n, ...
        key_value_width: what the front linear gives.
        dropout: everywhere, attention included.
        normalise_input: standardise each frame's vector first, so that encoders of any scale can
            be read. BLIP-2's own checkpoint wants it off.
    """

    layers: int = 4
    width: int = 256
    heads: int = 4
    queries: int = 4
    cross_every: int = 2
    key_value_width: int = 256
    dropout: float = 0.1
    normalise_input: bool = True

    def __post_init__(self) -> None:
        if self.width % self.heads:
            raise ValueError(f"width {self.width} is not a multiple of heads {self.heads}")


class _Attention(nn.Module):
    """Attention with its output linear, dropout, residual and layer norm."""

    def __init__(self, config: QFormerConfig, *, source_width: int) -> None:
        super().__init__()
        self.heads, self.dropout_share = config.heads, config.dropout
        self.query = nn.Linear(config.width, config.width)
        self.key = nn.Linear(source_width, config.width)
        self.value = nn.Linear(source_width, config.width)
        self.output = nn.Linear(config.width, config.width)
        self.dropout = nn.Dropout(config.dropout)
        self.norm = nn.LayerNorm(config.width, eps=_EPSILON)

    def forward(self, queries: Tensor, source: Tensor, mask: Tensor | None) -> Tensor:
        """queries [u, q, d], source [u, f, d_s], mask bool [u, f] or None -> [u, q, d]."""
        attended = functional.scaled_dot_product_attention(
            self._split(self.query(queries)),
            self._split(self.key(source)),
            self._split(self.value(source)),
            attn_mask=None if mask is None else mask[:, None, None, :],
            dropout_p=self.dropout_share if self.training else 0.0,
        )
        joined = attended.transpose(1, 2).flatten(2)
        normed: Tensor = self.norm(self.dropout(self.output(joined)) + queries)
        return normed

    def _split(self, vectors: Tensor) -> Tensor:
        return vectors.unflatten(-1, (self.heads, -1)).transpose(1, 2)


class _Layer(nn.Module):
    def __init__(self, config: QFormerConfig, *, crosses: bool) -> None:
        super().__init__()
        self.attention = _Attention(config, source_width=config.width)
        self.cross = _Attention(config, source_width=config.key_value_width) if crosses else None
        self.widen = nn.Linear(config.width, 4 * config.width)
        self.narrow = nn.Linear(4 * config.width, config.width)
        self.dropout = nn.Dropout(config.dropout)
        self.norm = nn.LayerNorm(config.width, eps=_EPSILON)

    def forward(self, queries: Tensor, frames: Tensor, mask: Tensor) -> Tensor:
        queries = self.attention(queries, queries, None)
        if self.cross is not None:
            queries = self.cross(queries, frames, mask)
        fed = self.narrow(functional.gelu(self.widen(queries)))
        normed: Tensor = self.norm(self.dropout(fed) + queries)
        return normed


class QFormer(nn.Module):
    """Frames of utterances in, `queries` vectors each for the language model out.

    Args:
        config: the shape.
        input_width: of the encoder's vectors.
        output_width: of the language model.
        output_scale: standard deviation that a component of the output starts with. The language
            model's token embeddings' own, or the first steps are wild.
    """

    def __init__(
        self, config: QFormerConfig, *, input_width: int, output_width: int, output_scale: float
    ) -> None:
        super().__init__()
        self.config, self.input_width = config, input_width
        self.front = nn.Linear(input_width, config.key_value_width, bias=False)
        self.time = nn.Linear(TIME_FEATURES, config.key_value_width, bias=False)
        self.queries = nn.Parameter(torch.empty(config.queries, config.width))
        self.norm = nn.LayerNorm(config.width, eps=_EPSILON)
        self.dropout = nn.Dropout(config.dropout)
        self.layers = nn.ModuleList(
            _Layer(config, crosses=index % config.cross_every == 0)
            for index in range(config.layers)
        )
        self.back = nn.Linear(config.width, output_width, bias=False)
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.normal_(module.weight, std=_BERT_GAIN / math.sqrt(config.width))
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
        nn.init.normal_(self.front.weight, std=1 / math.sqrt(input_width))
        nn.init.zeros_(self.time.weight)
        nn.init.normal_(self.queries, std=0.02)
        # The last layer norm gives components of variance 1, so this linear sets the scale.
        nn.init.normal_(self.back.weight, std=output_scale / math.sqrt(config.width))

    def forward(self, values: Tensor, times_s: Tensor, mask: Tensor) -> Tensor:
        """Reads all utterances in one call.

        Args:
            values: float [u, f, d_in].
            times_s: float [u, f], seconds since the utterance began.
            mask: bool [u, f], True at frames.

        Returns:
            [u, q, d_out]; zeros for an utterance without frames.
        """
        if self.config.normalise_input:
            values = functional.layer_norm(values, (self.input_width,))
        frames = self.front(values) + self.time(time_features(times_s))
        present = mask.any(dim=1)
        readable = mask | ~present[:, None]  # attention over nothing would give NaN
        queries = self.dropout(self.norm(self.queries)).expand(len(values), -1, -1)
        for layer in self.layers:
            queries = layer(queries, frames, readable)
        slots: Tensor = self.back(queries) * present[:, None, None]
        return slots


def time_features(times_s: Tensor) -> Tensor:
    """Sines and cosines of seconds at periods from 0.1 to 200 s: [u, f] -> [u, f, 64]."""
    half = TIME_FEATURES // 2
    periods = torch.logspace(
        math.log10(_SHORTEST_S), math.log10(_LONGEST_S), half, device=times_s.device
    )
    angles = 2 * math.pi * times_s[..., None].float() / periods
    return torch.cat([angles.sin(), angles.cos()], dim=-1)
