"""After a gap: our calls agree with what Asterisk lists, and what was concluded is marked."""

from pbx_story import EPOCH, at
from test_machine import ANSWERED, Told

from ccmiddleware.facts import Interaction, Offer, QueueVisit, Segment

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


def test_a_call_that_rang_an_agent_without_a_queue_is_closed_too() -> None:
    told = Told()
    told.machine.members_by_phone["PJSIP/1001"] = "PJSIP/1001"
    told.after("""
        0 Newchannel caller=1
        1 DialBegin caller=1 agent=1001
    """)
    assert told.row(Interaction).state == "ringing"
    told.machine.miss(at(5))
    told.after("9 QueueStatusComplete ListItems=0\n9 CoreShowChannelsComplete ListItems=0")
    assert (told.row(Interaction).outcome, told.row(Interaction).inferred) == ("not_answered", True)
    assert told.row(Offer).outcome == "lost"
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


def test_a_caller_who_was_listed_before_the_joining_was_told_joined_once() -> None:
    told = Told()
    told.machine.miss(None)
    told.after("""
        40 QueueEntry caller=1 Queue=support Position=1 Wait=0
        40 QueueStatusComplete
        40 CoreShowChannel caller=1 Application=Queue
        40 CoreShowChannelsComplete
        40.1 QueueCallerJoin caller=1 Queue=support Position=1
        41 QueueCallerAbandon caller=1 Queue=support
        41 QueueCallerLeave caller=1 Queue=support
        41.1 Hangup caller=1
    """)
    (visit,) = told.rows(QueueVisit)
    assert (visit.joined_at, visit.outcome, visit.left_at) == (at(40), "abandoned", at(41))


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


def test_a_list_that_is_not_whole_closes_nothing() -> None:
    told = Told().after(WAITING).after(ANSWERED.replace("caller=1", "caller=2"))
    before = len(told.facts)
    told.machine.miss(at(10))
    told.after("""
        40 QueueStatusComplete ListItems=7
        40 CoreShowChannelsComplete
    """)
    told.after("""
        41 QueueStatusComplete
        41 CoreShowChannelsComplete ListItems=2
    """)
    assert told.facts[before:] == []
    assert told.machine.resync is not None
    told.after("42 QueueStatusComplete\n42 CoreShowChannelsComplete")
    assert told.machine.resync is None
    assert [row.outcome for row in told.rows(Interaction)] == ["lost", "answered"]


def test_an_end_of_the_list_of_channels_within_that_of_queues_is_none() -> None:
    told = Told().after(WAITING)
    told.machine.miss(at(10))
    told.after("""
        40 QueueEntry caller=1 Queue=support Position=1 Wait=40
        40 CoreShowChannelsComplete ListItems=0
    """)
    assert told.row(Interaction).outcome is None
    told.after("""
        40 QueueStatusComplete ListItems=1
        40 CoreShowChannel caller=1 Application=Queue
        40 CoreShowChannelsComplete
    """)
    assert told.row(Interaction).outcome is None
    assert told.machine.resync is None


TIMED_OUT = """
0 QueueCallerJoin caller=1 Queue=sales Position=1
8 QueueCallerLeave caller=1 Queue=sales
8 VarSet caller=1 Variable=QUEUESTATUS Value=TIMEOUT
"""


def talking_now(queue: str, called_by: str = "AppQueue", age: str = "") -> str:
    channel = f"Channel=PJSIP/1001-00000000 Uniqueid={EPOCH}.910010 BridgeId=b1"
    return f"""
        40 QueueStatusComplete
        40 CoreShowChannel caller=1 Application=Queue ApplicationData={queue},t BridgeId=b1
        40 CoreShowChannel {channel} Application={called_by} Duration={age}
        40 CoreShowChannelsComplete
    """


