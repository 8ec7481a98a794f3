"""What every test may ask for."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from hypothesis import settings

# The same examples in each run; `--hypothesis-profile default` searches for new ones.
settings.register_profile("fixed", derandomize=True, deadline=None)
settings.load_profile("fixed")

PROJECT = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def model_folder() -> Callable[..., Path]:
    """Slot to the folder of its weights.

    `MSC_DEV_MODELS/<slot>` where that exists, else the slot of conf/base/models.yml, or of another
    recipe's, in the user's cache, fetched if it is not there.
    """
    from msc_kedro.models import ensure, read_specs

    def folder(slot: str, recipe: str = "base") -> Path:
        unpacked = os.environ.get("MSC_DEV_MODELS")
        if unpacked and recipe == "base" and (Path(unpacked) / slot).is_dir():
            return Path(unpacked) / slot
        text = (PROJECT / "conf" / recipe / "models.yml").read_text(encoding="utf-8")
        return ensure(read_specs(yaml.safe_load(text))[slot])

    return folder
