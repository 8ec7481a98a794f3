"""Let torchaudio load beside a CPU build of torch.

torchaudio's published wheels link CUDA libraries. Beside a CPU build of torch its extension
cannot load, and then everything that imports torchaudio (pyannote.audio, transformers) fails.
Its Python parts (Resample, kaldi features, MFCC) need no extension. So where torch has neither
CUDA nor ROCm, `torchaudio._extension` is answered by a stub that says: no extension here.
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import importlib.util
import sys
from collections.abc import Sequence
from types import ModuleType

_EXTENSION = "torchaudio._extension"


class _NoExtension(importlib.abc.Loader):
    """Loads a `torchaudio._extension` that offers nothing and requires nothing."""

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType | None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        def fail_if_no_align(function: object) -> object:
            def unavailable(*args: object, **kwargs: object) -> object:
                raise RuntimeError(
                    "torchaudio's forced alignment needs its compiled extension, which does not "
                    "load beside a CPU build of torch."
                )

            return unavailable

        namespace: dict[str, object] = {
            "_IS_TORCHAUDIO_EXT_AVAILABLE": False,
            "_IS_ALIGN_AVAILABLE": False,
            "_IS_RIR_AVAILABLE": False,
            "lazy_import_sox_ext": None,
            "fail_if_no_align": fail_if_no_align,
            "_check_cuda_version": lambda: None,
            "__path__": [],
        }
        vars(module).update(namespace)


class _TorchaudioFinder(importlib.abc.MetaPathFinder):
    """Answers for `torchaudio._extension` only, and only where torch is a CPU build."""

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,
        target: ModuleType | None = None,
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname != _EXTENSION:
            return None
        import torch

        if torch.version.cuda or torch.version.hip:
            return None
        return importlib.util.spec_from_loader(fullname, _NoExtension(), is_package=True)


def install_torchaudio_finder() -> None:
    """Put the finder first on `sys.meta_path`; a second call does nothing."""
    if not any(isinstance(finder, _TorchaudioFinder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _TorchaudioFinder())
