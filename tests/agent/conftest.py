"""The toy agent's fixtures."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from toy_agent import language_folder, make_agent  # noqa: F401
