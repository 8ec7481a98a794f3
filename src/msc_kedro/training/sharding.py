"""The frozen base model in shards, where it does not fit one GPU (FSDP2).

Each process keeps a part of every layer and gathers the others' parts when the layer runs. Only
frozen weights are sharded: what is trained is small, stays whole in each process, and its gradients
are added up as without shards (`training/group.py`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from msc_kedro.errors import MscKedroError

if TYPE_CHECKING:
    from msc_kedro.agent.model import Agent


def shard_base(agent: Agent, device: str) -> None:
    """Shards the layers of the language model over all processes, one layer at a time.

    So no process ever holds the whole on its device. Embeddings and head stay whole.

    Args:
        agent: on the CPU.
        device: of this process.

    Raises:
        MscKedroError: the weights are quantised; FSDP2 does not take those.
    """
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import fully_shard

    decoder: Any = agent.decoder
    frozen = [p for p in decoder.parameters() if not p.requires_grad]
    if not all(parameter.is_floating_point() for parameter in frozen):
        raise MscKedroError(
            "train.shard_base cannot share out a language model in 4 bits. Set train.quantized to "
            "null, or shard_base to false: in 4 bits it is a quarter of the size."
        )
    kind = torch.device(device).type
    mesh = init_device_mesh(kind, (torch.distributed.get_world_size(),))
    whole = {p for p in agent.parameters() if p.requires_grad}
    for layer in decoder.layers:
        fully_shard(layer, mesh=mesh, ignored_params=whole)
    in_layers = {id(p) for layer in decoder.layers for p in layer.parameters()}
    rest = {p for p in decoder.parameters() if id(p) not in in_layers}
    fully_shard(decoder, mesh=mesh, ignored_params=whole | rest)
    for parameter in (*whole, *rest, *agent.head.parameters()):
        parameter.data = parameter.data.to(device)
    for buffer in agent.buffers():
        buffer.data = buffer.data.to(device)
