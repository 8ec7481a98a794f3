"""A corpus in a folder: media files, and optionally a `dialogues.csv`."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from msc_kedro.errors import MscKedroError

VIDEO_SUFFIXES = frozenset(
    {
        ".mp4",
        ".m4v",
        ".mov",
        ".mkv",
        ".webm",
        ".avi",
        ".mpg",
        ".mpeg",
        ".ts",
        ".wmv",
        ".flv",
        ".3gp",
    }
)
SOUND_SUFFIXES = frozenset({".wav", ".flac", ".mp3", ".m4a", ".ogg"})
MEDIA_SUFFIXES = VIDEO_SUFFIXES | SOUND_SUFFIXES


@dataclass(frozen=True)
class Corpus:
    """A folder of media files that the user owns.

    Files may lie in folders below it. Names that begin with a dot (and the `._` files that
    archives leave) are passed over.
    """

    folder: Path

    def files(self) -> list[Path]:
        """Media files, sorted by their path.

        Raises:
            MscKedroError: no such folder, or no media file in it.
        """
        if not self.folder.is_dir():
            what = "is a file" if self.folder.exists() else "does not exist"
            raise MscKedroError(
                f"The corpus folder {what}: {self.folder}\n"
                "Give a folder of videos: kedro run --params corpus.folder=PATH"
            )
        found = [
            path
            for path in sorted(self.folder.rglob("*"))
            if path.suffix.lower() in MEDIA_SUFFIXES
            and path.is_file()
            and not any(part.startswith(".") for part in path.relative_to(self.folder).parts)
        ]
        if not found:
            raise MscKedroError(
                f"There is no video in {self.folder}\n"
                f"Put some there, ending in {' '.join(sorted(MEDIA_SUFFIXES))}, or give another "
                "folder: kedro run --params corpus.folder=PATH"
            )
        return found

    def path(self, relative: str) -> Path:
        """The file of a source, by its path in the `sources` table.

        Raises:
            MscKedroError: the path leads out of the folder.
        """
        # By name only: a link in the folder to a video elsewhere is the user's own.
        folder = os.path.abspath(self.folder)  # noqa: PTH100
        path = Path(os.path.normpath(os.path.join(folder, relative)))  # noqa: PTH118
        if not path.is_relative_to(folder):
            raise MscKedroError(f"'{relative}' leads out of the corpus folder {self.folder}")
        return path

    def existing(self, relative: str) -> Path:
        """The same, of a file that must still be there.

        Raises:
            MscKedroError: it is not, or the path leads out of the folder.
        """
        path = self.path(relative)
        if not path.is_file():
            raise MscKedroError(
                f"{path} is gone. Put it back, or go on without it: kedro run --pipeline ingest, "
                "then the pipelines after it."
            )
        return path
