"""Every way a call can go, as a real Asterisk sent it, and what the machine makes of it.

tests/recorded/ways holds the streams; its README tells what happens in each. Here stands what must
come of them, reviewed by hand: for each interaction its direction and outcome, its visits, whom it
rang and who talked. ``1002@0`` is an offer without a queue.
"""

from collections.abc import Iterable
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from test_machine import Told
from test_recorded_calls import events_of
from ways_expected import WAYS
from ways_page import PAGE, descriptions, page

from ccmiddleware.calls.machine import CallMachine
from ccmiddleware.facts import Interaction, Offer, QueueVisit, Segment
from ccmiddleware.pbx.events import Event

WAYS_DIR = Path(__file__).parents[1] / "recorded" / "ways"
MEMBERS = {"1001": "Alice Arnold", "1002": "Jörg Müller", "1003": "Chen Wei", "1004": "Dana Diaz"}


def told_of(way: str, node: str = "pbx") -> Told:
    return told_by(events_of(WAYS_DIR / f"{way}.ami"), node)


def told_by(stream: Iterable[Event], node: str = "pbx") -> Told:
    told = Told(CallMachine(node))
    told.machine.status_seen = True
    for number, name in MEMBERS.items():
        # As the list of queues tells before the first call.
        told.machine.members_by_phone[f"PJSIP/{number}"] = f"PJSIP/{number}"
        told.machine.member_names[f"PJSIP/{number}"] = name
    events = list(stream)
    for event in events:
        told.facts += told.machine.step(event, event.at)
        told.facts += told.machine.tick(event.at)
    last = max(event.at for event in events)
    for seconds in range(1, 80):
        told.facts += told.machine.tick(last + timedelta(seconds=seconds))
    return told


def summary(told: Told) -> list[str]:
    lines = []
    for row in told.rows(Interaction):
        mark = " (inferred)" if row.inferred else ""
        visits = [v for v in told.rows(QueueVisit) if v.interaction_id == row.id]
        offers = [o for o in told.rows(Offer) if o.interaction_id == row.id]
        segments = [s for s in told.rows(Segment) if s.interaction_id == row.id]
        lines.append(f"{row.direction} {row.outcome}{mark}")
        lines.append("  queues: " + ", ".join(f"{v.queue} {v.outcome}" for v in visits))
        lines.append(
            "  rang: "
            + ", ".join(f"{o.interface.split('/')[1]}@{o.visit} {o.outcome}" for o in offers)
        )
        lines.append(
            "  talked: "
            + ", ".join(
                f"{s.interface.split('/')[1]} {s.ended_by}" + (" held" if s.hold_seconds else "")
                for s in segments
            )
        )
    return [line.rstrip() for line in lines]


@pytest.mark.parametrize("way", sorted(WAYS))
def test_way(way: str) -> None:
    told = told_of(way)
    assert summary(told) == list(WAYS[way])
    told.history()
    machine = told.machine
    assert (machine.by_id, machine.by_uniqueid, machine.talks) == ({}, {}, {})
    assert (machine.ended, machine.due) == ({}, {})
    assert machine.topology.channels == {}
    assert (machine.asked_to_end, machine.transferred) == (set(), set())


@pytest.mark.parametrize("way", sorted(WAYS))
def test_times_of_a_way_are_in_order(way: str) -> None:
    told = told_of(way)
    for row in told.rows(Interaction):
        assert row.ended_at is not None
        visits = [v for v in told.rows(QueueVisit) if v.interaction_id == row.id]
        for visit in visits:
            assert visit.left_at is not None
            assert row.started_at <= visit.joined_at <= visit.left_at <= row.ended_at
        for earlier, later in pairwise(visits):
            assert earlier.left_at is not None
            assert earlier.left_at <= later.joined_at
        for segment in told.rows(Segment):
            if segment.interaction_id == row.id:
                assert segment.ended_at is not None
                assert segment.answered_at <= segment.ended_at <= row.ended_at
                length = (segment.ended_at - segment.answered_at).total_seconds()
                assert 0 <= segment.hold_seconds <= length


def test_every_recorded_way_has_its_expectation() -> None:
    assert sorted(path.stem for path in WAYS_DIR.glob("*.ami")) == sorted(WAYS)


def test_the_page_shows_what_is_tested() -> None:
    assert len(descriptions()) == len(WAYS)
    assert PAGE.read_text() == page(), "run: .venv/bin/python tests/calls/ways_page.py"
