"""The environment that libraries read when they are imported, set in one place.

A value that the user has set stays.
"""

from __future__ import annotations

import os

_DEFAULTS = {
    # No library phones home unless the user switches it on.
    "DO_NOT_TRACK": "1",
    "DVC_NO_ANALYTICS": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "KEDRO_DISABLE_TELEMETRY": "1",
    "PYANNOTE_METRICS_ENABLED": "0",
    # Threads that wait spin for a moment, then give their core away. By default they spin on, and a
    # small network on two threads is 20 to 50 times slower while another process has one core.
    "GOMP_SPINCOUNT": "10000",
    "TOKENIZERS_PARALLELISM": "false",
}


def set_defaults() -> None:
    """Set what is not set yet."""
    for name, value in _DEFAULTS.items():
        os.environ.setdefault(name, value)
