"""From a folder of conversation videos to an agent that hears, sees, answers and speaks.

Importing this package loads nothing heavy: no torch, no transformers (a test says so).
"""

from msc_kedro._environment import set_defaults
from msc_kedro._torchaudio import install_torchaudio_finder

__version__ = "0.1.0"

set_defaults()
install_torchaudio_finder()
