"""Work items, decided: which stand in their queue, what comes of one, what a phone shows."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from ccmiddleware.queues import work
from ccmiddleware.queues.placeholders import VALID, Attempt, Presence
from ccmiddleware.queues.work import (
    Ended,
    Item,
    Load,
    Room,
    Standing,
    busy_key,
    ended,
    is_busy,
    originate,
    priority_in_queue,
    release,
    shown,
)

NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)
AGENT = UUID(int=0xA)


def item(
    number: int, priority: int = 0, state: str = "waiting", minutes: int | None = None
) -> Item:
    """An item that came at its number's minute."""
    came = NOON + timedelta(minutes=number if minutes is None else minutes)
    return Item(UUID(int=number), number, "support", priority, came, state)  # type: ignore[arg-type]


def stands(
    number: int, *steps: str, priority: int = 0, state: str = "queued",
    presence: Presence = "there", offered: bool = False,
) -> Standing:  # fmt: skip
    attempt = Attempt(f"ccmwk-{number}", NOON, NOON + VALID, ("placed", *steps), witnessed=True)
    return Standing(
        item(number, priority, state), attempt, presence, offered=offered, agent=AGENT,
        stands_with=priority,
    )  # fmt: skip


TWO = Room(open=True, members=1)
"""A queue with room for two placeholders."""


@pytest.mark.parametrize(
    ("waiting", "standing", "room", "placed", "away"),
    [
        # Room for one more: the first in order, one at a time.
        ([1, 2], [], TWO, 1, []),
        ([2], [stands(1)], TWO, 2, []),
        # Full.
        ([3], [stands(1), stands(2)], TWO, None, []),
        # One that an agent listens to has left the queue: it makes room.
        ([3], [stands(1, "answered"), stands(2)], TWO, 3, []),
        # A more urgent one displaces what would come last, unless a phone rings for it.
        ([(3, 10)], [stands(1), stands(2)], TWO, None, [2]),
        ([(3, 10)], [stands(1), stands(2, offered=True)], TWO, None, [1]),
        ([(3, 10)], [stands(1, offered=True), stands(2, offered=True)], TWO, None, []),
        ([(3, 10)], [stands(1, priority=10), stands(2, priority=10)], TWO, None, []),
        # What is on its way, or not seen at the moment, can't be taken away yet.
        ([(3, 10)], [stands(1), stands(2, presence="unknown")], TWO, None, []),
        # Closed, or nobody there: what stands goes back, but not what an agent hears of.
        ([3], [stands(1), stands(2, offered=True)], Room(open=False, members=1), None, [1]),
        ([3], [stands(1), stands(2, "answered")], Room(open=True, members=0), None, [1]),
        ([], [], Room(open=True, members=3), None, []),
        # Somebody has the item by now, by hand: its placeholder goes, unless an agent hears of it.
        ([], [stands(1, state="working")], TWO, None, [1]),
        ([], [stands(1, "answered", state="working")], TWO, None, []),
        ([2], [stands(1, state="done")], TWO, 2, [1]),
    ],
)  # fmt: skip
def test_release(
    waiting: list[int | tuple[int, int]],
    standing: list[Standing],
    room: Room,
    placed: int | None,
    away: list[int],
) -> None:
    items = [item(one) if isinstance(one, int) else item(*one) for one in waiting]
    what = release(items, standing, room)
    assert (what.place.number if what.place else None) == placed
    assert [one.id for one in what.take_away] == [f"ccmwk-{number}" for number in away]


@pytest.mark.parametrize(
    ("standing", "after_calls", "found"),
    [
        ([stands(1), stands(2, priority=50)], False, []),
        # As of one placed by an earlier version: it is looked at.
        ([replace(stands(1), stands_with=None)], False, [1]),
        # The priority rose; the most urgent one first.
        ([replace(stands(1, priority=5), stands_with=0)], False, [1]),
        ([replace(stands(n, priority=n), stands_with=0) for n in (1, 2)], False, [2, 1]),
        # Calls go first from now on, or no more.
        ([stands(1)], True, [1]),
        ([replace(stands(1), stands_with=-1001)], True, []),
        # Not what a phone rings for, an agent hears of, or is not seen in the queue.
        ([replace(stands(1, priority=5, offered=True), stands_with=0)], False, []),
        ([replace(stands(1, "answered", priority=5), stands_with=0)], False, []),
        ([replace(stands(1, priority=5, presence="gone"), stands_with=0)], False, []),
        ([replace(stands(1, priority=5, state="working"), stands_with=0)], False, []),
        ([replace(stands(1, priority=5), stands_with=None, straight=True)], False, []),
    ],
)
def test_what_stands_with_another_priority_than_it_has(
    standing: list[Standing], after_calls: bool, found: list[int]
) -> None:
    out = work.out_of_place(standing, after_calls=after_calls)
    assert [one.item.number for one in out] == found


