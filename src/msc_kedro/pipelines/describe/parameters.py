"""Parameters of describe."""

from __future__ import annotations

from msc_kedro.pipelines.parameters import Parameters


class DescribeParameters(Parameters):
    """How descriptions are worded."""

    seed: int
