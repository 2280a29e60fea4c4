"""After a gap: our calls agree with what Asterisk lists, and what was concluded is marked."""

from pbx_story import EPOCH, at
from test_machine import ANSWERED, Told

from ccmiddleware.facts import Interaction, QueueVisit, Segment

WAITING = """
0 Newchannel caller=1
0 QueueCallerJoin caller=1 Queue=support Position=1
"""


def test_what_is_gone_is_closed_when_the_view_was_lost() -> None:
    told = Told().after(WAITING).after(ANSWERED.replace("caller=1", "caller=2"))
    told.machine.miss(at(10))
    told.after("40 QueueStatusComplete\n40 CoreShowChannelsComplete")
    assert [row.outcome for row in told.rows(Interaction)] == ["lost", "answered"]
    assert all(row.ended_at == at(10) for row in told.rows(Interaction))
    assert all(row.inferred for row in told.rows(Interaction))
    assert told.row(Segment).ended_by == "lost"
    assert told.row(Segment).ended_at == at(10)
    assert not told.machine.by_id


def test_what_goes_on_stays_as_it_was() -> None:
    told = Told().after(WAITING)
    before = len(told.facts)
    told.machine.miss(at(10))
    told.after("""
        40 QueueEntry caller=1 Queue=support Position=1 Wait=40
        40 QueueStatusComplete
        40 CoreShowChannel caller=1 Application=Queue
        40 CoreShowChannelsComplete
    """)
    assert told.facts[before:] == []
    assert told.row(QueueVisit).outcome is None


def test_a_caller_who_came_meanwhile_is_taken_up_from_the_list() -> None:
    told = Told()
    told.machine.miss(None)
    told.after("""
        40 QueueEntry caller=1 Queue=support Position=3 Wait=25
        40 QueueStatusComplete
        40 CoreShowChannel caller=1 Application=Queue
        40 CoreShowChannelsComplete
    """)
    visit = told.row(QueueVisit)
    assert (visit.joined_at, visit.position, visit.inferred) == (at(15), 3, True)


def test_a_caller_who_left_between_the_two_lists_is_not_revived() -> None:
    told = Told()
    told.machine.miss(None)
    told.after("""
        40 QueueEntry caller=1 Queue=support Position=1 Wait=25
        40 QueueStatusComplete
        40.1 QueueCallerAbandon caller=1 Queue=support
        40.1 QueueCallerLeave caller=1 Queue=support
        40.1 Hangup caller=1
        40.2 CoreShowChannelsComplete
    """)
    assert told.facts == []


def test_a_caller_who_joined_between_the_two_lists_is_not_closed() -> None:
    told = Told()
    told.machine.miss(None)
    told.after("""
        40 QueueStatusComplete
        40.1 Newchannel caller=1
        40.1 QueueCallerJoin caller=1 Queue=support Position=1
        40.2 CoreShowChannelsComplete
    """)
    assert told.row(QueueVisit).outcome is None
    assert not told.row(Interaction).inferred


TALKING_NOW = f"""
40 QueueStatusComplete
40 CoreShowChannel caller=1 Application=Queue ApplicationData=support,t,,,60 BridgeId=b1
40 CoreShowChannel Channel=PJSIP/1001-00000000 Uniqueid={EPOCH}.910010 BridgeId=b1
40 CoreShowChannelsComplete
"""


def test_a_waiting_caller_who_talks_now_was_answered_unseen() -> None:
    told = Told().after(WAITING)
    told.machine.miss(at(10))
    told.after(TALKING_NOW)
    assert (told.row(QueueVisit).outcome, told.row(QueueVisit).answered_at) == ("answered", at(10))
    segment = told.row(Segment)
    assert (segment.interface, segment.inferred, segment.ended_at) == ("PJSIP/1001", True, None)
    told.after(
        "60 AgentComplete caller=1 agent=1001 Queue=support Reason=agent\n60 Hangup caller=1"
    )
    assert told.row(Segment).ended_at == at(60)
    assert not told.machine.by_id


def test_a_talk_that_was_going_on_before_we_first_looked_is_adopted() -> None:
    told = Told()
    told.machine.miss(None)
    told.after(TALKING_NOW)
    assert told.row(QueueVisit).queue == "support"
    assert told.row(Segment).interface == "PJSIP/1001"
    assert told.row(Interaction).inferred


def test_a_known_talk_is_found_again_by_its_channels() -> None:
    told = Told().after(ANSWERED)
    told.machine.talks.clear()
    told.machine.miss(at(10))
    told.after(TALKING_NOW)
    told.after(f"50 Hold Uniqueid={EPOCH}.910010\n53 Unhold Uniqueid={EPOCH}.910010")
    assert told.row(Segment).hold_seconds == 3.0
    assert not told.row(Segment).inferred


def test_a_talk_whose_agent_is_gone_has_ended() -> None:
    told = Told().after(ANSWERED)
    told.machine.miss(at(10))
    told.after("""
        40 QueueStatusComplete
        40 CoreShowChannel caller=1 Application=Playback
        40 CoreShowChannelsComplete
    """)
    assert (told.row(Segment).ended_at, told.row(Segment).ended_by) == (at(10), "lost")
    assert told.row(Interaction).state == "left"
