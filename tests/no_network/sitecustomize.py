"""On PYTHONPATH, this makes every Python process refuse the network, and note who wanted it.

Python imports `sitecustomize` before anything else. What is noted goes to the file that
`MSC_NETWORK_LOG` names, a line of JSON each: that a process has begun under the block, and every
attempt with the calls that led to it. Sockets within the machine's own files (AF_UNIX) stay. What
native code does is not seen here; `alone.py` sees it.
"""

from __future__ import annotations

import errno
import json
import os
import sys
import traceback
from pathlib import Path
from typing import Any

LOG = "MSC_NETWORK_LOG"
ASKS = {"socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr", "socket.getnameinfo"}
SENDS = {"socket.connect", "socket.sendto", "socket.sendmsg"}


def _note(**facts: Any) -> None:
    path = os.environ.get(LOG)
    if path:
        line = json.dumps({"pid": os.getpid(), "command": sys.orig_argv, **facts})
        with Path(path).open("a", encoding="utf-8") as log:
            log.write(f"{line}\n")


def _refuse(event: str, arguments: tuple[Any, ...]) -> None:
    if event not in ASKS | SENDS:
        return
    if event in SENDS:
        import _socket

        if arguments[0].family not in (_socket.AF_INET, _socket.AF_INET6):
            return
    told = [str(argument) for argument in arguments[1 if event in SENDS else 0 :]]
    calls = [f"{call.filename}:{call.lineno}" for call in traceback.extract_stack(limit=12)[:-1]]
    _note(what="attempt", event=event, to=told, calls=calls)
    raise OSError(errno.ENETUNREACH, f"the network is blocked for this test: {event} {told}")


_note(what="begun")
sys.addaudithook(_refuse)
