"""The vocoder's module is loaded once, also where several threads want it first."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from msc_kedro.speaking import _pyworld


def test_threads_that_want_it_first_all_get_the_whole() -> None:
    _pyworld._loaded.cache_clear()
    together = Barrier(8)

    def wanted(_: int) -> object:
        together.wait()
        return _pyworld.pyworld().stonemask

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(wanted, range(8)))) == 1
