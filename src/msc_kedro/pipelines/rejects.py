"""Bad media is data: what a stage could not use, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msc_kedro.errors import MscKedroError

if TYPE_CHECKING:
    import pandas as pd

Reject = tuple[str, str, str]  # item id, stage, reason


def rejects_table(rejects: list[Reject]) -> pd.DataFrame:
    """The `rejects` table of a stage."""
    import pandas as pd

    return pd.DataFrame(rejects, columns=["item_id", "stage", "reason"], dtype=str)


def refuse_if_too_many(rejects: list[Reject], *, of: int, share: float, what: str) -> None:
    """Stop when more than `share` of the items of a stage were rejected, or all of them.

    Raises:
        MscKedroError: with the first reasons, and the parameter that sets the limit.
    """
    if not of or (len(rejects) < of and len(rejects) / of <= share):
        return
    limit = f"more than the share of {share:.0%} that corpus.max_rejected_share allows"
    reasons = "\n".join(f"  {item}: {reason}" for item, _, reason in rejects[:5])
    raise MscKedroError(
        f"{len(rejects)} of {of} {what} cannot be used"
        f"{', ' + limit if len(rejects) < of else ''}:\n{reasons}"
    )
