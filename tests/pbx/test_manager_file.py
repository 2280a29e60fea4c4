"""``asterisk/manager/ccm.conf``: what Asterisk is asked to keep from us is nothing that we use."""

import re
from pathlib import Path

from ccmiddleware.pbx.events import TYPES

FILE = Path(__file__).parents[2] / "asterisk" / "manager" / "ccm.conf"


def test_no_event_that_is_used_is_filtered_out() -> None:
    lines = [line for line in FILE.read_text().splitlines() if line.startswith("eventfilter")]
    names = [
        re.fullmatch(r"eventfilter\(action\(exclude\),name\((\w+)\)\) =", line) for line in lines
    ]
    excluded = {found[1] for found in names if found}
    assert len(excluded) == len(lines)
    assert "Newexten" in excluded
    assert excluded.isdisjoint(TYPES)
