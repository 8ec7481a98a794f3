"""Kedro's settings: which session, which configuration, which hooks."""

from msc_kedro.configuration import ProjectConfig
from msc_kedro.descent import DescentHooks
from msc_kedro.hooks import ProgressHooks, ReportHooks
from msc_kedro.session import ProjectSession

CONFIG_LOADER_CLASS = ProjectConfig
CONFIG_LOADER_ARGS = {
    "base_env": "base",
    "default_run_env": "local",
    "merge_strategy": {"parameters": "soft"},  # a recipe holds only what differs
    "config_patterns": {"models": ["models*.yml"]},
}
SESSION_CLASS = ProjectSession
HOOKS = (DescentHooks(), ProgressHooks(), ReportHooks())
