"""The recorded ways are fed to the call machine by its own tests."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "calls"))