@pytest.mark.parametrize(
    ("members", "opened", "wanted"),
    [(0, True, 0), (1, True, 2), (5, True, 6), (300, True, work.MOST_PLACED), (5, False, 0)],
)
def test_a_queue_has_one_for_each_member_and_one_to_come_up(
    members: int, opened: bool, wanted: int
) -> None:
    assert Room(opened, members).wanted == wanted


SOON, LATE = NOON + timedelta(seconds=10), NOON + timedelta(minutes=5)


@pytest.mark.parametrize(
    ("one", "now", "withdrawn", "outcome", "fruitless", "pause"),
    [
        (stands(1, "answered", "taken"), SOON, False, "taken", 0, 0),
        (stands(1, "answered", "back"), SOON, False, "given_back", 0, 5),
        # Hung up, or the phone lost, while it was told of.
        (stands(1, "answered", presence="gone"), SOON, False, "given_back", 0, 5),
        # Withdrawn by us: but if an agent took it in that moment, he has it.
        (stands(1, presence="gone"), SOON, True, "withdrawn", 0, 0),
        (stands(1, "answered", "taken"), SOON, True, "taken", 0, 0),
        # The queue lets nobody in: less and less often.
        (stands(1, "left"), SOON, False, "no_agents", 1, 2),
        (stands(1, "left"), LATE, False, "no_agents", 0, 0),
        (stands(1, presence="gone"), SOON, False, "gone", 1, 2),
        (stands(1, presence="gone"), LATE, False, "gone", 0, 0),
    ],
)
def test_what_came_of_a_placement(
    one: Standing, now: datetime, withdrawn: bool, outcome: str, fruitless: int, pause: int
) -> None:
    what = ended(one, now, withdrawn=withdrawn)
    assert (what.outcome, what.fruitless) == (outcome, fruitless)
    assert what.pause == timedelta(seconds=pause)
    assert what.agent == (AGENT if one.answered else None)


def test_an_agent_without_a_mail_address_gets_nothing_and_is_told() -> None:
    one = replace(stands(1, "answered", "taken"), reachable=False)
    what = ended(one, SOON, withdrawn=False)
    assert isinstance(what, Ended)
    assert (what.outcome, what.fruitless) == ("given_back", 1)
    assert "ccm agent email" in what.reason


def test_emails_after_calls_keep_their_order_and_are_below_every_call() -> None:
    assert [priority_in_queue(p, after_calls=False) for p in (0, 10, 1000)] == [0, 10, 1000]
    after = [priority_in_queue(p, after_calls=True) for p in (0, 10, 1000)]
    assert after == sorted(after)
    assert max(after) < 0


@pytest.mark.parametrize(
    ("sender", "subject", "wanted"),
    [
        ("Ada Byron", "Invoice 12", "Ada Byron - Invoice 12"),
        ("ada@x.example", "", "ada@x.example"),
        ("", "", ""),
        ("Jörg", "Straße", "Jörg - Straße"),
        ("a,b=c", "${SHELL(id)}\r\nAction: x;&|", "a b c - SHELL id Action x"),
        ("\u202eevil\u0000", "\x1b[31mred", "evil - 31mred"),
        ("x" * 50, "y" * 50, "x" * 50 + " - " + "y" * 7),
    ],
)
def test_what_a_phone_shows(sender: str, subject: str, wanted: str) -> None:
    assert shown(replace(item(1), sender=sender, subject=subject)) == wanted


def test_what_asterisk_is_asked() -> None:
    one = replace(item(7, priority=3), sender="Ada, Byron", subject="Bill\r\nX")
    attempt = Attempt("ccmwk-x", NOON, NOON + VALID)
    fields = originate(one, attempt, 2, after_calls=False)
    assert fields["Channel"] == f"Local/{one.id.hex}@ccm-work-turn/n"
    assert fields["OtherChannelId"] == "ccmwk-x;2"
    assert "CCM_WORK_NAME=Ada Byron - Bill X" in fields["Variable"]
    assert "CCM_WORK_PRIO=3" in fields["Variable"]
    assert all("," not in value and "\n" not in value for value in fields["Variable"])
    with pytest.raises(ValueError, match="does not let the name"):
        originate(replace(one, queue="a,b"), attempt, 2, after_calls=False)


