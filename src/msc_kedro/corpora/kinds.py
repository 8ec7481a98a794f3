"""Which corpora can be read, by the name that `corpus.kind` has for them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal

from msc_kedro.corpora.annotations import Annotations
from msc_kedro.corpora.avamerg import read_avamerg
from msc_kedro.corpora.meld import read_meld
from msc_kedro.corpora.msc import read_msc
from msc_kedro.corpora.multidialog import read_multidialog

Kind = Literal["own", "meld", "msc", "multidialog", "avamerg"]
READERS: dict[Kind, Callable[[Path], Annotations]] = {
    "meld": read_meld,
    "msc": read_msc,
    "multidialog": read_multidialog,
    "avamerg": read_avamerg,
}


def read_corpus(kind: Kind, folder: Path) -> Annotations:
    """What is written about a corpus; nothing is about own videos.

    Raises:
        MscKedroError: the folder is no corpus of that kind, or a table of it cannot be read.
    """
    return READERS[kind](folder) if kind in READERS else Annotations((), ())
