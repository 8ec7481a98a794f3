"""What a user is told of models that the hub gives only to those who have accepted their terms."""

from __future__ import annotations

from collections.abc import Sequence

from msc_kedro.errors import MscKedroError

TOKEN_VARIABLE = "HF_TOKEN"
_HUB = "https://huggingface.co"


class NeedsAccess(MscKedroError):
    """Models whose pages have terms to accept, each as (slot, repository).

    `again` is the command to run once more; by default the one that fetches them.
    """

    def __init__(
        self, models: Sequence[tuple[str, str]], *, with_token: bool, again: str | None = None
    ) -> None:
        self.models = tuple(models)
        self.with_token = with_token
        slots = " ".join(dict.fromkeys(slot for slot, _ in models))
        repos = list(dict.fromkeys(repo for _, repo in models))
        again = again or f"kedro models fetch {slots} (with --env and your recipe)"
        token = (
            f"2. A token was sent, but it is not let in: it must be of the account that accepted, "
            f"and may read gated repositories ({_HUB}/settings/tokens). Set {TOKEN_VARIABLE} to it."
            if with_token
            else f"2. Make a token that may read ({_HUB}/settings/tokens), and set "
            f"{TOKEN_VARIABLE} to it."
        )
        super().__init__(
            "\n".join(
                [
                    f"The model hub did not let you have {', '.join(repos)}.",
                    "1. Sign in and accept the terms, where you have not done so, on",
                    *(f"   {_HUB}/{repo}" for repo in repos),
                    token,
                    f"3. Run again: {again}",
                ]
            )
        )


def needs_access(several: Sequence[NeedsAccess]) -> NeedsAccess:
    """The same of several models, as one message."""
    return NeedsAccess(
        [model for one in several for model in one.models],
        with_token=any(one.with_token for one in several),
    )
