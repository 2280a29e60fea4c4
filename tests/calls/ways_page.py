"""Makes docs/calls.md from the recorded ways and what must come of them.

.venv/bin/python tests/calls/ways_page.py     writes it anew
"""

import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(ROOT / "tests" / "calls")]

from ways_expected import WAYS

PAGE = ROOT / "docs" / "calls.md"
RECORDED = ROOT / "tests" / "recorded" / "ways"

HEAD = """\
# Every way a call can go

For each way that a call can take through a PBX with queues: what happens, what is stored, and what
Asterisk wrote into its queue_log. Each row was played with real SIP phones on Asterisk 22 by the lab
(`deploy/lab/ways`); `tests/lab/test_every_way.py` plays it again on a running Asterisk and
`tests/calls/test_ways.py` runs the recorded stream through the call machine. This page is made from the
same list: `.venv/bin/python tests/calls/ways_page.py`.

Read *what is stored* so: direction and outcome of the interaction; the queues it visited and how each
visit ended; whose phones rang for it; and its segments, the agents who talked, each with who ended the
talk. *1002 (no queue)* is a phone that rang without a queue. A call with no line was nobody's contact
(between agents), or was refused by a queue before it could join; see the last section.

| way | what happens | what is stored | queue_log |
|---|---|---|---|
"""

TAIL = """
## Callbacks

A callback waits in its queue as a placeholder and is an interaction of its own, outbound and of channel
*callback*: its wait ends when an agent takes it, that agent's phone counts as ringing until the customer
answers, and the talk begins then. *withdrawn* is a placeholder that was taken out of the queue. In
queue_log the talk begins with the agent (CONNECT); see [callbacks.md](callbacks.md).

## Calls of campaigns

A call that a campaign dialled is an interaction from the moment in which it enters a queue, or is joined with the agent who had it
called (preview: in no queue): outbound, with the
number that was called as the customer's, and the caller id that was shown as ours. It begins when dialling
began. What never entered a queue (no answer, busy, a machine, nobody in time) is an attempt and no interaction:
`report.attempt` has it. The two are linked by the attempt's id, which is in the unique id of the channel;
`report.interaction` shows campaign and attempt, `report.attempt` the interaction.

Asterisk writes ABANDON for every such call that leaves a queue without an agent, and we store *abandoned*, so
that both go on to agree. Whether the party gave up, or was dropped since its time was over, is known of the
attempt: `report.interaction` says *dropped* then.

## What is not stored

- Calls between agents that no queue and no customer is part of.
- Callers whom a queue refuses at the door (`joinempty`, `maxlen`): Asterisk tells of them without naming
  the queue, and only when the dialplan goes on. They are in queue_log neither.
- The outside party of a call that an agent transferred outside has no segment: no agent talks.

A phone is an agent's when its interface is a member of a queue, now or at any time since the daemon
first saw it.
"""


def descriptions() -> dict[str, str]:
    """What happens in each way, from the page beside the recordings."""
    found = {}
    for line in (RECORDED / "README.md").read_text().splitlines():
        cells = [cell.strip() for cell in line.split("|")]
        if len(cells) > 3 and cells[1] in WAYS:
            found[cells[1]] = cells[2]
    return found


def stored(way: str) -> str:
    """The expectation in words for a table."""
    text = []
    for line in WAYS[way]:
        label, colon, rest = line.strip().partition(": ")
        if not line.startswith(" "):
            text.append(f"**{line}**")
        elif colon:
            words = rest.replace("@0 ", " (no queue) ")
            for number in range(1, 9):
                words = words.replace(f"@{number} ", " ")
            text.append(f"{label}: {words.replace('_', ' ')}")
    return "<br>".join(text) or "nothing"


def logged(way: str) -> str:
    """The verbs of queue_log, in order, without those of members."""
    rows = (RECORDED / f"{way}.queue_log").read_text().splitlines()
    verbs = [row.split("|")[4] for row in rows if row.split("|")[1] not in ("MANAGER", "NONE")]
    return ", ".join(verbs)


def page() -> str:
    """The whole page."""
    told = descriptions()
    rows = [
        f"| {way} | {told[way]} | {stored(way)} | {logged(way)} |" for way in told if way in WAYS
    ]
    return HEAD + "\n".join(rows) + "\n" + TAIL


if __name__ == "__main__":
    PAGE.write_text(page())
