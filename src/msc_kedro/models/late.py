"""Models of parts that are off by default: fetched when they are opened, not before."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from msc_kedro.models.cache import ensure
from msc_kedro.models.opener import Opener
from msc_kedro.models.spec import ModelSpec


def late_opener(
    opens: str, specs: Mapping[str, ModelSpec], options: Mapping[str, Any], *, fingerprint: str
) -> Opener:
    """An opener that brings its models to the cache first."""
    models = {argument: spec.model_dump(mode="json") for argument, spec in specs.items()}
    told = {"opens": opens, "models": json.dumps(models), "arguments": json.dumps(dict(options))}
    return Opener.of("msc_kedro.models.late.opened", {}, told, fingerprint=fingerprint)


def opened(*, opens: str, models: str, arguments: str) -> Any:
    """What `late_opener` stands for.

    Raises:
        MscKedroError: a model is neither cached nor to be had from any of its sources.
    """
    specs = {name: ModelSpec.model_validate(one) for name, one in json.loads(models).items()}
    folders = {argument: str(ensure(spec)) for argument, spec in specs.items()}
    fingerprint = "+".join(spec.fingerprint for spec in specs.values())
    return Opener.of(opens, folders, json.loads(arguments), fingerprint=fingerprint).open()
