"""Ragged features as a versioned set of shards."""

from __future__ import annotations

import json
from itertools import islice
from pathlib import Path

from kedro_datasets._typing import TablePreview

from msc_kedro.datasets.folders import VersionedFolder, plain_name
from msc_kedro.datasets.previews import ROWS, table_preview
from msc_kedro.execution.files import link_or_copy, whole_folder
from msc_kedro.execution.ragged import RaggedShards, ShardSet

_MANIFEST = "manifest.json"


class FeatureShards(VersionedFolder):
    """Features per utterance: saves a `ShardSet` by hard link, loads memory-mapped."""

    def load(self) -> RaggedShards:
        """The features by utterance id; bytes are read when an id is asked for."""
        folder = Path(self._get_load_path())
        manifest = json.loads((folder / _MANIFEST).read_text())
        paths = [folder / plain_name(name) for name in manifest["shards"]]
        return RaggedShards(paths, encoder=manifest["encoder"], width=manifest["width"])

    def save(self, data: ShardSet) -> None:
        """Publish the shards."""
        names = [f"shard-{index:05d}.safetensors" for index in range(len(data.paths))]
        with whole_folder(Path(self._get_save_path())) as folder:
            for name, path in zip(names, data.paths, strict=True):
                link_or_copy(path, folder / name)
            manifest = {"encoder": data.encoder, "shards": names, "width": data.width}
            (folder / _MANIFEST).write_text(json.dumps(manifest, indent=1, sort_keys=True))

    def preview(self, nrows: int = ROWS) -> TablePreview:
        """How many frames the first ids have, for kedro-viz."""
        features = self.load()
        rows = [
            (identity, len(features[identity].times_s), features.width, features.encoder)
            for identity in islice(features, nrows)
        ]
        return table_preview(("id", "frames", "width", "encoder"), rows)
