"""pyworld without its `__init__`.

That file asks `pkg_resources` for its own version, which setuptools 81 and later no longer have,
and which is missing where there is no setuptools. The vocoder itself is the package's one compiled
module, which needs nothing of it.
"""

from __future__ import annotations

import functools
import importlib.util
from importlib.machinery import PathFinder
from threading import Lock
from typing import TYPE_CHECKING

from msc_kedro.errors import MscKedroError

if TYPE_CHECKING:
    from types import ModuleType

_LOADING = Lock()  # a compiled module that two threads load at once is there by half for one


def pyworld() -> ModuleType:
    """The compiled module with `dio`, `stonemask`, `cheaptrick`, `d4c` and `synthesize`.

    Raises:
        MscKedroError: when pyworld is not installed.
    """
    with _LOADING:
        return _loaded()


@functools.cache
def _loaded() -> ModuleType:
    package = importlib.util.find_spec("pyworld")
    folders = package.submodule_search_locations if package else None
    spec = PathFinder.find_spec("pyworld", list(folders)) if folders else None
    if spec is None or spec.loader is None:
        raise MscKedroError(
            "To change the pitch of a voice pyworld is needed, but it is not installed: "
            "`pip install pyworld`."
        )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
