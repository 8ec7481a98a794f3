"""One process or several: who trains, on which device, and what comes back.

Several run on one machine, one for each GPU (or some on CPU, over gloo), started by torch's own
launcher. They end together: where one fails the others are stopped, and where the process that
started them dies, so do they.
"""

from __future__ import annotations

import os
import signal
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import torch

from msc_kedro.errors import MscKedroError
from msc_kedro.training.checkpoint import checkpoint_run, load_checkpoint
from msc_kedro.training.config import TrainingConfig, TrainingResult
from msc_kedro.training.group import ALONE, Group

if TYPE_CHECKING:
    from msc_kedro.agent.model import Agent
    from msc_kedro.dialogue.budgets import Lengths
    from msc_kedro.dialogue.collate import FeatureBudget, Loader
    from msc_kedro.dialogue.turns import Dialogue
    from msc_kedro.training.loop import Progress

Device = Literal["auto", "cpu", "cuda"]


@dataclass(frozen=True)
class Job:
    """A run that can be handed to another process: everything in it can be pickled.

    Attributes:
        make_agent: builds the agent on a device.
        describe: reads off the agent what the caller wants to know of it besides its tensors.
        threads: of the CPU, shared by the processes.
        shard_base: each process holds a part of the frozen base model and gets the other parts when
            it needs them (FSDP2); else each holds all of it.

    The others are those of `loop.train`.
    """

    make_agent: Callable[[str], Agent]
    describe: Callable[[Agent], Any]
    train_dialogues: Sequence[Dialogue]
    valid_dialogues: Sequence[Dialogue]
    load: Loader
    config: TrainingConfig
    lengths: Lengths | None = None
    budget: FeatureBudget | None = None
    checkpoint_folder: Path | None = None
    device: Device = "auto"
    threads: int = 1
    shard_base: bool = False


def run_job(
    job: Job, *, processes: int | Literal["auto"] = 1, progress: Progress | None = None
) -> tuple[TrainingResult, Any]:
    """Trains.

    Args:
        job: the run.
        processes: how many; "auto" is one for each GPU, and one where there is none.
        progress: called after step 0 and after every step.

    Returns:
        What came out, and what `job.describe` read off the agent.

    Raises:
        MscKedroError: as `loop.train`; there are fewer GPUs than processes; or a process died.
    """
    kind = _kind(job.device)
    gpus = torch.cuda.device_count() if kind == "cuda" else 0
    count = max(1, gpus) if processes == "auto" else processes
    if kind == "cuda" and count > gpus:
        raise MscKedroError(
            f"train.processes is {count}; this machine has {gpus} GPUs, and each process needs one."
        )
    if count > 1:
        return _in_processes(job, kind, count, progress)
    if job.shard_base:
        raise MscKedroError(
            "train.shard_base shares the base model out among processes; found one process. Set "
            "train.processes to 2 or more, or shard_base to false."
        )
    torch.set_num_threads(job.threads)
    return _train(job, "cuda" if kind == "cuda" else "cpu", ALONE, progress)


def _kind(device: Device) -> str:
    found = torch.cuda.is_available()
    if device == "cuda" and not found:
        raise MscKedroError(
            "train.device is cuda, but torch finds no GPU. Set it to auto or cpu, or install the "
            "build of torch for your GPU."
        )
    return "cuda" if found and device != "cpu" else "cpu"


def _train(
    job: Job, device: str, group: Group, progress: Progress | None
) -> tuple[TrainingResult, Any]:
    from msc_kedro.training.loop import train

    agent = job.make_agent("cpu" if job.shard_base else device)
    if job.shard_base:
        from msc_kedro.training.sharding import shard_base

        shard_base(agent, device)
        group = replace(group, even=True)
    described = job.describe(agent)
    result = train(
        agent,
        train_dialogues=job.train_dialogues,
        valid_dialogues=job.valid_dialogues,
        load=job.load,
        lengths=job.lengths,
        config=job.config,
        budget=job.budget,
        checkpoint_folder=job.checkpoint_folder,
        progress=progress,
        group=group,
    )
    return result, described


def _in_processes(
    job: Job, kind: str, count: int, progress: Progress | None
) -> tuple[TrainingResult, Any]:
    """Starts the processes, passes on what the first one tells, and reads its last checkpoint."""
    import torch.multiprocessing as processes

    with tempfile.TemporaryDirectory(prefix="msc-kedro-") as folder:
        if job.checkpoint_folder is None:
            job = replace(job, checkpoint_folder=Path(folder) / "checkpoints")
        told = processes.get_context("spawn").SimpleQueue()
        started = processes.start_processes(
            _work,
            args=(job, kind, count, str(Path(folder) / "meeting"), told),
            nprocs=count,
            join=False,
            start_method="spawn",
        )
        heard: dict[str, Any] = {}

        def listen() -> None:
            while not told.empty():
                name, content = told.get()
                if name == "row" and progress is not None:
                    progress(*content)
                else:
                    heard.setdefault(name, content)  # of errors the first is the cause

        try:
            while not started.join(timeout=0.2):
                listen()
            listen()
        except (processes.ProcessRaisedException, processes.ProcessExitedException) as error:
            listen()
            if "refused" in heard:
                raise MscKedroError(heard["refused"]) from None
            raise MscKedroError(
                f"process {error.error_index + 1} of {count} ended: {_last_line(error)}. The "
                "others were stopped. What was done is kept in the last checkpoint: run again to "
                "go on from it."
            ) from error
        finally:
            for process in started.processes:
                if process.is_alive():
                    process.kill()
                process.join()
        assert job.checkpoint_folder is not None
        return _read_back(job.checkpoint_folder, heard), heard["described"]


def _work(rank: int, job: Job, kind: str, count: int, meeting: str, told: Any) -> None:
    """What each process runs."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # sent when the parent dies; C++ may be waiting
    if sys.platform == "linux":  # they meet on this machine alone
        for name in ("GLOO_SOCKET_IFNAME", "NCCL_SOCKET_IFNAME"):
            os.environ.setdefault(name, "lo")
    torch.set_num_threads(max(1, job.threads // count))
    device = "cpu"
    if kind == "cuda":
        device = f"cuda:{rank}"
        torch.cuda.set_device(rank)
    torch.distributed.init_process_group(
        "nccl" if kind == "cuda" else "gloo",
        init_method=f"file://{meeting}",
        rank=rank,
        world_size=count,
    )
    leads = rank == 0
    try:
        result, described = _train(
            job,
            device,
            Group(rank, count),
            (lambda row, steps: told.put(("row", (row, steps)))) if leads else None,
        )
    except MscKedroError as error:
        told.put(("refused", str(error)))
        raise
    if leads:
        told.put(("described", described))
        plain = ("stopped_early", "seconds", "waited_s", "peak_bytes")
        told.put(("figures", {name: getattr(result, name) for name in plain}))
    torch.distributed.barrier()
    with suppress(RuntimeError):  # the others may be gone already
        torch.distributed.destroy_process_group()


def _read_back(folder: Path, heard: dict[str, Any]) -> TrainingResult:
    """The result from the last checkpoint: tensors travel by file."""
    last = load_checkpoint(folder, run=checkpoint_run(folder))
    assert last is not None  # the first process wrote it
    return TrainingResult(
        best_state=last.part("best"),
        last_state=last.part("trained"),
        best_step=last.best_step,
        history=last.history,
        frozen_valid_loss=last.frozen_valid_loss,
        **heard["figures"],
    )


def _last_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).strip().splitlines() if line.strip()]
    return lines[-1].rstrip(".") if lines else type(error).__name__
