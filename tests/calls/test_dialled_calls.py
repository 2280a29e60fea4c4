"""Calls that a campaign dialled: known by their unique id alone, whoever saw what of them."""

from uuid import UUID

import pytest
from pbx_story import at
from test_machine import Told
from test_recorded_calls import events_of
from test_ways import WAYS_DIR, told_of
from ways_expected import WAYS

from ccmiddleware.calls.machine import CallMachine
from ccmiddleware.facts import AnyFact, Interaction, Offer, QueueVisit, Segment
from ccmiddleware.ids import attempt_of, dial_id, interaction_id, offer_id

ATTEMPT = UUID(int=7)
CHANNEL = dial_id(ATTEMPT, 1795824000)
DIALLED = f"Channel=PJSIP/trunk-00000009 Uniqueid={CHANNEL} Linkedid={CHANNEL}"
PARTY = f"{DIALLED} CallerIDNum=+12025550177"
LINE = "1795823000.1"
"""Linked id of the agent's open line, which is older than the call."""
HALF = f"Channel=Local/1001@agent-request-00000003;1 Uniqueid=1795824001.5 Linkedid={LINE}"

DIALLING = f"""
0.0 Newchannel {DIALLED} CallerIDNum=<unknown> Exten=s
0.0 DialBegin DestChannel=PJSIP/trunk-00000009 DestUniqueid={CHANNEL} DestCallerIDNum=+12025550100
"""
QUEUED = f"""
{DIALLING}
9.0 DialEnd DestChannel=PJSIP/trunk-00000009 DestUniqueid={CHANNEL} DialStatus=ANSWER
9.0 QueueCallerJoin {PARTY} ConnectedLineNum=+12025550100 CallerIDName=x Queue=spring Position=1
"""


def told() -> Told:
    machine = CallMachine("pbx")
    machine.status_seen = True
    for number in ("1001", "1002"):
        interface = f"Local/{number}@agent-request/n"
        machine.members_by_phone[interface] = interface
        machine.member_names[interface] = f"Agent {number}"
    return Told(machine)


def is_the_call(row: Interaction) -> None:
    assert row.id == interaction_id("pbx", CHANNEL)
    assert (row.direction, row.channel, row.caller_num) == ("outbound", "voice", "+12025550177")
    assert (row.linkedid, row.uniqueid, row.caller_name) == (CHANNEL, CHANNEL, "")
    assert attempt_of(row.linkedid) == ATTEMPT


def test_the_party_is_the_remote_side_and_what_was_shown_is_ours() -> None:
    row = told().after(QUEUED).row(Interaction)
    is_the_call(row)
    assert (row.did, row.started_at, row.inferred) == ("+12025550100", at(0), False)


@pytest.mark.parametrize("status", ["NOANSWER", "BUSY", "CONGESTION", "ANSWER"])
def test_what_came_to_no_queue_is_no_interaction(status: str) -> None:
    seen = told().after(f"""
        {DIALLING}
        5 DialEnd DestChannel=PJSIP/trunk-00000009 DestUniqueid={CHANNEL} DialStatus={status}
        9 Hangup {PARTY}
    """)
    assert seen.facts == []
    assert seen.machine.topology.channels == {}


def test_whose_time_was_over_in_the_queue_is_told_as_asterisk_does_and_ends_with_the_message() -> (
    None
):
    seen = told().after(f"""
        {QUEUED}
        11.0 QueueCallerAbandon {PARTY} Queue=spring
        11.0 QueueCallerLeave {PARTY} Queue=spring
    """)
    seen.wait(14)
    visit = seen.row(QueueVisit)
    assert (visit.outcome, visit.left_at, visit.inferred) == ("abandoned", at(11), False)
    assert seen.row(Interaction).state == "left"
    seen.after(f"25 Hangup {PARTY}")
    row = seen.row(Interaction)
    assert (row.outcome, row.ended_at, row.inferred) == ("abandoned", at(25), False)
    assert not seen.machine.by_id


