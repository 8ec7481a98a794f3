"""Two processes that train for long, and tell their ids: `python launched_run.py FOLDER`."""

import dataclasses
import os
import sys
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from toy_agent import toy_agent
from toy_training import CONFIG, job_of

from msc_kedro.training.launch import run_job


def made(folder, _device):
    os.write(1, f"{os.getpid()}\n".encode())  # at once, so that two do not mix
    return toy_agent(folder)


def main() -> None:
    config = dataclasses.replace(CONFIG, epochs=1000)
    run_job(job_of(sys.argv[1], make_agent=partial(made, sys.argv[1]), config=config), processes=2)


if __name__ == "__main__":
    main()
