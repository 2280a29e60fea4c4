"""Where an operator's own profiles are: the same for all campaigns of a process, said at its start.

Apart from ``profile_sets``, so that whoever says it need not load what reads them.
"""

from dataclasses import dataclass
from pathlib import Path


@dataclass
class OwnProfiles:
    """``directory``: None when there are none."""

    directory: Path | None = None


OWN = OwnProfiles()
"""Of this process: what ``[dialing] profiles`` says."""
