"""Models: where they come from, where they are kept, and that they are the right bytes.

A recipe's models.yml names, per slot, the files of a model with their sha256 and the sources to
try in order. `ensure` brings them to the user's cache once; from then on no network is touched.
"""

from msc_kedro.models.cache import cache_root, ensure, ensure_all, receipt, verify
from msc_kedro.models.export import export_models
from msc_kedro.models.lock import write_lock
from msc_kedro.models.pin import add_entry, pin
from msc_kedro.models.spec import (
    FileFact,
    FolderSource,
    HubSource,
    ModelSpec,
    PackageSource,
    Preparation,
    read_specs,
)

__all__ = [
    "FileFact",
    "FolderSource",
    "HubSource",
    "ModelSpec",
    "PackageSource",
    "Preparation",
    "add_entry",
    "cache_root",
    "ensure",
    "ensure_all",
    "export_models",
    "pin",
    "read_specs",
    "receipt",
    "verify",
    "write_lock",
]
