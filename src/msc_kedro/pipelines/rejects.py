"""Bad media is data: what a stage could not use, and why."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from msc_kedro.errors import MscKedroError

if TYPE_CHECKING:
    import pandas as pd

Reject = tuple[str, str, str]  # item id, stage, reason
_TOLD = 5  # reasons that a message names


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
    told = [f"  {item}: {reason}" for item, _, reason in rejects[:_TOLD]]
    if len(rejects) > _TOLD:
        told.append(f"  and {len(rejects) - _TOLD} more")
    if len(rejects) < of:
        told.append(
            f"That is more than the share of {share:.0%} that corpus.max_rejected_share allows. "
            "Mend or remove them, or go on without them: "
            f"kedro run --params corpus.max_rejected_share={_enough(len(rejects) / of)}"
        )
    else:
        told.append("Not one is left to go on with: mend them, or add others.")
    raise MscKedroError("\n".join([f"{len(rejects)} of {of} {what} cannot be used:", *told]))


def _enough(share: float) -> str:
    """The least share in whole hundredths that allows this one."""
    return f"{math.ceil(share * 100) / 100:g}"