def test_a_second_queue_that_was_joined_and_left_unseen_is_added() -> None:
    told = Told().after(TIMED_OUT)
    told.machine.miss(at(10))
    told.after(talking_now("support"))
    assert [(v.queue, v.outcome, v.inferred) for v in told.rows(QueueVisit)] == [
        ("sales", "timed_out", False),
        ("support", "answered", True),
    ]
    told.after(
        "60 AgentComplete caller=1 agent=1001 Queue=support Reason=agent\n60 Hangup caller=1"
    )
    assert (told.row(Segment).visit, told.row(Segment).ended_by) == (2, "agent")
    assert told.row(Interaction).outcome == "answered"
    assert not told.machine.by_id


def test_who_waited_in_one_queue_and_talks_from_another_left_the_first_unseen() -> None:
    told = Told().after(WAITING)
    told.machine.miss(at(10))
    told.after(talking_now("sales"))
    assert [(v.queue, v.outcome, v.inferred) for v in told.rows(QueueVisit)] == [
        ("support", "lost", True),
        ("sales", "answered", True),
    ]


def test_who_waited_in_one_queue_and_waits_in_another_left_the_first_unseen() -> None:
    told = Told().after(WAITING)
    told.machine.miss(at(10))
    told.after("""
        40 QueueEntry caller=1 Queue=sales Position=2 Wait=25
        40 QueueStatusComplete
        40 CoreShowChannel caller=1 Application=Queue
        40 CoreShowChannelsComplete
    """)
    first, second = told.rows(QueueVisit)
    assert (first.outcome, first.left_at, first.inferred) == ("lost", at(10), True)
    assert (second.queue, second.joined_at, second.outcome) == ("sales", at(15), None)


def test_a_talk_with_somebody_the_queue_did_not_call_is_none_of_the_queues() -> None:
    told = Told().after(ANSWERED)
    told.after("9 AgentComplete caller=1 agent=1001 Queue=support Reason=transfer")
    told.machine.miss(at(10))
    told.after(talking_now("support", called_by="AppDial"))
    assert len(told.rows(QueueVisit)) == len(told.rows(Segment)) == 1


def test_a_talk_that_began_unseen_is_as_old_as_the_agents_channel() -> None:
    told = Told().after(WAITING)
    told.machine.miss(at(10))
    told.after(talking_now("support", age="00:00:15"))
    assert told.row(QueueVisit).answered_at == told.row(Segment).answered_at == at(25)
    older = Told().after(WAITING)
    older.machine.miss(at(10))
    older.after(talking_now("support", age="01:00:00"))
    assert older.row(Segment).answered_at == at(10)


def test_who_is_taken_up_has_name_and_linked_id_of_the_channel() -> None:
    told = Told()
    told.machine.miss(None)
    told.after(f"""
        40 QueueEntry caller=1 Linkedid='' CallerIDName=unknown Queue=support Position=1 Wait=25
        40 QueueStatusComplete
        40 CoreShowChannel caller=1 Linkedid={EPOCH}.77 Application=Queue
        40 CoreShowChannelsComplete
    """)
    row = told.row(Interaction)
    assert (row.linkedid, row.caller_name, row.started_at) == (f"{EPOCH}.77", "Caller 1", at(15))


def test_who_waits_in_the_same_queue_again_left_it_unseen() -> None:
    told = Told().after(WAITING)
    told.machine.miss(at(10))
    told.after("""
        40 QueueEntry caller=1 Queue=support Position=2 Wait=5
        40 QueueStatusComplete
        40 CoreShowChannel caller=1 Application=Queue
        40 CoreShowChannelsComplete
    """)
    first, second = told.rows(QueueVisit)
    assert (first.outcome, first.left_at, first.inferred) == ("lost", at(10), True)
    assert (second.queue, second.joined_at, second.outcome) == ("support", at(35), None)


def test_an_agent_whom_a_call_without_a_queue_reached_unseen_is_found_in_the_list() -> None:
    told = Told()
    told.machine.members_by_phone["PJSIP/1001"] = "PJSIP/1001"
    told.after("0 Newchannel caller=1\n1 DialBegin caller=1 agent=1001")
    told.machine.miss(at(5))
    told.after("""
        40 QueueStatusComplete
        40 CoreShowChannel caller=1 Application=Dial BridgeId=b1
        40 CoreShowChannel Channel=PJSIP/1001-00000000 Uniqueid=1795770000.910010 BridgeId=b1
        40 CoreShowChannelsComplete
    """)
    segment = told.row(Segment)
    assert (segment.visit, segment.answered_at, segment.inferred) == (0, at(5), True)
    assert told.row(Offer).outcome == "answered"
    assert (told.row(Interaction).state, told.row(Interaction).inferred) == ("talking", True)


