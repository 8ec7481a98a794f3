"""Set everything up and do the main job: `python3.11 start.py`, then `python3.11 start.py test`.

Needs Python 3.11 and nothing else. Makes `.venv`, installs the project at the versions of
requirements/constraints.txt, fetches the embedded models, then runs `kedro run` (or the tests).
Whatever is already there is not done again.

    python3.11 start.py                   set up, then `kedro run`
    python3.11 start.py run --pipeline X  set up, then `kedro run` with these options
    python3.11 start.py test              set up, then the tests
    python3.11 start.py setup             set up only
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
import venv
from pathlib import Path

PROJECT = Path(__file__).resolve().parent
ENVIRONMENT = PROJECT / ".venv"
BIN = ENVIRONMENT / ("Scripts" if os.name == "nt" else "bin")
PYTHON = BIN / ("python.exe" if os.name == "nt" else "python")
CONSTRAINTS = PROJECT / "requirements" / "constraints.txt"
PARLER = PROJECT / "requirements" / "parler.txt"
STAMP = ENVIRONMENT / "msc-kedro-setup.txt"
TORCH = "torch==2.13.0"
CPU_WHEELS = "https://download.pytorch.org/whl/cpu"


def main(arguments: list[str]) -> int:
    """Set up, then run what was asked for; returns its exit status."""
    if sys.version_info[:2] != (3, 11):
        found = ".".join(map(str, sys.version_info[:3]))
        return fail(f"Python 3.11 is needed, this is {found}. Run: python3.11 start.py")
    what, *options = arguments or ["run"]
    if what not in ("run", "test", "setup"):
        print(__doc__)
        return 0 if what in ("-h", "--help", "help") else 2
    try:
        set_up()
        if what == "test":
            return call(PYTHON, "-m", "pytest", *options)
        if what == "run":
            return call(PYTHON, "-m", "kedro", "run", *options)
    except subprocess.CalledProcessError as error:
        return fail(
            f"This step failed: {' '.join(map(str, error.cmd))}\n"
            "Its own message is above. When it is mended, run the same command again: "
            "what is done is kept."
        )
    return 0


def set_up() -> None:
    """Environment, packages, models; each only where it is missing or out of date."""
    wanted = hashlib.sha256(
        b"".join(path.read_bytes() for path in (PROJECT / "pyproject.toml", CONSTRAINTS, PARLER))
    ).hexdigest()
    if not (PYTHON.exists() and STAMP.is_file() and STAMP.read_text() == wanted):
        begun = time.monotonic()
        if not PYTHON.exists():
            say(f"Making the environment {ENVIRONMENT.name}")
            broken = (ENVIRONMENT / "pyvenv.cfg").is_file()  # its Python went with an upgrade
            builder = venv.EnvBuilder(with_pip=True, symlinks=os.name != "nt", clear=broken)
            builder.create(ENVIRONMENT)
        install_torch()
        say("Installing the project and its packages (a few minutes the first time)")
        pip("install", "-c", CONSTRAINTS, "-e", f"{PROJECT}[dev]")
        pip("install", "--no-deps", "-r", PARLER)
        STAMP.write_text(wanted)
        say(f"Environment ready after {time.monotonic() - begun:.0f} s")
    check(PYTHON, "-m", "kedro", "models", "fetch")


def install_torch() -> None:
    """The CUDA build where there is a GPU; else a CPU build: no CUDA package comes along."""
    if has_gpu():
        say(f"A GPU is here: {TORCH} with CUDA")
        pip("install", "-c", CONSTRAINTS, TORCH)
    elif default_torch_is_cpu():
        say(f"No GPU here: {TORCH}, CPU build from pip's own sources")
        pip("install", "-c", CONSTRAINTS, TORCH)
    else:
        say(f"No GPU here: {TORCH}, CPU build from {CPU_WHEELS}")
        pip("install", "-c", CONSTRAINTS, TORCH, "--index-url", CPU_WHEELS)


def has_gpu() -> bool:
    """Whether an NVIDIA driver answers."""
    driver = shutil.which("nvidia-smi")
    if driver is None:
        return False
    answer = subprocess.run([driver, "-L"], capture_output=True, text=True, check=False)
    return answer.returncode == 0 and "GPU" in answer.stdout


def default_torch_is_cpu() -> bool:
    """Whether the torch that pip would take by itself needs no CUDA package.

    Asks pip for its plan only: nothing is installed, and with an index that serves metadata
    nothing large is downloaded.
    """
    plan = subprocess.run(
        [PYTHON, "-m", "pip", "install", "--quiet", "--dry-run", "--ignore-installed", "--no-deps",
         "--report", "-", TORCH],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if plan.returncode != 0:
        return False
    needs = json.loads(plan.stdout)["install"][0]["metadata"].get("requires_dist", [])
    on_linux = sys.platform.startswith("linux")
    return not (on_linux and any(need.startswith(("nvidia-", "cuda-")) for need in needs))


def pip(*arguments: str | Path) -> None:
    check(PYTHON, "-m", "pip", "--disable-pip-version-check", *arguments, "--quiet")


def check(*command: str | Path) -> None:
    subprocess.run(command, cwd=PROJECT, check=True)


def call(*command: str | Path) -> int:
    return subprocess.run(command, cwd=PROJECT, check=False).returncode


def say(message: str) -> None:
    print(f"» {message}", flush=True)


def fail(message: str) -> int:
    print(f"\n{message}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
