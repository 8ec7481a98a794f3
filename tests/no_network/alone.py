"""Runs a command and writes down what the kernel counted of its network.

    unshare --map-root-user --net python alone.py COUNTS.json COMMAND ...

In a network of its own nothing answers and no packet leaves, but the kernel counts who tried, also
from native code, which no hook of Python sees.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path


def counted() -> dict[str, int]:
    """Attempts of TCP and UDP in this network since it was made, and routes that were not found."""
    lines = Path("/proc/net/snmp").read_text().splitlines()
    found: dict[str, int] = {}
    for names, values in zip(lines[::2], lines[1::2], strict=True):
        kind = names.partition(":")[0]
        for name, value in zip(names.split()[1:], values.split()[1:], strict=True):
            found[f"{kind} {name}"] = int(value)
    for line in Path("/proc/net/snmp6").read_text().splitlines():
        name, value = line.split()
        found[name] = int(value)
    watched = (
        *("Tcp ActiveOpens", "Udp OutDatagrams", "Ip OutNoRoutes"),
        *("Udp6OutDatagrams", "Ip6OutNoRoutes"),
    )
    return {name: found.get(name, 0) for name in watched}


if __name__ == "__main__":
    code = subprocess.run(sys.argv[2:], check=False).returncode
    Path(sys.argv[1]).write_text(json.dumps(counted()))
    sys.exit(code)
