"""Every way a call can go, live: what Asterisk tells and logs, and what our machine makes of it.

The ways are played side by side on some PBXs before the first test; each test looks at one of them.
Asterisk has races (tests/recorded/ways/races), and a busy machine more of them: a way that went
another way than recorded is played again, twice at most, and must then go as recorded.
`pytest tests/lab/test_every_way.py -k parked` plays only those.
"""

import asyncio
from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest
from lab.errors import LabError
from lab.root import Servers
from lab.ways import WAYS, Played, play_all
from lab.ways.table import significant, verbs
from test_recorded_calls import events_in
from test_ways import summary, told_by
from ways_expected import WAYS as EXPECTED

RECORDED = Path(__file__).parents[1] / "recorded" / "ways"
JOINED_BY_HANGING_UP = ("keys_attended_to_agent", "keys_attended_ringing", "attended_by_ami")
"""Where app_queue sometimes sees that the agent hung up before it sees the transfer (races/)."""
PLAYS = 3

pytestmark = [pytest.mark.lab, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def differences(request: pytest.FixtureRequest, lab_servers: Servers) -> Mapping[str, str]:
    """What was not as recorded, in words, for each way that a selected test asks for."""
    wanted = [
        item.callspec.params["way"]
        for item in request.session.items
        if isinstance(item, pytest.Function) and item.path == request.path
    ]
    found: dict[str, str] = dict.fromkeys(wanted, "not played")

    def well(way: str, played: Played) -> None:
        found[way] = difference(way, played)

    def ill(way: str, error: LabError) -> None:
        found[way] = str(error)

    for _ in range(PLAYS):
        asyncio.run(play_all(lab_servers, [way for way in found if found[way]], well, ill))
        if not any(found.values()):
            break
    return found


@pytest.mark.parametrize("way", WAYS)
def test_way(way: str, differences: Mapping[str, str]) -> None:
    assert differences[way] == ""


def difference(way: str, played: Played) -> str:
    """Where a play differs from the recording, or our rows from what is expected; "" if nowhere."""
    pairs = {
        "queue_log": (
            log_of(way, "\n".join(played.queue_log)),
            log_of(way, (RECORDED / f"{way}.queue_log").read_text()),
        ),
        "events": (
            calls_only(significant(played.stream)),
            calls_only(significant((RECORDED / f"{way}.ami").read_bytes())),
        ),
        "rows": (
            in_any_order(summary(told_by(events_in(played.stream)))),
            in_any_order(EXPECTED[way]),
        ),
    }
    return "; ".join(
        f"{what}: {live}, recorded: {recorded}"
        for what, (live, recorded) in pairs.items()
        if live != recorded
    )


def calls_only(events: Iterable[str]) -> set[str]:
    """Without events that tell of members, which the next way's preparations send as well."""
    return {event for event in events if not event.startswith("QueueMember")}


def in_any_order(lines: Iterable[str]) -> list[str]:
    """The lines of a summary; phones that ring together ring in any order."""
    found = []
    for line in lines:
        label, colon, phones = line.partition("rang: ")
        found.append(label + colon + ", ".join(sorted(phones.split(", "))) if colon else line)
    return found


def log_of(way: str, rows: str) -> set[str]:
    """What was logged, but for a race."""
    logged = set(verbs(rows))
    if way in JOINED_BY_HANGING_UP and "COMPLETEAGENT" in logged:
        logged = logged - {"COMPLETEAGENT"} | {"ATTENDEDTRANSFER"}
    return logged
