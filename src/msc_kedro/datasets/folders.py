"""Folders as datasets: a corpus, sounds by id, the adapter, the work that is kept between runs."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import Any

from kedro.io.core import AbstractDataset, AbstractVersionedDataset, Version
from kedro_datasets._typing import ImagePreview, TablePreview

from msc_kedro.corpora.folder import Corpus
from msc_kedro.datasets.previews import ROWS, mapping_preview, table_preview
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


def plain_name(name: str) -> str:
    """A name that stays in the folder it is put in.

    Raises:
        MscKedroError: it does not.
    """
    if not re.fullmatch(r"\w[\w.-]*", name):
        raise MscKedroError(
            f"{name!r} cannot be the name of a file: expected letters, digits, '.', '_' and '-'. "
            "Tables made by this program hold no such id; make them again."
        )
    return name


class FilesById(VersionedFolder):
    """Files of one kind by id: saves a mapping of ids to files by hard link; loads ids to paths.

    Ids come from tables, which may come from elsewhere: one that is no plain file name is refused.
    """

    suffix: str

    def load(self) -> dict[str, Path]:
        """Ids to the paths of their files."""
        folder = Path(self._get_load_path())
        paths = sorted(folder.glob(f"*{self.suffix}"))
        return {path.name.removesuffix(self.suffix): path for path in paths}

    def save(self, data: Mapping[str, Path]) -> None:
        """Publish the files under their ids.

        Raises:
            MscKedroError: an id would lead out of the folder.
        """
        for identity in data:
            plain_name(identity)
        with whole_folder(Path(self._get_save_path())) as folder:
            for identity, path in data.items():
                link_or_copy(path, folder / f"{identity}{self.suffix}")


class SoundFolder(FilesById):
    """Sounds, as FLAC."""

    suffix = ".flac"

    def preview(self, nrows: int = ROWS) -> TablePreview:
        """Ids and lengths of the first sounds, for kedro-viz."""
        import soundfile

        rows = [
            (identity, round(soundfile.info(path).duration, 2))
            for identity, path in islice(self.load().items(), nrows)
        ]
        return table_preview(("id", "seconds"), rows)


class PictureFolder(FilesById):
    """Pictures, as JPEG."""

    suffix = ".jpg"

    def preview(self) -> ImagePreview:
        """The first picture, for kedro-viz."""
        first = next(iter(self.load().values()), None)
        return ImagePreview(base64.b64encode(first.read_bytes() if first else b"").decode())


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

    def preview(self) -> TablePreview:
        """What it was trained on and its shape, for kedro-viz."""
        return mapping_preview(self.load().config)


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

    def preview(self, nrows: int = ROWS) -> TablePreview:
        """The first files, for kedro-viz."""
        rows = [
            (path.relative_to(self._folder).as_posix(), round(path.stat().st_size / 1e6, 2))
            for path in self.load().files()[:nrows]
        ]
        return table_preview(("file", "MB"), rows)

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
