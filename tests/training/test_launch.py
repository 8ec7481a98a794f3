"""Several processes are one run: the same losses, and one end for all."""

import dataclasses
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest
import torch
from toy_training import CONFIG, job_of, killed_in_its_first_step, run

from msc_kedro.errors import MscKedroError
from msc_kedro.training.group import Group
from msc_kedro.training.launch import run_job

HERE = Path(__file__).parent


def test_shares_are_whole_packs_each_once():
    for size in (1, 2, 3):
        for count in range(1, 8):
            shares = [Group(rank, size).share(count) for rank in range(size)]
            assert sorted(place for share in shares for place, _ in share) == list(range(count))
            assert all(counts for share in shares for _, counts in share)
            even = [Group(rank, size, even=True).share(count) for rank in range(size)]
            assert len({len(share) for share in even}) == 1  # as many forward passes in each
            assert sum(counts for share in even for _, counts in share) == count


def close(one, other):
    pairs = [(one.train_loss, other.train_loss), (one.valid_loss, other.valid_loss)]
    return all((a is None and b is None) or a == pytest.approx(b, rel=1e-5) for a, b in pairs)


def test_two_processes_give_the_losses_of_one(language_folder):
    """Float32, dropout 0, the same packs in each step: 1e-5, and nothing is lost on the way."""
    alone, trainable = run_job(job_of(language_folder))
    rows = []
    both, described_there = run_job(
        job_of(language_folder), processes=2, progress=lambda row, steps: rows.append((row, steps))
    )
    assert described_there == trainable
    assert [row for row, _ in rows] == list(both.history)
    assert len(both.history) == len(alone.history) > 4
    for one, other in zip(both.history, alone.history, strict=True):
        assert close(one, other)
        assert (one.step, one.tokens, one.epoch) == (other.step, other.tokens, other.epoch)
    assert both.frozen_valid_loss == pytest.approx(alone.frozen_valid_loss, rel=1e-6)
    assert both.best_state.keys() == alone.best_state.keys()


def test_one_that_dies_ends_all(language_folder, tmp_path):
    began = time.monotonic()
    job = job_of(
        language_folder,
        make_agent=partial(killed_in_its_first_step, language_folder),
        checkpoint_folder=tmp_path,
    )
    with pytest.raises(MscKedroError, match=r"process 2 of 2 ended: .*SIGKILL.*run again"):
        run_job(job, processes=2)
    assert time.monotonic() - began < 100  # and not after a time-out of the survivor
    assert not children()


def test_what_a_process_refuses_is_told_as_it_is(language_folder):
    job = job_of(language_folder, valid_dialogues=[])
    with pytest.raises(MscKedroError, match=r"^the valid split holds no reply"):
        run_job(job, processes=2)
    assert not children()


def children():
    import multiprocessing

    return multiprocessing.active_children()


def test_nothing_is_left_when_the_first_process_is_killed(language_folder):
    """The workers end with the process that started them, whatever they wait for."""
    script = HERE / "launched_run.py"
    command = [sys.executable, str(script), str(language_folder)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    workers = [int(process.stdout.readline()) for _ in range(2)]
    process.send_signal(signal.SIGKILL)
    process.wait()
    deadline = time.monotonic() + 60
    while any(alive(worker) for worker in workers) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not any(alive(worker) for worker in workers)


def alive(process):
    try:
        return Path(f"/proc/{process}/stat").read_text().split()[2] != "Z"
    except OSError:
        return False


def test_more_processes_than_packs_are_refused(make_agent):
    config = dataclasses.replace(CONFIG, packs_per_step=1)
    with pytest.raises(MscKedroError, match="packs_per_step is 1, with 2 processes"):
        run(make_agent(), config, group=Group(rank=1, size=2))


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_a_gpu_that_is_not_there_is_refused(language_folder):
    with pytest.raises(MscKedroError, match=r"train.device is cuda, but torch finds no GPU"):
        run_job(job_of(language_folder, device="cuda"))


def test_one_process_cannot_share_the_base_model(language_folder):
    with pytest.raises(MscKedroError, match="found one process"):
        run_job(job_of(language_folder, shard_base=True))


def test_a_shared_base_model_gives_the_same_losses(language_folder):
    """FSDP2 over gloo: each process holds half of every layer."""
    config = dataclasses.replace(CONFIG, packs_per_step=2, epochs=1)
    alone, _ = run_job(job_of(language_folder, config=config))
    shared, _ = run_job(job_of(language_folder, config=config, shard_base=True), processes=2)
    for one, other in zip(shared.history, alone.history, strict=True):
        assert close(one, other)
    assert alone.last_state.keys() == shared.last_state.keys()
