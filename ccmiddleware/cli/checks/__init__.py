"""What ``ccm doctor`` looks at. Each check says what was found and how to mend it.

Checks only look: they place no call, record nothing and change nothing that stays. Each returns
its findings and raises nothing but bugs.
"""

from dataclasses import dataclass
from typing import Literal

Verdict = Literal["ok", "note", "warning", "failed"]
"""``note`` is worth knowing; ``warning`` works, but not well; ``failed`` must be mended."""


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at. ``mend`` says what to do, in words that can be followed."""

    subject: str
    verdict: Verdict
    found: str
    mend: str = ""
