"""Every way a call can go, live: Asterisk tells and logs the same as when it was recorded.

The ways are played side by side on some PBXs before the first test; each test looks at one of them.
`pytest tests/lab/test_every_way.py -k parked` plays only those.
"""

import asyncio
from collections.abc import Mapping
from pathlib import Path

import pytest
from lab.errors import LabError
from lab.root import Servers
from lab.ways import WAYS, Played, play_all
from lab.ways.table import significant, verbs

RECORDED = Path(__file__).parents[1] / "recorded" / "ways"
JOINED_BY_HANGING_UP = ("keys_attended_to_agent", "keys_attended_ringing", "attended_by_ami")
"""Where app_queue sometimes sees that the agent hung up before it sees the transfer (races/)."""

pytestmark = [pytest.mark.lab, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def played(request: pytest.FixtureRequest, lab_servers: Servers) -> Mapping[str, Played | LabError]:
    """How each way went that a selected test asks for."""
    wanted = [
        item.callspec.params["way"]
        for item in request.session.items
        if isinstance(item, pytest.Function) and item.path == request.path
    ]
    went: dict[str, Played | LabError] = {}
    asyncio.run(play_all(lab_servers, wanted, went.__setitem__, went.__setitem__))
    return went


@pytest.mark.parametrize("way", WAYS)
def test_way(way: str, played: Mapping[str, Played | LabError]) -> None:
    live = played[way]
    if isinstance(live, LabError):
        raise live
    logged = (RECORDED / f"{way}.queue_log").read_text()
    assert log_of(way, "\n".join(live.queue_log)) == log_of(way, logged)
    assert significant(live.stream) == significant((RECORDED / f"{way}.ami").read_bytes())


def log_of(way: str, rows: str) -> set[str]:
    """What was logged, but for a race."""
    logged = set(verbs(rows))
    if way in JOINED_BY_HANGING_UP and "COMPLETEAGENT" in logged:
        logged = logged - {"COMPLETEAGENT"} | {"ATTENDEDTRANSFER"}
    return logged
