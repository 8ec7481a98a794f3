"""Faults of MSenC's published model that are to be had for reproducing its tables.

`shared_qformer`: the code hands one Q-Former with one set of queries to video and to audio, so that
both train, and are saved as, the same tensors; only the front and the back linears are two.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msc_kedro.errors import MscKedroError

if TYPE_CHECKING:
    from torch import nn

_OWN = ("front", "back", "time")


def share_qformers(qformers: nn.ModuleDict) -> None:
    """Lets audio's Q-Former read with video's layers and queries; where one is alone, nothing.

    Raises:
        MscKedroError: the two have different shapes.
    """
    if not {"video", "audio"} <= set(qformers):
        return
    video, audio = qformers["video"], qformers["audio"]
    if video.config != audio.config:
        raise MscKedroError(
            f"compat: shared_qformer needs one shape for video and audio; found {video.config} and "
            f"{audio.config}."
        )
    for name, part in [*video.named_children(), *video.named_parameters(recurse=False)]:
        if name not in _OWN:
            setattr(audio, name, part)
