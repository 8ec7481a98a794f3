"""Attention over a pack, computed where it is allowed and nowhere else.

A pack's mask is mostly empty: a trunk attends to itself, a branch to a stretch of trunk and to
itself. Over a dense mask of s x s the empty part costs as much as the full one. Here each segment
is computed against the stretches it sees, as blocks without a mask; the blocks of a row are joined
by their log-sum-exp, and the backward pass of each is exact because it is given the joined output
and log-sum-exp (as in ring attention, Liu et al. 2023). Nothing is copied, padded or masked, and
what is kept for the backward pass grows with s, not with its square.

On CUDA the same layout is a block mask for FlexAttention. Where neither fits (a sliding window
shorter than the pack, a model that takes no attention function) `Agent` hands a dense mask to SDPA.

Legend: b batch (1), h heads, s positions of a pack, d width of a head.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

if TYPE_CHECKING:
    from collections.abc import Callable

    from msc_kedro.dialogue.packing import Pack

NAME = "msc_kedro_packs"  # what transformers knows it by
_forward = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu
_backward = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu_backward


@dataclass(frozen=True)
class Layout:
    """Who attends to whom in a pack.

    Attributes:
        blocks: (rows, columns, causal) as half-open stretches; each row's columns appear once.
            A causal block has as many columns as rows.
        block_mask: the same for FlexAttention, on CUDA only.
    """

    blocks: tuple[tuple[tuple[int, int], tuple[int, int], bool], ...]
    block_mask: Any = None


def pack_layout(pack: Pack, device: torch.device) -> Layout:
    """The layout of a pack."""
    blocks = tuple(
        block
        for segment in pack.segments
        if segment.stop > segment.start
        for block in (
            *(
                [((segment.start, segment.stop), (segment.start, segment.stop), True)]
                if segment.sees_itself
                else []
            ),
            *(
                ((segment.start, segment.stop), seen, False)
                for seen in segment.sees
                if seen[1] > seen[0]
            ),
        )
    )
    if device.type != "cuda":
        return Layout(blocks)
    from torch.nn.attention.flex_attention import create_block_mask

    length = len(pack.token_ids)
    made = create_block_mask(
        mask_function(pack, device), B=None, H=None, Q_LEN=length, KV_LEN=length, device=str(device)
    )
    return Layout(blocks, made)


def mask_function(pack: Pack, device: torch.device | str) -> Callable[..., Tensor]:
    """The layout as FlexAttention's `mask_mod(b, h, row, column) -> bool`."""
    spans = torch.tensor([segment.stop - segment.start for segment in pack.segments])
    most = max(1, *(len(segment.sees) for segment in pack.segments))

    def by_row(values: list[int]) -> Tensor:
        return torch.tensor(values).repeat_interleave(spans).to(device)

    own = by_row(list(range(len(pack.segments))))
    sees_itself = by_row([int(segment.sees_itself) for segment in pack.segments]) > 0
    stretches = [
        tuple(
            by_row([s.sees[n][end] if n < len(s.sees) else 0 for s in pack.segments])
            for end in (0, 1)
        )
        for n in range(most)
    ]

    def allowed(_batch: Tensor, _head: Tensor, row: Tensor, column: Tensor) -> Tensor:
        mask = (own[row] == own[column]) & (column <= row) & sees_itself[row]
        for first, last in stretches:
            mask = mask | ((column >= first[row]) & (column < last[row]))
        return mask

    return allowed


def use_pack_attention(network: Any) -> bool:
    """Lets a causal model of transformers take layouts; without one it attends as with SDPA.

    Returns:
        False for a model that does not look its attention up, which is left as it was.
    """
    base = network.get_base_model() if hasattr(network, "get_base_model") else network
    if not getattr(base, "_supports_attention_backend", False):
        return False
    from transformers import AttentionInterface
    from transformers.masking_utils import AttentionMaskInterface, sdpa_mask

    AttentionInterface.register(NAME, pack_attention)
    AttentionMaskInterface.register(NAME, sdpa_mask)
    base.set_attn_implementation(NAME)
    return True


def pack_attention(
    module: torch.nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    *,
    dropout: float = 0.0,
    scaling: float | None = None,
    layout: Layout | None = None,
    **kwargs: Any,
) -> tuple[Tensor, None]:
    """Query [b, h, s, d], key and value [b, h_kv, s, d] -> [b, s, h, d], as transformers asks."""
    if layout is None:
        from transformers.integrations.sdpa_attention import sdpa_attention_forward

        found: tuple[Tensor, None] = sdpa_attention_forward(
            module, query, key, value, attention_mask, dropout=dropout, scaling=scaling, **kwargs
        )
        return found
    grouped = query.shape[1] // key.shape[1]
    if layout.block_mask is not None:
        attended = _flex()(
            query, key, value, block_mask=layout.block_mask, scale=scaling, enable_gqa=grouped > 1
        )
        return attended.transpose(1, 2).contiguous(), None
    if grouped > 1:
        key, value = (kept.repeat_interleave(grouped, dim=1) for kept in (key, value))
    scale = query.shape[-1] ** -0.5 if scaling is None else scaling
    attended = _Blocks.apply(query, key, value, layout.blocks, scale)
    return attended.transpose(1, 2).contiguous(), None


@cache
def _flex() -> Any:
    from torch.nn.attention.flex_attention import flex_attention

    return torch.compile(flex_attention, dynamic=True)


class _Blocks(torch.autograd.Function):
    """Attention of each block by the CPU's flash kernel, joined per row."""

    @staticmethod
    def forward(  # type: ignore[override]
        ctx: Any, query: Tensor, key: Tensor, value: Tensor, blocks: Any, scale: float
    ) -> Tensor:
        joined = torch.zeros_like(query)  # what a row that sees nothing has
        sums = query.new_empty(query.shape[:-1], dtype=torch.float32)
        begun = -1  # the row at which the last block began: blocks of a row follow one another
        for (start, stop), (first, last), causal in blocks:
            part, weight = _forward(
                query[:, :, start:stop],
                key[:, :, first:last],
                value[:, :, first:last],
                is_causal=causal,
                scale=scale,
            )
            if start == begun:
                before, held = joined[:, :, start:stop], sums[:, :, start:stop]
                share = torch.sigmoid(weight - held)[..., None]
                joined[:, :, start:stop] = torch.lerp(before.float(), part.float(), share)
                sums[:, :, start:stop] = torch.logaddexp(held, weight)
            else:
                joined[:, :, start:stop], sums[:, :, start:stop] = part, weight
                begun = start
        ctx.save_for_backward(query, key, value, joined, sums)
        ctx.blocks, ctx.scale = blocks, scale
        return joined

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Any:  # type: ignore[override]
        query, key, value, joined, sums = ctx.saved_tensors
        found = [torch.zeros_like(one, dtype=torch.float32) for one in (query, key, value)]
        for (start, stop), (first, last), causal in ctx.blocks:
            parts = _backward(
                gradient[:, :, start:stop],
                query[:, :, start:stop],
                key[:, :, first:last],
                value[:, :, first:last],
                joined[:, :, start:stop],
                sums[:, :, start:stop],
                0.0,
                causal,
                scale=ctx.scale,
            )
            found[0][:, :, start:stop] += parts[0]
            found[1][:, :, first:last] += parts[1]
            found[2][:, :, first:last] += parts[2]
        to = query.dtype
        return found[0].to(to), found[1].to(to), found[2].to(to), None, None
