"""Models as catalog entries: they load to an opener, cheap and picklable."""

from __future__ import annotations

from typing import Any

from kedro.io.core import AbstractDataset
from kedro_datasets._typing import TablePreview

from msc_kedro.datasets.previews import table_preview
from msc_kedro.models import ModelSpec, ensure, receipt
from msc_kedro.models.opener import Opener


class ModelDataset(AbstractDataset[Any, Opener]):
    """A model of the recipe. Loading brings its files to the user's cache if they are not there.

    Args:
        opens: dotted name of the class that takes the folders and does the work.
        models: argument name to model source, as in conf/<recipe>/models.yml.
        packaged: sources of models that the class finds inside its own package: they are checked
            and named, not handed over.
        options: further keyword arguments of the class.
        metadata: for kedro-viz.
    """

    def __init__(
        self,
        *,
        opens: str,
        models: dict[str, dict[str, Any]],
        packaged: list[dict[str, Any]] | None = None,
        options: dict[str, Any] | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        self._opens = opens
        self._specs = {argument: ModelSpec.model_validate(m) for argument, m in models.items()}
        self._packaged = [ModelSpec.model_validate(model) for model in packaged or []]
        self._options = options or {}
        self.metadata = metadata

    def load(self) -> Opener:
        """The opener; `opener.open()` loads the weights, once per process.

        An optional model is not fetched before it is opened.

        Raises:
            MscKedroError: a model is neither cached nor to be had from any of its sources.
        """
        fingerprint = "+".join(spec.fingerprint for spec in self._all)
        for spec in self._packaged:
            ensure(spec)
        late = any(spec.optional for spec in self._specs.values())
        folders = {} if late else {name: str(ensure(spec)) for name, spec in self._specs.items()}
        return Opener.of(
            *(self._opens, folders, self._options),
            fingerprint=fingerprint,
            late=self._specs if late else None,
        )

    @property
    def _all(self) -> list[ModelSpec]:
        return [*self._specs.values(), *self._packaged]

    def uses(self) -> list[tuple[str, str, str, str]]:
        """Slot, title, source and licence of each model; the source is the one it came from."""
        told = []
        for spec in self._all:
            kept = receipt(spec)
            source = kept.source if kept else spec.revision
            told.append((spec.slot, spec.title, source, spec.licence))
        return told

    def preview(self) -> TablePreview:
        """Its models, each with source and revision, for kedro-viz; nothing is fetched for it."""
        rows = [
            (*use, f"{spec.size / 1e6:.1f} MB", spec.fingerprint)
            for use, spec in zip(self.uses(), self._all, strict=True)
        ]
        if not rows:  # its weights are the program's own, or the recipe has no use for it
            rows = [("", self._opens, "no model from elsewhere", "", "", "")]
        columns = ("slot", "model", "source and revision", "licence", "size", "fingerprint")
        return table_preview(columns, rows)

    def save(self, data: Any) -> None:
        """Refused: models come from their sources."""
        raise TypeError("models come from the sources in conf/<recipe>/models.yml")

    def _exists(self) -> bool:
        return True

    def _describe(self) -> dict[str, Any]:
        return {
            "opens": self._opens,
            "models": [f"{spec.title} @ {spec.revision}" for spec in self._all],
            "options": self._options,
        }
