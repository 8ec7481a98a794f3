"""What was freed does not stay with the process."""

import subprocess
import sys
from pathlib import Path

import pytest

HELD = """
import sys
from pathlib import Path
from contextlib import nullcontext
from msc_kedro.execution.memory import give_memory_back, large_arrays_go_back

def resident_mb():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 1e6

how, size = sys.argv[1], int(sys.argv[2])
with large_arrays_go_back() if how == "inside" else nullcontext():
    bytearray(size)  # glibc's limit for what goes back by itself grows with what is freed
    before = resident_mb()
    blocks = [bytearray(size) for _ in range(200_000_000 // size)]
    live = blocks[::50]  # they keep the heap from shrinking at its end
    del blocks
    if how == "give":
        give_memory_back()
    print(resident_mb() - before)
"""


def held_mb(how: str, size: int) -> float:
    """Of 200 MB in blocks of so many bytes, of which one in fifty lives on."""
    ran = subprocess.run(
        [sys.executable, "-c", HELD, how, str(size)], capture_output=True, text=True, check=True
    )
    return float(ran.stdout)


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory is read from /proc")
@pytest.mark.parametrize("how,size", [("give", 100_000), ("inside", 2_000_000)])
def test_holes_go_back_to_the_system(how: str, size: int) -> None:
    assert held_mb(how, size) < 40 < 100 < held_mb("", size)