def test_a_talk_that_the_dialplan_made_is_none_of_the_queue_where_the_caller_waited() -> None:
    told = Told().after(WAITING)
    told.machine.members_by_phone["PJSIP/1001"] = "PJSIP/1001"
    told.machine.miss(at(10))
    told.after("""
        40 QueueStatusComplete
        40 CoreShowChannel caller=1 Application=Dial BridgeId=b1
        40 CoreShowChannel Channel=PJSIP/1001-0 Uniqueid=7.7 Application=AppDial BridgeId=b1
        40 CoreShowChannelsComplete
    """)
    assert (told.row(QueueVisit).outcome, told.row(Segment).visit) == ("lost", 0)


def test_a_phone_that_rings_no_more_is_found_in_the_list() -> None:
    told = Told().after(WAITING).after("1 AgentCalled caller=1 agent=1001 Queue=support")
    told.machine.miss(at(10))
    told.after("""
        40 QueueEntry caller=1 Queue=support Position=1 Wait=40
        40 QueueStatusComplete
        40 CoreShowChannel caller=1 Application=Queue
        40 CoreShowChannelsComplete
    """)
    assert (told.row(Offer).outcome, told.row(Offer).ended_at) == ("lost", at(10))
    assert told.row(QueueVisit).outcome is None


def test_nothing_is_concluded_from_silence_while_the_view_is_lost() -> None:
    told = Told().after(WAITING).after("5 QueueCallerLeave caller=1 Queue=support")
    told.machine.miss(at(5.1))
    told.wait(30)
    assert told.row(QueueVisit).outcome is None
    told.after(TALKING_NOW)
    assert (told.row(QueueVisit).outcome, told.row(QueueVisit).inferred) == ("answered", True)


def test_who_was_in_the_dialplan_before_and_after_may_have_been_elsewhere_meanwhile() -> None:
    told = Told().after(TIMED_OUT)
    told.machine.miss(at(10))
    told.after("""
        40 QueueStatusComplete
        40 CoreShowChannel caller=1 Application=Playback
        40 CoreShowChannelsComplete
        41 Hangup caller=1
    """)
    assert (told.row(Interaction).outcome, told.row(Interaction).inferred) == ("timed_out", True)


def test_hangups_and_transfers_that_were_asked_for_unseen_leave_nothing_behind() -> None:
    told = Told().after(ANSWERED).after("5 HangupRequest caller=1")
    told.machine.miss(at(5.1))
    told.after("40 QueueStatusComplete\n40 CoreShowChannelsComplete")
    assert (told.machine.asked_to_end, told.machine.topology.channels) == (set(), {})


def test_a_talk_that_ended_just_before_the_list_is_not_begun_again() -> None:
    told = Told().after(ANSWERED)
    told.machine.miss(at(10))
    told.after("39 AgentComplete caller=1 agent=1001 Queue=support Reason=agent TalkTime=35")
    told.after(TALKING_NOW)
    assert told.row(Segment).ended_at == at(39)
    assert len(told.rows(QueueVisit)) == 1


def test_who_changes_queues_while_they_are_listed_is_where_the_events_say() -> None:
    told = Told().after(WAITING)
    told.machine.miss(at(10))
    told.after("""
        40 QueueEntry caller=1 Queue=support Position=1 Wait=40
        40.1 QueueCallerLeave caller=1 Queue=support
        40.1 QueueCallerJoin caller=1 Queue=sales Position=1
        40.2 QueueStatusComplete ListItems=1
        40.2 CoreShowChannel caller=1 Application=Queue
        40.2 CoreShowChannelsComplete
    """)
    assert [row.queue for row in told.rows(QueueVisit)] == ["support", "sales"]
    assert told.rows(QueueVisit)[1].outcome is None
