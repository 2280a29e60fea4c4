"""The machine on what real Asterisks sent: tests/recorded has a stream for each kind of call."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from test_machine import Told

from ccmiddleware.agents.presence import Presence
from ccmiddleware.facts import AgentState, Interaction, Offer, QueueVisit, Segment
from ccmiddleware.pbx import frames
from ccmiddleware.pbx.events import Event

RECORDED = Path(__file__).parents[1] / "recorded"
READ_AT = datetime(2026, 1, 1, tzinfo=UTC)

VERSIONS = {"22": RECORDED, "16": RECORDED / "asterisk16"}

# What each stream must leave: outcome of the interaction, (queue, outcome) of its visits,
# (member, outcome) of its offers, (member, who ended it) of its segments.
KINDS: dict[str, tuple[str, str, str, str]] = {
    "abandoned": (
        "abandoned",
        "support abandoned",
        "1001 ring_no_answer, 1002 caller_gone",
        "",
    ),
    "abandoned_before_answer": ("abandoned", "cold abandoned", "1003 caller_gone", ""),
    "answered_agent_hangs_up": ("answered", "support answered", "1001 answered", "1001 agent"),
    "answered_caller_hangs_up": ("answered", "support answered", "1001 answered", "1001 caller"),
    "declined": (
        "answered",
        "support answered",
        "1001 ring_no_answer, 1002 answered",
        "1002 agent",
    ),
    "held": ("answered", "support answered", "1001 answered", "1001 agent"),
    "hostile_name": ("abandoned", "support abandoned", "1001 ring_no_answer", ""),
    "left_by_key": ("left_by_key", "support left_by_key", "1001 caller_gone", ""),
    "quoted_name": ("answered", "support answered", "1001 answered", "1001 agent"),
    "recorded": ("answered", "support answered", "1001 answered", "1001 agent"),
    "ring_no_answer": (
        "answered",
        "support answered",
        "1001 ring_no_answer, 1002 answered",
        "1002 agent",
    ),
    "second_queue": (
        "answered",
        "sales timed_out, support answered",
        "1003 ring_no_answer, 1001 answered",
        "1001 agent",
    ),
    "timed_out": ("timed_out", "sales timed_out", "1003 ring_no_answer", ""),
}


def events_of(path: Path) -> Iterator[Event]:
    return events_in(path.read_bytes())


def events_in(stream: bytes) -> Iterator[Event]:
    reader = frames.EventReader()
    read_at = READ_AT
    for frame in stream.split(b"\r\n\r\n"):
        name = frames.event_name(frame)
        if frame.startswith(frames.EVENT) and frames.is_wanted(name, frame):
            event = reader.read(name, frame, read_at)
            read_at = max(read_at, event.at)
            yield event


def told_of(version: str, kind: str) -> Told:
    told = Told()
    told.machine.status_seen = True
    events = list(events_of(VERSIONS[version] / f"{kind}.ami"))
    told.after(events)
    end = max(event.at for event in events) + timedelta(minutes=1)
    told.facts += told.machine.tick(end)
    return told


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("kind", KINDS)
def test_recorded_call(version: str, kind: str) -> None:
    told = told_of(version, kind)
    outcome, visits, offers, segments = KINDS[kind]
    interaction = told.row(Interaction)
    assert (interaction.state, interaction.outcome) == ("ended", outcome)
    assert ", ".join(f"{v.queue} {v.outcome}" for v in told.rows(QueueVisit)) == visits
    assert ", ".join(f"{o.interface[6:]} {o.outcome}" for o in told.rows(Offer)) == offers
    assert ", ".join(f"{s.interface[6:]} {s.ended_by}" for s in told.rows(Segment)) == segments
    assert interaction.did.startswith("1202555010")
    assert interaction.caller_num == "12025550199"
    rows = [interaction, *told.rows(QueueVisit), *told.rows(Segment)]
    assert not any(row.inferred for row in rows)
    told.history()
    assert not told.machine.by_id
    assert not told.machine.by_uniqueid
    assert not told.machine.talks


@pytest.mark.parametrize("version", VERSIONS)
def test_hold_is_measured_between_its_two_events(version: str) -> None:
    assert 0.9 < told_of(version, "held").row(Segment).hold_seconds < 1.5


@pytest.mark.parametrize("version", VERSIONS)
def test_a_hostile_name_is_plain_text_and_does_nothing(version: str) -> None:
    name = told_of(version, "hostile_name").row(Interaction).caller_name
    assert name.startswith("O'Hara\ufffd\ufffdEvent: Hangup\ufffd\ufffd")
    assert "\r" not in name
    assert "\n" not in name


@pytest.mark.parametrize("version", VERSIONS)
def test_a_name_arrives_as_the_caller_wrote_it(version: str) -> None:
    assert told_of(version, "answered_agent_hangs_up").row(Interaction).caller_name == (
        "Zoë Ångström"
    )
    assert "O'Hara" in told_of(version, "quoted_name").row(Interaction).caller_name


@pytest.mark.parametrize("version", VERSIONS)
def test_two_callers_are_two_interactions(version: str) -> None:
    told = told_of(version, "two_callers")
    outcomes = {row.caller_num: row.outcome for row in told.rows(Interaction)}
    assert outcomes["12025550180"] == "answered"
    assert len(outcomes) == 2


@pytest.mark.parametrize("version", VERSIONS)
def test_a_call_that_an_agent_dials_is_no_queue_call(version: str) -> None:
    assert told_of(version, "agent_dials_out").facts == []


@pytest.mark.parametrize("version", VERSIONS)
def test_a_resync_in_the_middle_of_calls_changes_nothing(version: str) -> None:
    """Asterisk's lists stand in the stream while two calls are on; taken in, they agree."""
    undisturbed = told_of(version, "resync_while_calls_are_on")
    events = list(events_of(VERSIONS[version] / "resync_while_calls_are_on.ami"))
    told = Told()
    told.machine.status_seen = True
    first_entry = next(n for n, one in enumerate(events) if one.NAME == "QueueParams")
    told.after(events[:first_entry])
    told.machine.miss(events[first_entry].at)
    told.after(events[first_entry:])
    for kind in (Interaction, QueueVisit, Segment):
        assert told.rows(kind) == undisturbed.rows(kind)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("kind", sorted(KINDS.keys() - {"hostile_name"}))
def test_agents_end_up_idle_and_no_moment_is_lost(version: str, kind: str) -> None:
    told = Told()
    presence = Presence("pbx")
    intervals: dict[tuple[str, datetime], AgentState] = {}
    end = READ_AT
    for event in events_of(VERSIONS[version] / f"{kind}.ami"):
        end = max(end, event.at)
        facts = told.machine.step(event, event.at)
        for fact in [*presence.observe(facts), *presence.step(event)]:
            if isinstance(fact, AgentState):
                intervals[fact.interface, fact.started_at] = fact
    facts = presence.observe(told.machine.tick(end + timedelta(minutes=1)))
    assert [fact for fact in facts if isinstance(fact, AgentState)] == []
    by_agent: dict[str, list[AgentState]] = {}
    for (interface, _), row in sorted(intervals.items()):
        by_agent.setdefault(interface, []).append(row)
    assert by_agent
    for rows in by_agent.values():
        ends = [row.ended_at for row in rows]
        assert ends[:-1] == [row.started_at for row in rows[1:]]
        assert (rows[-1].state, ends[-1]) == ("idle", None)