def test_without_the_class_dialplan_that_is_a_guess() -> None:
    seen = told()
    seen.machine.status_seen = False
    seen.after(f"""
        {QUEUED}
        11.0 QueueCallerAbandon {PARTY} Queue=spring
        11.0 QueueCallerLeave {PARTY} Queue=spring
    """).wait(14)
    assert (seen.row(QueueVisit).outcome, seen.row(QueueVisit).inferred) == ("abandoned", True)


def test_a_queue_that_was_too_long_is_a_timeout() -> None:
    """Of somebody who asked for an agent by key, and waits as callers do."""
    seen = told().after(f"""
        {QUEUED}
        300 QueueCallerAbandon {PARTY} Queue=spring
        300 QueueCallerLeave {PARTY} Queue=spring
        300 VarSet {PARTY} Variable=QUEUESTATUS Value=TIMEOUT
        300 Hangup {PARTY}
    """)
    assert seen.row(Interaction).outcome == "timed_out"


def test_one_who_waits_when_we_come_is_taken_up() -> None:
    seen = told()
    seen.machine.miss(None)
    seen.after(f"""
        40 QueueEntry Uniqueid={CHANNEL} Queue=spring Position=1 Wait=25
        40 QueueStatusComplete
        40 CoreShowChannel {PARTY} Application=Queue
        40 CoreShowChannelsComplete
    """)
    is_the_call(seen.row(Interaction))
    assert seen.row(Interaction).inferred
    assert seen.row(QueueVisit).joined_at == at(15)


IN_A_TALK = f"""
40 QueueStatusComplete
40 CoreShowChannel {PARTY.replace(f"Linkedid={CHANNEL}", f"Linkedid={LINE}")} BridgeId=b1 \
 Application=Queue ApplicationData=spring,h,,,15 ConnectedLineNum=1001
40 CoreShowChannel {HALF} BridgeId=b1 Application=AppQueue
40 CoreShowChannelsComplete
""".replace("\\\n", "")


def test_one_who_talks_when_we_come_is_taken_up_by_its_own_id_not_by_the_agents() -> None:
    seen = told()
    seen.machine.miss(None)
    seen.after(IN_A_TALK)
    is_the_call(seen.row(Interaction))
    assert seen.row(Interaction).did == ""  # nothing tells it any more but the attempt
    segment = seen.row(Segment)
    assert (segment.interface, segment.member_name) == ("Local/1001@agent-request/n", "Agent 1001")
    seen.after(
        f"""
        60 AgentComplete {PARTY} DestChannel=Local/1001@agent-request-00000003;1 \
 DestUniqueid=1795824001.5 Interface=Local/1001@agent-request/n Queue=spring Reason=caller
        60 Hangup {PARTY}
    """.replace("\\\n", "")
    )
    assert (seen.row(Segment).ended_at, seen.row(Segment).ended_by) == (at(60), "caller")
    assert not seen.machine.by_id


def test_one_whose_talk_was_told_and_whose_joining_was_not() -> None:
    seen = told().after(
        f"10 AgentConnect {PARTY} ConnectedLineNum=1001 DestUniqueid=1795824001.5"
        " DestChannel=Local/1001@agent-request-00000003;1 Interface=Local/1001@agent-request/n"
        " Queue=spring HoldTime=1"
    )
    is_the_call(seen.row(Interaction))
    assert seen.row(Interaction).did == ""
    assert seen.row(QueueVisit).outcome == "answered"


def test_one_that_an_earlier_daemon_left_open_goes_on_as_the_same() -> None:
    first = told().after(QUEUED)
    rows: list[AnyFact] = [*first.rows(Interaction), *first.rows(QueueVisit), *first.rows(Offer)]
    seen = told()
    seen.machine.restore(rows)
    seen.machine.miss(at(9))
    seen.after(IN_A_TALK)
    row = seen.row(Interaction)
    is_the_call(row)
    assert (row.did, row.state) == ("+12025550100", "talking")
    assert seen.row(Segment).visit == 1


