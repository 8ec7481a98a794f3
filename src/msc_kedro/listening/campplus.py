"""CAM++: a speaker encoder over filter-bank features.

The network of Wang et al., "CAM++: A Fast and Efficient Network for Speaker Verification Using
Context-Aware Masking" (Interspeech 2023): a small 2-D residual front over the mel bands, densely
connected time-delay blocks whose output is masked by the context around it, and pooling of mean
and standard deviation over time. Names of parameters are those of the published weights, so that
a state dict loads strictly.

torch is imported at module level here; import this module only where a network is opened.
"""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import Tensor, nn
from torch.nn import functional

BANDS = 80  # mel bands
WIDTH = 192  # of the embedding
_CONTEXT_FRAMES = 100  # length of the pieces whose mean joins the global mean in the mask
_GROWTH = 32
_BLOCKS = ((12, 1), (24, 2), (16, 2))  # layers and dilation of each dense block


class _Residual(nn.Module):
    """Two 3x3 convolutions and a shortcut; `stride` is along the bands only."""

    def __init__(self, width: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(width, width, 3, (stride, 1), padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.shortcut = nn.Sequential()
        if stride != 1:
            self.shortcut = nn.Sequential(
                nn.Conv2d(width, width, 1, (stride, 1), bias=False), nn.BatchNorm2d(width)
            )

    def forward(self, x: Tensor) -> Tensor:
        y = functional.relu(self.bn1(self.conv1(x)))
        return functional.relu(self.bn2(self.conv2(y)) + self.shortcut(x))


class _Front(nn.Module):
    """From [b, 80, f] to [b, 320, f]: 32 channels over 80 / 8 bands."""

    def __init__(self, width: int = 32) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, width, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.layer1 = nn.Sequential(_Residual(width, 2), _Residual(width, 1))
        self.layer2 = nn.Sequential(_Residual(width, 2), _Residual(width, 1))
        self.conv2 = nn.Conv2d(width, width, 3, (2, 1), padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)

    def forward(self, x: Tensor) -> Tensor:
        y = functional.relu(self.bn1(self.conv1(x[:, None])))
        y = self.layer2(self.layer1(y))
        y = functional.relu(self.bn2(self.conv2(y)))
        return y.flatten(1, 2)


def _norm(width: int, *, affine: bool = True, relu: bool = True) -> nn.Sequential:
    layers: OrderedDict[str, nn.Module] = OrderedDict(
        batchnorm=nn.BatchNorm1d(width, affine=affine)
    )
    if relu:
        layers["relu"] = nn.ReLU()
    return nn.Sequential(layers)


class _ContextMask(nn.Module):
    """A dilated convolution, masked by what the pieces around and the whole sound like."""

    def __init__(self, wide: int, narrow: int, dilation: int) -> None:
        super().__init__()
        self.linear_local = nn.Conv1d(
            wide, narrow, 3, padding=dilation, dilation=dilation, bias=False
        )
        self.linear1 = nn.Conv1d(wide, wide // 2, 1)
        self.linear2 = nn.Conv1d(wide // 2, narrow, 1)

    def forward(self, x: Tensor) -> Tensor:
        pieces = functional.avg_pool1d(x, _CONTEXT_FRAMES, _CONTEXT_FRAMES, ceil_mode=True)
        pieces = pieces.repeat_interleave(_CONTEXT_FRAMES, dim=-1)[..., : x.shape[-1]]
        context = functional.relu(self.linear1(x.mean(-1, keepdim=True) + pieces))
        return self.linear_local(x) * torch.sigmoid(self.linear2(context))


class _DenseLayer(nn.Module):
    def __init__(self, width: int, dilation: int, neck: int = 4 * _GROWTH) -> None:
        super().__init__()
        self.nonlinear1 = _norm(width)
        self.linear1 = nn.Conv1d(width, neck, 1, bias=False)
        self.nonlinear2 = _norm(neck)
        self.cam_layer = _ContextMask(neck, _GROWTH, dilation)

    def forward(self, x: Tensor) -> Tensor:
        return self.cam_layer(self.nonlinear2(self.linear1(self.nonlinear1(x))))


class _DenseBlock(nn.Module):
    """Each layer sees the input and the outputs of all layers before it."""

    def __init__(self, width: int, layers: int, dilation: int) -> None:
        super().__init__()
        for layer in range(layers):
            self.add_module(f"tdnnd{layer + 1}", _DenseLayer(width + layer * _GROWTH, dilation))

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.children():
            x = torch.cat([x, layer(x)], dim=1)
        return x


class _Halving(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.nonlinear = _norm(width)
        self.linear = nn.Conv1d(width, width // 2, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(self.nonlinear(x))


class _Entry(nn.Module):
    def __init__(self, width_in: int, width: int) -> None:
        super().__init__()
        self.linear = nn.Conv1d(width_in, width, 5, stride=2, padding=2, bias=False)
        self.nonlinear = _norm(width)

    def forward(self, x: Tensor) -> Tensor:
        return self.nonlinear(self.linear(x))


class _Statistics(nn.Module):
    """Mean and standard deviation over time: [b, d, f] to [b, 2 d]."""

    def forward(self, x: Tensor) -> Tensor:
        # One frame alone has no spread; the published layer takes n - 1 below, so guard it.
        spread = x.std(-1, unbiased=x.shape[-1] > 1)
        return torch.cat([x.mean(-1), spread], dim=-1)


class _Dense(nn.Module):
    def __init__(self, width_in: int, width: int) -> None:
        super().__init__()
        self.linear = nn.Conv1d(width_in, width, 1, bias=False)
        self.nonlinear = _norm(width, affine=False, relu=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.nonlinear(self.linear(x[..., None])).squeeze(-1)


class CAMPPlus(nn.Module):
    """Filter banks [b, f, 80], mean over time removed, to embeddings [b, 192]."""

    def __init__(self) -> None:
        super().__init__()
        self.head = _Front()
        width = 128
        stages: OrderedDict[str, nn.Module] = OrderedDict(tdnn=_Entry(320, width))
        for place, (layers, dilation) in enumerate(_BLOCKS, start=1):
            stages[f"block{place}"] = _DenseBlock(width, layers, dilation)
            width += layers * _GROWTH
            stages[f"transit{place}"] = _Halving(width)
            width //= 2
        stages["out_nonlinear"] = _norm(width)
        stages["stats"] = _Statistics()
        stages["dense"] = _Dense(2 * width, WIDTH)
        self.xvector = nn.Sequential(stages)

    def forward(self, features: Tensor) -> Tensor:
        """Speaker embeddings, not normalised in length.

        Args:
            features: float32 [b, f, 80], f >= 1.

        Returns:
            float32 [b, 192].
        """
        return self.xvector(self.head(features.transpose(1, 2)))


def filter_banks(samples: Tensor) -> Tensor:
    """Kaldi's 80 log mel bands, 25 ms windows every 10 ms, mean over time removed.

    Args:
        samples: float32 [n] in [-1, 1] at 16 kHz, at least one window (400 samples).

    Returns:
        float32 [f, 80].
    """
    from torchaudio.compliance import kaldi

    banks = kaldi.fbank(samples[None], num_mel_bins=BANDS, sample_frequency=16_000, dither=0.0)
    return banks - banks.mean(0, keepdim=True)
