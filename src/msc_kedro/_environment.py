"""The environment that libraries read when they are imported, set in one place.

A value that the user has set stays.
"""

from __future__ import annotations

import os

# No library phones home unless the user switches it on. Names and senses differ.
TELEMETRY = {
    "DISABLE_SAFETENSORS_CONVERSION": "true",  # transformers would ask the hub to convert a model
    "DVC_NO_ANALYTICS": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "KEDRO_DISABLE_TELEMETRY": "1",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "ORT_DISABLE_TELEMETRY": "1",  # onnxruntime, from 1.29 on, sends from native code by default
    "PYANNOTE_METRICS_ENABLED": "0",
    "RAY_USAGE_STATS_ENABLED": "0",
}
_ALL = "DO_NOT_TRACK"  # what libraries not named above may heed
_SPEED = {
    # Threads that wait spin for a moment, then give their core away. By default they spin on, and a
    # small network on two threads is 20 to 50 times slower while another process has one core.
    "GOMP_SPINCOUNT": "10000",
    # oneDNN keeps the kernels of 1,024 shapes. Sounds are all of other lengths, so a convolutional
    # network that hears a thousand of them would keep some 300 MB that nothing uses again.
    "ONEDNN_PRIMITIVE_CACHE_CAPACITY": "64",
    "TOKENIZERS_PARALLELISM": "false",
}


def set_defaults() -> None:
    """Set what is not set yet.

    `DO_NOT_TRACK` overrules the libraries' own switches, so it is left alone where the user has
    used one of them.
    """
    if not any(name in os.environ for name in TELEMETRY):
        os.environ.setdefault(_ALL, "1")
    for name, value in (TELEMETRY | _SPEED).items():
        os.environ.setdefault(name, value)
