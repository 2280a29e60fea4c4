"""What is told of attempts, in any order and however often, and what came of each."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import permutations
from uuid import UUID, uuid4

import pytest

from ccmiddleware.dialer.attempts import Claimed, Ended
from ccmiddleware.dialer.steps import Kind, Response, Step
from ccmiddleware.dialer.under_way import LONGEST_RING, SETTLE, News, UnderWay

NOW = datetime(2026, 11, 30, 15, 0, tzinfo=UTC)
ID = UUID("01a2220c-813a-783a-8a73-3dbab567fd59")
CLAIMED = Claimed(ID, 7, "+13055550142", "+12025550100", "one")
AGENT = "Local/1001@agent-request/n"

Tell = Callable[[UnderWay], list[News]]


def after(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def begun(*, detects: bool = False) -> UnderWay:
    under_way = UnderWay()
    under_way.begin(CLAIMED, NOW, detects=detects)
    under_way.dialed(ID, after(0.01))
    return under_way


def step(kind: Kind, seconds: float, *parts: str, interface: str = "") -> Tell:
    made = Step(ID, kind, after(seconds), parts, interface)
    return lambda under_way: under_way.step(made, after(seconds))


def response(*, success: bool, seconds: float, reason: int = 0) -> Tell:
    return lambda under_way: under_way.responded(ID, Response(success, reason), after(seconds))


def hangup(cause: int, seconds: float) -> Tell:
    return lambda under_way: under_way.hung_up(ID, cause, after(seconds))


CONNECTED = [
    response(success=True, seconds=9),
    step(Kind.ANSWERED, 9),
    step(Kind.QUEUED, 9.1),
    step(Kind.CONNECTED, 9.5, interface=AGENT),
    step(Kind.ENDED, 99, "16", "Up"),
    hangup(16, 99),
]
DROPPED = [
    response(success=True, seconds=9),
    step(Kind.ANSWERED, 9),
    step(Kind.DROPPED, 11),
    step(Kind.MESSAGE, 11, "harbour"),
    step(Kind.OPTED_OUT, 13, "9"),
    step(Kind.ENDED, 13, "16", "Up"),
]
BUSY = [
    response(success=False, seconds=2, reason=5),
    step(Kind.FAILED, 2, "5"),
    step(Kind.ENDED, 2, "17", "Down"),
    hangup(17, 2),
]
NO_ANSWER = [response(success=False, seconds=25, reason=3), step(Kind.ENDED, 25, "19", "Ringing")]
HUNG_UP = [step(Kind.ANSWERED, 9), step(Kind.ENDED, 10, "16", "Up")]
MACHINE = [
    step(Kind.ANSWERED, 9),
    step(Kind.MACHINE, 11, "2000", "TOOLONG-2000-2000"),
    step(Kind.ENDED, 11, "16", "Up"),
]


def play(told: list[Tell], *, detects: bool = False) -> tuple[list[str], Ended]:
    under_way = begun(detects=detects)
    news = [one.what for tell in told for one in tell(under_way)]
    (ended,) = under_way.over(after(200))
    under_way.forget(ID)
    assert under_way.over(after(200)) == []
    return news, ended


@pytest.mark.parametrize(
    ("told", "detects", "news", "result", "cause"),
    [
        (CONNECTED, False, ["answered", "connected"], "connected", 16),
        (DROPPED, False, ["answered", "abandoned"], "dropped", 16),
        (BUSY, False, ["ended"], "busy", 17),
        (NO_ANSWER, False, ["ended"], "no_answer", 19),
        (HUNG_UP, False, ["answered", "ended"], "hung_up", 16),
        (MACHINE, True, ["machine"], "machine", 16),
        # Detection that goes on: not told of as answered until it has decided.
        ([*HUNG_UP[:1], step(Kind.HUMAN, 10, "1000", "HUMAN-800-800"), *CONNECTED[2:]], True,
         ["answered", "connected"], "connected", 16),
        ([step(Kind.ENDED, 1, "1", "Down")], False, ["ended"], "failed", 1),
    ],
)  # fmt: skip
def test_what_the_pacing_hears_and_what_came_of_it(
    told: list[Tell], detects: bool, news: list[str], result: str, cause: int
) -> None:
    heard, ended = play(told, detects=detects)
    assert heard == news
    assert (ended.result, ended.cause, ended.lead) == (result, cause, 7)
    assert not ended.inferred
    # Told twice, nothing is heard twice.
    assert play([one for tell in told for one in (tell, tell)], detects=detects) == (heard, ended)


def test_times_and_the_agent_of_a_call() -> None:
    _, ended = play(CONNECTED)
    assert ended.dialed_at == after(0.01)
    assert (ended.answered_at, ended.connected_at, ended.at) == (after(9), after(9.5), after(99))
    assert (ended.live, ended.dropped, ended.interface) == (True, False, AGENT)
    _, ended = play(DROPPED)
    assert (ended.live, ended.dropped, ended.opted_out) == (True, True, True)


@pytest.mark.parametrize("told", [CONNECTED, DROPPED, BUSY, NO_ANSWER, HUNG_UP])
def test_the_order_in_which_it_is_told_changes_nothing(told: list[Tell]) -> None:
    _, wanted = play(told)
    for order in list(permutations(told))[::11]:
        _, ended = play(list(order))
        assert (ended.result, ended.cause, ended.live, ended.dropped) == (
            wanted.result, wanted.cause, wanted.live, wanted.dropped,
        )  # fmt: skip


def test_a_drop_counts_even_if_its_answer_was_not_told() -> None:
    _, ended = play([step(Kind.DROPPED, 11), step(Kind.ENDED, 12, "16", "Up")])
    assert (ended.result, ended.live, ended.dropped) == ("dropped", True, True)
    assert ended.answered_at == after(11)


def test_the_agent_is_told_once() -> None:
    under_way = begun()
    heard = [one for tell in CONNECTED for one in tell(under_way)]
    assert heard[1] == News("connected", ID, AGENT)


def test_last_steps_are_waited_for_when_only_the_hangup_was_told() -> None:
    under_way = begun()
    step(Kind.ANSWERED, 9)(under_way)
    hangup(16, 10)(under_way)
    assert under_way.over(after(10.5)) == []
    step(Kind.DROPPED, 9.9)(under_way)
    (ended,) = under_way.over(after(10) + SETTLE)
    assert ended.result == "dropped"


def test_what_asterisk_refuses_is_over_at_once() -> None:
    under_way = UnderWay()
    under_way.begin(CLAIMED, NOW)
    news = under_way.refused(ID, after(0.1), "Asterisk refused Originate: no such trunk")
    assert [one.what for one in news] == ["ended"]
    (ended,) = under_way.over(after(0.1))
    assert (ended.result, ended.dialed_at) == ("failed", None)
    assert "no such trunk" in ended.note


def test_what_nobody_saw_the_end_of_is_unknown() -> None:
    under_way = begun()
    assert under_way.silent(NOW + LONGEST_RING) == []
    assert under_way.silent(after(0.02) + LONGEST_RING) == [ID]
    news = under_way.lost(ID, after(200), "Asterisk has no such channel")
    assert [one.what for one in news] == ["ended"]
    (ended,) = under_way.over(after(200))
    assert (ended.result, ended.inferred) == ("unknown", True)
    assert ended.note == "Asterisk has no such channel"


def test_a_talk_is_not_asked_about_however_long_it_lasts() -> None:
    under_way = begun()
    for tell in CONNECTED[:4]:
        tell(under_way)
    assert under_way.silent(after(7200)) == []
    assert under_way.over(after(7200)) == []


def test_attempts_of_others_are_nobody_here() -> None:
    under_way = begun()
    other = uuid4()
    assert under_way.step(Step(other, Kind.ANSWERED, NOW), NOW) == []
    assert under_way.responded(other, Response(success=True), NOW) == []
    assert under_way.hung_up(other, 16, NOW) == []
    assert under_way.lost(other, NOW, "") == []
    assert under_way.refused(other, NOW, "") == []
    under_way.dialed(other, NOW)
    under_way.forget(other)
    assert list(under_way.attempts) == [ID]
