"""A run in a process of its own: `python killed_run.py LANGUAGE_FOLDER CHECKPOINT_FOLDER`."""

import dataclasses
import hashlib
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import torch
from toy_agent import toy_agent
from toy_training import CONFIG, run


def main() -> None:
    torch.set_num_threads(1)
    agent = toy_agent(Path(sys.argv[1]), dropout=0.1)
    config = dataclasses.replace(CONFIG, epochs=6, checkpoint_every_steps=1)
    result = run(agent, config, checkpoint_folder=Path(sys.argv[2]))
    digest = hashlib.sha256()
    for name, tensor in sorted(result.last_state.items()):
        digest.update(name.encode() + tensor.numpy().tobytes())
    print("losses", *[repr(row.train_loss) for row in result.history], digest.hexdigest())


if __name__ == "__main__":
    main()