@pytest.mark.parametrize(
    ("interface", "key"),
    [
        ("PJSIP/1001", "1001"), ("Local/1001@desk/n", "1001"), ("SIP/ada.b", "ada.b"),
        ("1001", None), ("PJSIP/", None), ("PJSIP/a b", None), ("PJSIP/ä", None),
    ],
)  # fmt: skip
def test_the_name_of_an_agent_in_a_device_state(interface: str, key: str | None) -> None:
    assert busy_key(interface) == key


@pytest.mark.parametrize(
    ("working", "interrupt", "offered", "busy"),
    [
        (0, False, False, False), (1, False, False, True), (3, False, True, True),
        (0, True, True, False), (1, True, True, False),
        # Two of two: calls may come, and emails only when none could be offered to him.
        (2, True, False, False), (2, True, True, True), (3, True, False, False),
    ],
)  # fmt: skip
def test_who_works_on_email_is_busy_unless_calls_interrupt(
    working: int, interrupt: bool, offered: bool, busy: bool
) -> None:
    load = Load("PJSIP/1001", working, capacity=2, calls_interrupt=interrupt)
    assert is_busy(load, offered=offered) is busy


@pytest.mark.parametrize(
    ("loads", "straight"),
    [
        ([], set()),
        # One call or two emails, never both: app_queue offers nothing to who has any.
        ([Load("a", 0, 2, False), Load("b", 1, 2, False), Load("a", 2, 2, False)], set()),
        # Calls may come beside emails: up to the second one app_queue offers both.
        ([Load("a", 0, 2, True), Load("b", 1, 2, True)], set()),
        ([Load("a", 2, 2, True), Load("b", 1, 2, True)], {"support", "sales"}),
        ([Load("a", 0, 2, True), Load("b", 3, 2, True)], {"support"}),
        # No email at all.
        ([Load("b", 0, 0, False)], {"support"}),
        ([Load("b", 1, 0, False)], set()),
        # Not logged in, or paused.
        ([Load("c", 2, 2, True)], set()),
    ],
)
def test_where_app_queue_would_offer_more_emails_than_somebody_may_have(
    loads: list[Load], straight: set[str]
) -> None:
    queues: dict[str, set[str]] = {"a": {"support", "sales"}, "b": {"support"}}
    assert work.served_straight(loads, lambda who: queues.get(who, set())) == straight


@pytest.mark.parametrize(
    ("waiting", "standing", "what"),
    [
        ([2, 3], [], 2),
        ([2], [stands(1)], "ccmwk-1"),
        ([(2, 10)], [stands(1)], 2),
        # Somebody else is offered it, or hears of it; it is on its way; it is not in his queue.
        ([2], [stands(1, offered=True)], 2),
        ([2], [stands(1, "answered")], 2),
        ([2], [stands(1, presence="gone")], 2),
        ([2], [replace(stands(1), straight=True)], 2),
        ([], [replace(stands(1), item=replace(item(1, state="queued"), queue="sales"))], None),
        ([], [], None),
    ],
)
def test_a_further_email_is_the_first_that_nobody_is_offered(
    waiting: list[int | tuple[int, int]], standing: list[Standing], what: int | str | None
) -> None:
    items = [item(one) if isinstance(one, int) else item(*one) for one in waiting]
    found = work.further(items, standing, {"support"})
    shown_as = found.number if isinstance(found, Item) else found.id if found else None
    assert shown_as == what


def test_what_asterisk_is_asked_for_a_further_one() -> None:
    one = replace(item(7), sender='Ada "A", Byron', subject="Bill")
    attempt = Attempt("ccmwk-x", NOON, NOON + VALID)
    fields = work.originate_straight(one, attempt, "PJSIP/1001")
    assert (fields["Channel"], fields["CallerID"]) == ("PJSIP/1001", '"Ada A Byron - Bill" <7>')
    for bad in ("PJSIP/1001,x", "PJSIP/1\r\nAction: y", "1001", "PJSIP/"):
        with pytest.raises(ValueError, match="does not let"):
            work.originate_straight(one, attempt, bad)