@pytest.mark.parametrize("way", [way for way in sorted(WAYS) if way.startswith("campaign_")])
def test_agents_who_do_nothing_but_campaigns_make_no_calls_of_their_own(way: str) -> None:
    """Their phones are members of no queue, and so nothing but a line."""
    seen = Told(CallMachine("pbx"))
    seen.machine.status_seen = True
    for event in events_of(WAYS_DIR / f"{way}.ami"):
        seen.facts += seen.machine.step(event, event.at)
        seen.facts += seen.machine.tick(event.at)
    rows = seen.rows(Interaction)
    assert len(rows) == sum(line.startswith("outbound") for line in WAYS[way])
    assert all(attempt_of(row.linkedid) is not None for row in rows)
    assert {(row.direction, row.caller_num, row.did) for row in rows} <= {
        ("outbound", "+12025550177", "+12025550100")
    }
    assert not any(visit.inferred for visit in seen.rows(QueueVisit))


def test_an_agent_who_transfers_is_free_at_once() -> None:
    """Though app_queue takes the Local channel of the line for the agent until the end."""
    seen = told_of("campaign_line_transferred")
    first, second = seen.rows(Segment)
    assert seen.history().count("blind_transfer") == 1
    assert first.ended_at is not None
    assert first.ended_at <= second.answered_at
    assert (first.interface, second.interface) == ("Local/100@agent-request/n", "PJSIP/1002")


OFFER = offer_id(UUID(int=8), 1795823990)
LINE_HALF = f"Channel=Local/1001@agent-request-00000002;1 Uniqueid={OFFER} Linkedid={OFFER}"
JOINED = f"""
{DIALLING}
9.0 DialEnd DestChannel=PJSIP/trunk-00000009 DestUniqueid={CHANNEL} DialStatus=ANSWER
9.1 BridgeEnter {PARTY} BridgeUniqueid=b1
9.1 BridgeEnter {LINE_HALF} BridgeUniqueid=b1
"""


def joined() -> Told:
    """What is told by one who knows that the campaign's queue has a wrap-up of 20 seconds."""
    seen = told()
    seen.machine.wrap_up_default = {"spring": 20.0}.get  # type: ignore[assignment]
    seen.machine.queue_dialed = {CHANNEL: "spring"}.get  # type: ignore[assignment]
    return seen


def test_who_is_joined_with_one_agent_is_in_no_queue_and_has_the_wrap_up_of_the_campaigns() -> None:
    seen = joined().after(f"""
        -9 Newchannel {LINE_HALF}
        {JOINED}
    """)
    # The end of the attempt is written down before that of the talk.
    seen.machine.queue_dialed = lambda uniqueid: ""
    seen.after(f"""
        60.0 BridgeLeave {LINE_HALF} BridgeUniqueid=b1
        60.0 Hangup {LINE_HALF}
        60.1 Hangup {PARTY}
    """)
    is_the_call(seen.row(Interaction))
    assert seen.rows(QueueVisit) == seen.rows(Offer) == []
    segment = seen.row(Segment)
    assert (segment.visit, segment.interface) == (0, "Local/1001@agent-request/n")
    assert (segment.answered_at, segment.ended_at, segment.ended_by) == (at(9.1), at(60), "agent")
    assert (segment.wrap_up_seconds, segment.inferred) == (20.0, False)
    assert not seen.machine.by_id


def test_a_talk_of_such_a_call_that_is_on_when_we_come_is_taken_up() -> None:
    seen = joined()
    seen.machine.miss(None)
    seen.after(f"""
        40 QueueStatusComplete
        40 CoreShowChannel {LINE_HALF} Application=AppDial2 BridgeId=b1 Duration=00:00:30
        40 CoreShowChannel {PARTY} Application=Bridge BridgeId=b1 Duration=00:00:20
        40 CoreShowChannelsComplete
    """)
    is_the_call(seen.row(Interaction))
    segment = seen.row(Segment)
    assert (segment.visit, segment.interface, segment.inferred) == (
        0, "Local/1001@agent-request/n", True,
    )  # fmt: skip
    seen.after(f"60 Hangup {PARTY}").wait(80)
    segment = seen.row(Segment)
    assert (segment.ended_at, segment.ended_by, segment.wrap_up_seconds) == (at(60), "caller", 20.0)
    # Known again, it is not taken up twice.
    assert len(seen.rows(Segment)) == len(seen.rows(Interaction)) == 1
