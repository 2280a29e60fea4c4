"""Callbacks, decided: hours, attempts, what came of one, and the place in the queue. Tables."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from ccmiddleware.queues.callbacks import (
    Callback,
    Close,
    EndAttempt,
    Place,
    Rules,
    TakeAway,
    closing,
    decide,
    opening,
    originate,
    outcome_of,
)
from ccmiddleware.queues.placeholders import (
    VALID,
    Attempt,
    Presence,
    Waiting,
    behind,
    known_whole,
    place,
    waiting_in,
    without,
)

BERLIN = ZoneInfo("Europe/Berlin")
RULES = Rules(zone=BERLIN)
NOON = datetime(2026, 11, 27, 11, 0, tzinfo=UTC)
"""12:00 in Berlin."""
ID = UUID(int=0xABC)
ASKED = Callback(
    id=ID, queue="support", number="+4930123456", asked_at=NOON - timedelta(minutes=10),
    joined_at=NOON - timedelta(minutes=15), next_attempt_at=NOON - timedelta(minutes=10),
)  # fmt: skip
ATTEMPT = Attempt(
    f"ccmcb-{ID.hex}-1795777000.1", NOON - timedelta(minutes=5), NOON - timedelta(minutes=4),
    ("placed",), witnessed=True,
)  # fmt: skip


def berlin(text: str, fold: int = 0) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN, fold=fold).astimezone(UTC)


# -- hours ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("hours", "at", "ends", "opens"),
    [
        (("08:00", "20:00"), "2026-11-27 07:59", None, "2026-11-27 08:00"),
        (("08:00", "20:00"), "2026-11-27 08:00", "2026-11-27 20:00", "2026-11-27 08:00"),
        (("08:00", "20:00"), "2026-11-27 20:00", None, "2026-11-28 08:00"),
        # Over midnight.
        (("22:00", "02:00"), "2026-11-27 01:00", "2026-11-27 02:00", "2026-11-27 01:00"),
        (("22:00", "02:00"), "2026-11-27 23:00", "2026-11-28 02:00", "2026-11-27 23:00"),
        (("22:00", "02:00"), "2026-11-27 03:00", None, "2026-11-27 22:00"),
        # The whole day.
        (("00:00", "00:00"), "2026-11-27 23:59", "2026-11-28 00:00", "2026-11-27 23:59"),
        # The clocks change: 2026-03-29 has no 02:30, 2026-10-25 has it twice.
        (("08:00", "20:00"), "2026-03-28 21:00", None, "2026-03-29 08:00"),
        (("08:00", "20:00"), "2026-10-24 21:00", None, "2026-10-25 08:00"),
        (("08:00", "20:00"), "2026-03-29 12:00", "2026-03-29 20:00", "2026-03-29 12:00"),
    ],
)
def test_hours(hours: tuple[str, str], at: str, ends: str | None, opens: str) -> None:
    rules = replace(RULES, opens=time.fromisoformat(hours[0]), closes=time.fromisoformat(hours[1]))
    assert closing(rules, berlin(at)) == (berlin(ends) if ends else None)
    assert opening(rules, berlin(at)) == berlin(opens)


def test_a_day_on_which_the_clocks_change_is_longer_or_shorter() -> None:
    whole = replace(RULES, opens=time(0), closes=time(0))
    for day, hours in (("2026-03-29", 23), ("2026-10-25", 25), ("2026-11-27", 24)):
        begin = berlin(f"{day} 00:00")
        end = closing(whole, begin)
        assert end is not None
        assert end - begin == timedelta(hours=hours)


def test_hours_that_begin_in_the_hour_that_is_skipped_or_comes_twice() -> None:
    rules = replace(RULES, opens=time(2, 30), closes=time(12))
    skipped = opening(rules, berlin("2026-03-29 01:00"))
    assert berlin("2026-03-29 01:59") < skipped <= berlin("2026-03-29 03:30")
    assert closing(rules, skipped) == berlin("2026-03-29 12:00")
    twice = opening(rules, berlin("2026-10-25 01:00"))
    assert twice == berlin("2026-10-25 02:30")
    assert closing(rules, berlin("2026-10-25 02:10", fold=1)) == berlin("2026-10-25 12:00")


# -- waiting --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "now", "wanted"),
    [
        ({}, NOON, Place(timedelta(hours=8))),
        ({"next_attempt_at": NOON + timedelta(seconds=1)}, NOON, None),
        ({"asked_at": NOON - timedelta(hours=23)}, NOON, Place(timedelta(hours=1))),
        ({"asked_at": NOON - timedelta(hours=24)}, NOON, Close("expired", "not reached in time")),
        ({}, berlin("2026-11-27 20:30"), None),
        ({}, berlin("2026-11-27 19:59:55"), None),
        ({"cancelled_by": "ann"}, NOON, Close("cancelled", "cancelled by ann")),
        (
            {"queue": "sup,port"},
            NOON,
            Close("failed", "the name of the queue has characters that the dialplan drops"),
        ),
    ],
)
def test_waiting(changes: dict[str, object], now: datetime, wanted: object) -> None:
    assert decide(replace(ASKED, **changes), RULES, "unknown", now) == wanted  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("steps", "presence", "changes", "now", "wanted"),
    [
        (("placed",), "there", {}, NOON, None),
        (("placed",), "unknown", {"cancelled_by": "ann"}, NOON, None),
        (("placed",), "there", {"cancelled_by": "ann"}, NOON, TakeAway()),
        (("placed", "dial"), "there", {"cancelled_by": "ann"}, NOON, None),
        (("placed",), "there", {}, berlin("2026-11-27 20:00"), TakeAway()),
        (("placed", "dial"), "there", {}, berlin("2026-11-27 20:00"), None),
        (("placed",), "there", {"asked_at": NOON - timedelta(days=2)}, NOON, TakeAway()),
    ],
)
def test_a_placeholder_that_stands(
    steps: tuple[str, ...], presence: Presence, changes: dict[str, object], now: datetime,
    wanted: object,
) -> None:  # fmt: skip
    callback = replace(ASKED, attempt=replace(ATTEMPT, steps=steps), **changes)  # type: ignore[arg-type]
    assert decide(callback, RULES, presence, now) == wanted


# -- what came of it ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("steps", "outcome"),
    [
        ((), "gone"),
        (("placed",), "gone"),
        (("late",), "gone"),
        (("placed", "left"), "no_agents"),
        (("refused",), "refused"),
        (("placed", "dial", "refused"), "refused"),
        (("placed", "dial"), "lost"),
        (("placed", "dial", "noanswer"), "not_answered"),
        (("placed", "dial", "busy"), "busy"),
        (("placed", "dial", "cancel"), "agent_gone"),
        (("placed", "dial", "congestion"), "unreachable"),
        (("placed", "dial", "chanunavail"), "unreachable"),
        (("placed", "dial", "nonsense"), "lost"),
        (("placed", "dial", "answered"), "answered"),
        # Rows of queue_log have whole seconds: the order may be another.
        (("answered", "dial", "placed"), "answered"),
        (("busy", "dial", "placed"), "busy"),
    ],
)
def test_outcome(steps: tuple[str, ...], outcome: str) -> None:
    assert outcome_of(steps) == outcome


def ended(steps: tuple[str, ...], **changes: object) -> EndAttempt:
    callback = replace(ASKED, attempt=replace(ATTEMPT, steps=steps), **changes)  # type: ignore[arg-type]
    action = decide(callback, RULES, "gone", NOON)
    assert isinstance(action, EndAttempt)
    return action


DIALLED = ("placed", "dial")


@pytest.mark.parametrize(
    ("steps", "changes", "state", "attempts", "pause"),
    [
        ((*DIALLED, "answered"), {}, "done", 1, 600),
        ((*DIALLED, "answered"), {"cancelled_by": "ann"}, "done", 1, 600),
        ((*DIALLED, "noanswer"), {}, "waiting", 1, 600),
        ((*DIALLED, "noanswer"), {"attempts": 2}, "failed", 3, 600),
        ((*DIALLED, "noanswer"), {"cancelled_by": "ann"}, "cancelled", 1, 600),
        ((*DIALLED, "busy"), {"attempts": 1}, "waiting", 2, 600),
        # Asterisk died while it dialled: the phone may have rung.
        (DIALLED, {}, "waiting", 1, 600),
        # Not the customer's doing, and not for ever.
        ((*DIALLED, "cancel"), {"attempts": 2}, "waiting", 2, 30),
        ((*DIALLED, "cancel"), {"dialled": 8}, "failed", 0, 30),
        (("refused",), {}, "failed", 0, 0),
        (("placed",), {}, "waiting", 0, 0),
        (("placed",), {"asked_at": NOON - timedelta(days=2)}, "expired", 0, 0),
        (("placed", "left"), {}, "waiting", 0, 0),
    ],
)
def test_what_becomes_of_a_callback(
    steps: tuple[str, ...], changes: dict[str, object], state: str, attempts: int, pause: int
) -> None:
    end = ended(steps, **changes)
    assert (end.state, end.attempts) == (state, attempts)
    assert end.next_attempt_at == NOON + timedelta(seconds=pause)


def test_what_goes_away_at_once_is_not_put_back_at_once() -> None:
    soon = replace(ATTEMPT, placed_at=NOON - timedelta(seconds=1), steps=("placed", "left"))
    pauses = []
    fruitless = 0
    for _ in range(8):
        callback = replace(ASKED, fruitless=fruitless, attempt=soon)
        action = decide(callback, RULES, "gone", NOON)
        assert isinstance(action, EndAttempt)
        fruitless = action.fruitless
        pauses.append((action.next_attempt_at - NOON).total_seconds())
    assert pauses == [2, 4, 8, 16, 32, 60, 60, 60]


def test_the_next_call_waits_for_the_hours() -> None:
    late = berlin("2026-11-27 19:58")
    attempt = replace(ATTEMPT, placed_at=late, steps=(*DIALLED, "busy"))
    action = decide(replace(ASKED, attempt=attempt), RULES, "gone", late)
    assert isinstance(action, EndAttempt)
    assert action.next_attempt_at == berlin("2026-11-28 08:00")


@pytest.mark.parametrize(
    ("steps", "witnessed", "gone", "read", "wanted"),
    [
        (("placed",), True, 0, None, "not yet"),
        (("placed",), True, 0, -1, "not yet"),
        (("placed",), True, 0, 0, "not yet"),
        (("placed",), True, 0, 1, "yes"),
        # The event came and the row did not: whatever queue_log is read, it is not that one.
        (("placed",), False, 0, 1, "unwitnessed"),
        # Nothing is told: the order may still be carried out.
        ((), False, 0, 30, "not yet"),
        ((), False, 0, 36, "yes"),
    ],
)
def test_when_all_is_known(
    steps: tuple[str, ...], witnessed: bool, gone: int, read: int | None, wanted: str
) -> None:
    attempt = Attempt("x", NOON, NOON + VALID, steps, witnessed)
    read_until = None if read is None else NOON + timedelta(seconds=read)
    assert known_whole(attempt, NOON + timedelta(seconds=gone), read_until) == wanted


# -- the place ------------------------------------------------------------------------------


def waiting(*of: tuple[int, int]) -> list[Waiting]:
    """Callers by priority and minutes before noon at which they joined, from the head on."""
    return [
        Waiting(at, priority, NOON - timedelta(minutes=minutes))
        for at, (priority, minutes) in enumerate(of, start=1)
    ]


@pytest.mark.parametrize(
    ("queue", "priority", "wanted"),
    [
        ([], 0, 1),
        ([(0, 20)], 0, 2),
        ([(0, 10)], 0, 1),
        ([(0, 20), (0, 16), (0, 14), (0, 1)], 0, 3),
        ([(5, 1), (0, 20), (0, 10)], 0, 3),
        ([(5, 1), (0, 10)], 0, 2),
        ([(5, 20), (5, 10), (0, 30)], 5, 2),
    ],
)
def test_place(queue: list[tuple[int, int]], priority: int, wanted: int) -> None:
    assert place(priority, ASKED.joined_at, waiting(*queue)) == wanted


def test_where_app_queue_puts_one_of_a_new_priority() -> None:
    queue = waiting((10, 1), (5, 9), (5, 8), (0, 7))
    assert [behind(priority, queue) for priority in (11, 10, 5, 1, -1)] == [1, 2, 4, 4, 5]
    assert [(one.position, one.priority) for one in without(2, queue)] == [(1, 10), (2, 5), (3, 0)]


def test_callers_are_taken_from_asterisks_list() -> None:
    items = [
        {"Event": "QueueParams", "Queue": "support"},
        {"Event": "QueueEntry", "Uniqueid": "1.1", "Position": "1", "Wait": "90", "Priority": "0"},
        {"Event": "QueueEntry", "Uniqueid": "1.2", "Position": "2", "Wait": "x"},
    ]
    exact = NOON - timedelta(seconds=90.4)
    found = waiting_in(items, {"1.1": exact}.get, NOON)
    assert found == [Waiting(1, 0, exact), Waiting(2, 0, NOON)]


def test_what_asterisk_is_asked() -> None:
    fields = originate(ASKED, ATTEMPT, 3, timedelta(hours=1), 30)
    assert fields["Channel"] == f"Local/{ID.hex}@ccm-callback-turn/n"
    assert (fields["ChannelId"], fields["OtherChannelId"]) == (ATTEMPT.id, f"{ATTEMPT.id};2")
    assert fields["Timeout"] == "3600000"
    assert "CCM_CALLBACK_NUMBER=+4930123456" in fields["Variable"]
    for bad in ({"number": "1,X=1"}, {"queue": "a,b"}, {"queue": "a\nb"}, {"number": ""}):
        with pytest.raises(ValueError, match="lets through"):
            originate(replace(ASKED, **bad), ATTEMPT, 3, timedelta(hours=1), 30)
