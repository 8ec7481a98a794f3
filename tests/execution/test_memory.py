"""What was freed does not stay with the process."""

import subprocess
import sys
from pathlib import Path

import pytest

HELD = """
import sys
from pathlib import Path
from msc_kedro.execution.memory import give_memory_back

def resident_mb():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 1e6

before = resident_mb()
blocks = [bytearray(100_000) for _ in range(2000)]  # 200 MB
live = blocks[::50]  # they keep the heap from shrinking at its end
del blocks
if "give" in sys.argv:
    give_memory_back()
print(resident_mb() - before)
"""


def held_mb(*arguments: str) -> float:
    ran = subprocess.run(
        [sys.executable, "-c", HELD, *arguments], capture_output=True, text=True, check=True
    )
    return float(ran.stdout)


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory is read from /proc")
def test_holes_go_back_to_the_system() -> None:
    assert held_mb("give") < 40 < 100 < held_mb()
