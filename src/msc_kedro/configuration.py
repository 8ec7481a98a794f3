"""Configuration: parameters and the catalog know the corpus, the recipe and its models."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from kedro.config import OmegaConfigLoader
from omegaconf import OmegaConf

EMBEDDED = "embedded"  # the recipe of conf/base


class ProjectConfig(OmegaConfigLoader):
    """Kedro's loader, with three resolvers for the catalog.

    `${corpus:folder}` and `${corpus:name}` are those of the parameters, `${recipe:}` is the
    Kedro environment, and `${model:asr}` is a model's entry in models.yml.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        resolvers: dict[str, Callable[..., Any]] = {
            "corpus": self._corpus,
            "recipe": lambda: self.recipe,
            "model": self._model,
        }
        for name, resolver in resolvers.items():
            OmegaConf.register_new_resolver(name, resolver, replace=True)

    @property
    def recipe(self) -> str:
        """The name of the recipe: the environment, or "embedded" where none was chosen."""
        return EMBEDDED if self.env in (None, "", "base", "local") else str(self.env)

    def _corpus(self, key: str) -> str:
        corpus = self["parameters"]["corpus"]
        return corpus_name(corpus) if key == "name" else str(corpus[key])

    def _model(self, slot: str) -> Any:
        return OmegaConf.create({**self["models"][slot], "slot": slot})


def corpus_name(corpus: dict[str, Any]) -> str:
    """The name that a corpus has in data paths: `corpus.name`, or its folder's name."""
    name = corpus.get("name") or Path(corpus["folder"]).resolve().name
    return re.sub(r"[^\w.-]+", "-", str(name)).strip("-.") or "corpus"
