"""A repository of the model hub as an entry of models.yml: one commit, a sha256 of every file."""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msc_kedro.errors import MscKedroError
from msc_kedro.execution.files import whole_file
from msc_kedro.models.access import NeedsAccess
from msc_kedro.models.checksums import sha256_of
from msc_kedro.models.sources import one_line, refused_by_hub
from msc_kedro.models.spec import ModelSpec, read_specs

if TYPE_CHECKING:
    from huggingface_hub import HfApi
    from huggingface_hub.hf_api import RepoSibling

# What transformers reads of a checkpoint: no pickles, no code, no second copy of the weights.
WANTED = (
    *("config.json", "generation_config.json", "preprocessor_config.json", "chat_template*"),
    *("tokenizer*", "special_tokens_map.json", "added_tokens.json", "vocab.*", "merges.txt"),
    *("model*.safetensors", "model.safetensors.index.json"),
)

Download = Callable[..., str]


def pin(
    repo: str,
    *,
    slot: str,
    used_for: str,
    revision: str = "main",
    only: Sequence[str] = (),
    prepare: str | None = None,
    hub: HfApi | None = None,
    download: Download | None = None,
) -> ModelSpec:
    """Asks the hub what a repository holds.

    The sha256 of large files are those that the hub stores them under; small ones are fetched and
    hashed. From then on other bytes are refused.

    Args:
        repo: `owner/name`.
        slot: of models.yml.
        used_for: one line for people.
        revision: a branch, tag or commit; the entry names the commit.
        only: patterns of file names, in place of what transformers reads.
        prepare: a dotted name of a step after fetching, see `Preparation`.
        hub: asked; a test gives its own.
        download: `hf_hub_download`.

    Raises:
        MscKedroError: the hub cannot be asked, has no such repository, or no such files are in it.
    """
    from huggingface_hub import HfApi, get_token, hf_hub_download
    from huggingface_hub.utils import HfHubHTTPError

    hub, download = hub or HfApi(), download or hf_hub_download
    try:
        found = hub.model_info(repo, revision=revision, files_metadata=True)
        chosen = _chosen(repo, found.siblings or [], only)
        files = {
            one.rfilename: _fact(one, lambda name: download(repo, name, revision=found.sha))
            for one in chosen
        }
    except (OSError, ValueError, HfHubHTTPError) as error:
        if refused_by_hub(error):
            raise NeedsAccess(
                ((slot, repo),),
                with_token=get_token() is not None,
                again=f"kedro models pin {repo} (with --slot and --env)",
            ) from error
        raise MscKedroError(f"The model hub did not tell of {repo}: {one_line(error)}") from error
    licence = getattr(found.card_data, "license", None) if found.card_data else None
    entry: dict[str, Any] = {
        "title": repo,
        "licence": str(licence or "not stated: see its page"),
        "used_for": used_for,
        "files": files,
        "sources": [{"repo": repo, "revision": found.sha, "files": {name: name for name in files}}],
    }
    if prepare:
        entry["prepare"] = {"function": prepare}
    return read_specs({slot: entry})[slot]


def add_entry(path: Path, spec: ModelSpec) -> None:
    """Writes a model at the end of a models.yml; what stands there stays as it is.

    Raises:
        MscKedroError: the file has that slot already.
    """
    import yaml

    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    if spec.slot in (yaml.safe_load(text) or {}):
        raise MscKedroError(
            f"{path} has a model {spec.slot} already. Take it out there, and run this again."
        )
    entry = spec.model_dump(mode="json", exclude={"slot"}, exclude_defaults=True)
    made = yaml.safe_dump({spec.slot: entry}, sort_keys=False, allow_unicode=True, width=100)
    with whole_file(path) as temporary:
        temporary.write_text(f"{text.rstrip()}\n\n{made}".lstrip(), encoding="utf-8")


def _chosen(repo: str, there: Sequence[RepoSibling], only: Sequence[str]) -> list[RepoSibling]:
    wanted = tuple(only) or WANTED
    chosen = [one for one in there if any(fnmatch.fnmatch(one.rfilename, p) for p in wanted)]
    if not only:
        chosen = [one for one in chosen if "/" not in one.rfilename]
    if not chosen or not (only or any(one.rfilename.endswith(".safetensors") for one in chosen)):
        names = ", ".join(sorted(one.rfilename for one in there))
        raise MscKedroError(
            f"{repo} holds no {' or '.join(only) if only else 'safetensors'}. It holds {names}. "
            "Choose with --only PATTERN, which may be given several times."
        )
    return chosen


def _fact(one: RepoSibling, fetch: Callable[[str], str]) -> dict[str, str | int]:
    if one.lfs is not None:
        return {"sha256": one.lfs.sha256, "size": one.lfs.size}
    path = Path(fetch(one.rfilename))
    return {"sha256": sha256_of(path), "size": path.stat().st_size}
