"""Folders as datasets: a corpus, sounds by id, the adapter, the work that is kept between runs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from kedro.io.core import AbstractDataset, AbstractVersionedDataset, Version

from msc_kedro.corpora.folder import Corpus
from msc_kedro.errors import MscKedroError
from msc_kedro.execution.files import is_whole, link_or_copy, whole_folder


class VersionedFolder(AbstractVersionedDataset[Any, Any]):
    """A folder that is there whole or not at all: a half version is never the latest."""

    def __init__(
        self,
        *,
        filepath: str,
        version: Version | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(
            PurePosixPath(filepath), version, exists_function=lambda path: is_whole(Path(path))
        )
        self.metadata = metadata

    def _exists(self) -> bool:
        return is_whole(Path(self._get_load_path()))

    def _describe(self) -> dict[str, Any]:
        return {"filepath": self._filepath, "version": self._version}


class SoundFolder(VersionedFolder):
    """Sounds by id: saves a mapping of ids to FLAC files by hard link; loads ids to paths."""

    def load(self) -> dict[str, Path]:
        """Ids to the paths of their files."""
        folder = Path(self._get_load_path())
        return {path.stem: path for path in sorted(folder.glob("*.flac"))}

    def save(self, data: Mapping[str, Path]) -> None:
        """Publish the files under their ids."""
        with whole_folder(Path(self._get_save_path())) as folder:
            for identity, path in data.items():
                link_or_copy(path, folder / f"{identity}.flac")


class AdapterFolder(VersionedFolder):
    """What training gives: Q-Formers, projections and LoRA, never the base model."""

    def load(self) -> Any:
        """The adapter, its tensors on the CPU."""
        from msc_kedro.training.adapter import load_adapter

        return load_adapter(Path(self._get_load_path()))

    def save(self, data: Any) -> None:
        """Write the adapter as safetensors and JSON."""
        from msc_kedro.training.adapter import save_adapter

        with whole_folder(Path(self._get_save_path())) as folder:
            save_adapter(data, folder)


class CorpusFolder(AbstractDataset[Any, Corpus]):
    """The folder of videos. Only the demo is ever written, and only where it is missing."""

    def __init__(self, *, filepath: str, metadata: dict[str, Any] | None = None) -> None:
        self._folder = Path(filepath)
        self.metadata = metadata

    def load(self) -> Corpus:
        """The corpus: its files by name.

        Raises:
            MscKedroError: no such folder, or nothing in it.
        """
        return Corpus(self._folder)

    def save(self, data: Any) -> None:
        """Write a demo that the program makes: an iterable of (file name, bytes).

        Raises:
            MscKedroError: the folder holds something that this did not write.
        """
        if self._folder.exists() and not is_whole(self._folder) and any(self._folder.iterdir()):
            raise MscKedroError(
                f"{self._folder} is not empty and was not made by this program, so the demo is not "
                "written there. Leave corpus.folder at its default to have the demo made."
            )
        with whole_folder(self._folder) as folder:
            for name, content in data:
                (folder / name).write_bytes(content)

    def _exists(self) -> bool:
        return self._folder.is_dir()

    def _describe(self) -> dict[str, Any]:
        return {"filepath": str(self._folder)}


class WorkFolder(AbstractDataset[Any, Path]):
    """Where resumable work is kept, by content; not versioned, not tracked, safe to delete."""

    def __init__(self, *, filepath: str, metadata: dict[str, Any] | None = None) -> None:
        self._folder = Path(filepath)
        self.metadata = metadata

    def load(self) -> Path:
        """The folder, made if need be."""
        self._folder.mkdir(parents=True, exist_ok=True)
        return self._folder

    def save(self, data: Any) -> None:
        """Refused: nodes write into the folder that they loaded."""
        raise TypeError("the work folder is an input, never an output")

    def _describe(self) -> dict[str, Any]:
        return {"filepath": str(self._folder)}
