"""Configuration: parameters and the catalog know the corpus, the recipe and its models."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from kedro.config import OmegaConfigLoader
from omegaconf import OmegaConf

from msc_kedro.errors import MscKedroError

EMBEDDED = "embedded"  # the recipe of conf/base


class ProjectConfig(OmegaConfigLoader):
    """Kedro's loader, with three resolvers for the catalog.

    `${corpus:folder}` and `${corpus:name}` are those of the parameters, `${recipe:}` is the
    Kedro environment, and `${model:asr}` is a model's entry in models.yml.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._resolved: dict[str, Any] = {}  # what one reading of the catalog resolves again
        super().__init__(*args, **kwargs)
        resolvers: dict[str, Callable[..., Any]] = {
            "corpus": self._corpus,
            "recipe": lambda: self.recipe,
            "model": self._model,
        }
        for name, resolver in resolvers.items():
            OmegaConf.register_new_resolver(name, resolver, replace=True)

    def __getitem__(self, key: str) -> dict[str, Any]:
        """A part of the configuration; see `OmegaConfigLoader`.

        Raises:
            MscKedroError: there are parameters that conf/base does not know.
        """
        self._resolved.clear()
        found = super().__getitem__(key)
        if key == "parameters":
            base = OmegaConfigLoader(
                self.conf_source, base_env=self.base_env, default_run_env=self.base_env
            )
            refuse_strangers(found, base["parameters"])
        return found

    @property
    def recipe(self) -> str:
        """The name of the recipe: the environment, or "embedded" where none was chosen."""
        return EMBEDDED if self.env in (None, "", "base", "local") else str(self.env)

    def _corpus(self, key: str) -> str:
        corpus = self._once("parameters")["corpus"]
        return corpus_name(corpus) if key == "name" else str(corpus[key])

    def _model(self, slot: str) -> Any:
        return OmegaConf.create({**self._once("models")[slot], "slot": slot})

    def _once(self, key: str) -> Any:
        if key not in self._resolved:
            self._resolved[key] = super().__getitem__(key)
        return self._resolved[key]


def corpus_name(corpus: dict[str, Any]) -> str:
    """The name that a corpus has in data paths: `corpus.name`, or its folder's name."""
    name = corpus.get("name") or Path(corpus["folder"]).resolve().name
    return re.sub(r"[^\w.-]+", "-", str(name)).strip("-.") or "corpus"


def refuse_strangers(parameters: Mapping[str, Any], base: Mapping[str, Any]) -> None:
    """Stop at a misspelt block, which nobody would read, and at a corpus that is no folder.

    What stands in the blocks is checked by their pydantic models before a run.

    Args:
        parameters: of the recipe, the user and the command line together.
        base: those of conf/base, which knows all blocks.

    Raises:
        MscKedroError: naming what is not known, and what it may be.
    """
    for name, block in parameters.items():
        if name not in base:
            near = get_close_matches(name, base, n=1)
            meant = f" Did you mean {near[0]!r}?" if near else ""
            raise MscKedroError(
                f"There is no block of parameters {name!r}.{meant}\n"
                f"Those that there are, in conf/base/parameters*.yml: {', '.join(sorted(base))}."
            )
        if isinstance(base[name], Mapping) and not isinstance(block, Mapping):
            raise MscKedroError(
                f"The parameter {name!r} is a block of {', '.join(base[name])}; found {block!r}.\n"
                f"Give them one by one: {name}.{next(iter(base[name]))}=…"
            )
    folder = parameters.get("corpus", {}).get("folder", ".")
    if not isinstance(folder, str) or not folder.strip():
        raise MscKedroError(
            f"corpus.folder must be the path of a folder of videos; found {folder!r}.\n"
            "A name of digits alone needs more to be text: corpus.folder=./2024"
        )
