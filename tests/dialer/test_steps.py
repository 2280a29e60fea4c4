"""Steps of campaign calls: read from both witnesses alike, and folded into what became of it."""

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccmiddleware.dialer.retry import RESULTS
from ccmiddleware.dialer.steps import (
    Kind,
    Outcome,
    Response,
    Step,
    fold,
    from_event,
    from_queue_log,
)
from ccmiddleware.ids import dial_id
from ccmiddleware.pbx.events import UserEvent, typed
from ccmiddleware.queue_log.rows import Line, parse

ATTEMPT = UUID("0192f0c8-0000-7000-8000-00000000000a")
CHANNEL = dial_id(ATTEMPT, 1764237600)
T0 = datetime(2025, 11, 27, 10, 0, tzinfo=UTC)
MS0 = int(T0.timestamp() * 1000)
AGENT = "Local/1001@agent-request/n"


def after(milliseconds: int) -> datetime:
    return T0 + timedelta(milliseconds=milliseconds)


def row(name: str, milliseconds: int, detail: str = "", agent: str = "NONE") -> bytes:
    what = f"{name}|{MS0 + milliseconds}|{detail}"
    return f"1764237600|{CHANNEL}|spring|{agent}|CCMDIALSTEP|{what}".encode()


def step(name: str, milliseconds: int, detail: str = "", agent: str = "NONE") -> Step:
    line = parse(row(name, milliseconds, detail, agent))
    assert line is not None
    found = from_queue_log(line)
    assert found is not None
    return found


def event(name: str, milliseconds: int, detail: str = "", agent: str = "") -> UserEvent:
    headers = {
        "Event": "UserEvent", "UserEvent": "CcmDialStep", "Attempt": CHANNEL, "Step": name,
        "Ms": str(MS0 + milliseconds), "Detail": detail, "Interface": agent,
    }  # fmt: skip
    found = typed(headers, T0)
    assert isinstance(found, UserEvent)
    return found


# -- reading --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "detail", "agent", "parts"),
    [
        ("answered", "", "", ()),
        ("human", "1284|HUMAN-800-800", "", ("1284", "HUMAN-800-800")),
        ("human", "1900|", "", ("1900",)),
        ("connected", "", AGENT, ()),
        ("opted_out", "*", "", ("*",)),
        ("ended", "17|Ringing", "", ("17", "Ringing")),
    ],
)
def test_both_witnesses_tell_the_same_step(
    name: str, detail: str, agent: str, parts: tuple[str, ...]
) -> None:
    told = from_event(event(name, 1284, detail, agent))
    assert told == step(name, 1284, detail, agent or "NONE")
    assert told == Step(ATTEMPT, Kind(name), after(1284), parts, agent)


GOOD = parse(row("answered", 0))
JUNK: list[dict[str, object]] = [
    {"event": "CCMWORKSTEP"},
    {"event": "CONNECT"},
    {"call": "1764237600.17"},
    {"call": CHANNEL.replace("ccmat", "ccmwk")},
    {"call": ""},
    {"data": ()},
    {"data": ("answered",)},
    {"data": ("answered", "")},
    {"data": ("answered", "1764237600")},
    {"data": ("answered", "17642376000a0")},
    {"data": ("answered", "٣" * 13)},
    {"data": ("answered", "9" * 15)},
    {"data": ("ANSWERED", "1764237600000")},
    {"data": ("", "1764237600000")},
    {"data": ("message", "1764237600000", "x" * 201)},
    {"agent": "x" * 201},
]


@pytest.mark.parametrize("changes", JUNK)
def test_what_is_not_ours_or_not_whole_is_ignored(changes: dict[str, object]) -> None:
    assert GOOD is not None
    assert from_queue_log(GOOD) is not None
    assert from_queue_log(replace(GOOD, **changes)) is None  # type: ignore[arg-type]


def test_other_events_are_ignored() -> None:
    good = event("answered", 0)
    assert from_event(good) is not None
    for other in (
        UserEvent(at=T0, name="CcmCallbackStep", attempt=CHANNEL, step="answered"),
        UserEvent(at=T0, name="CcmDialStep"),
        UserEvent(at=T0, name="CcmDialStep", attempt=CHANNEL, step="answered"),
    ):
        assert from_event(other) is None


@given(st.lists(st.text(), min_size=4, max_size=4), st.lists(st.text(), max_size=5))
def test_reading_never_raises(texts: list[str], data: list[str]) -> None:
    from_queue_log(Line(T0, texts[0], texts[1], texts[2], "CCMDIALSTEP", tuple(data)))
    from_queue_log(Line(T0, CHANNEL, texts[1], texts[2], "CCMDIALSTEP", ("ended", f"{MS0}", *data)))
    from_event(
        UserEvent(
            at=T0, name="CcmDialStep", attempt=texts[0], step="ended", milliseconds=texts[1],
            detail=texts[2], interface=texts[3],
        )
    )  # fmt: skip


# -- folding --------------------------------------------------------------------------------

ANSWERED = step("answered", 0)
HUMAN = step("human", 1284, "1284|HUMAN-800-800")
QUEUED = step("queued", 1300)
CONNECTED = step("connected", 1750, agent=AGENT)
DROPPED = step("dropped", 2004)
MESSAGE = step("message", 2005, "custom/sorry")
PLAYED = step("played", 7000, "custom/sorry")
OPTED_OUT = step("opted_out", 6000, "9")
MACHINE = step("machine", 1515, "1515|MAXWORDS-3-2")
SAMPLED = step("sampled", 1515, "1515|MAXWORDS-3-2")
ENDED = step("ended", 9000, "16|Up")
A, E = T0, after(9000)

WAYS: dict[str, tuple[list[Step], Outcome]] = {
    "talking": (
        [ANSWERED, QUEUED, CONNECTED],
        Outcome(
            "connected", False, None, A, None, after(1750), live=True, interface=AGENT
        ),
    ),
    "talked": (
        [ANSWERED, HUMAN, QUEUED, CONNECTED, ENDED],
        Outcome(
            "connected", True, 16, A, after(484), after(1750), E, live=True, interface=AGENT,
            detected="human", detection_ms=1284,
        ),
    ),
    "the agent came late": (
        [ANSWERED, QUEUED, step("connected", 2100, agent=AGENT), ENDED],
        Outcome(
            "connected", True, 16, A, None, after(2100), E, live=True, dropped=True,
            interface=AGENT,
        ),
    ),
    "dropped, and the message is heard": (
        [ANSWERED, DROPPED, MESSAGE, PLAYED, ENDED],
        Outcome(
            "dropped", True, 16, A, None, None, E, live=True, dropped=True, played="custom/sorry"
        ),
    ),
    "dropped, and hung up during the message": (
        [ANSWERED, QUEUED, DROPPED, MESSAGE, ENDED],
        Outcome("dropped", True, 16, A, None, None, E, live=True, dropped=True),
    ),
    "dropped, the end is not known": (
        [ANSWERED, DROPPED],
        Outcome("dropped", False, None, A, live=True, dropped=True),
    ),
    "dropped and opted out": (
        [ANSWERED, DROPPED, MESSAGE, OPTED_OUT, ENDED],
        Outcome("dropped", True, 16, A, None, None, E, live=True, dropped=True, opted_out=True),
    ),
    "dropped in the moment in which an agent came": (
        [ANSWERED, QUEUED, step("connected", 2003, agent=AGENT), DROPPED, MESSAGE, ENDED],
        Outcome(
            "dropped", True, 16, A, None, after(2003), E, live=True, dropped=True, interface=AGENT
        ),
    ),
    "hung up within the clock": (
        [ANSWERED, step("ended", 1500, "0|Up")],
        Outcome("hung_up", True, 0, A, None, None, after(1500), live=True),
    ),
    "hung up before the dialplan began": (
        [step("ended", 10, "0|Up")],
        Outcome("hung_up", True, 0, ended_at=after(10), live=True),
    ),
    "taken for a machine, and heard by an agent": (
        [ANSWERED, SAMPLED, QUEUED, CONNECTED, ENDED],
        Outcome(
            "connected", True, 16, A, None, CONNECTED.at, E, live=True, interface=AGENT,
            detected="machine", detection_ms=1515, sampled=True,
        ),
    ),
    "a machine": (
        [ANSWERED, MACHINE, ENDED],
        Outcome("machine", True, 16, A, None, None, E, detected="machine", detection_ms=1515),
    ),
    "a machine that was told something": (
        [ANSWERED, MACHINE, MESSAGE, PLAYED, ENDED],
        Outcome(
            "machine", True, 16, A, None, None, E, played="custom/sorry", detected="machine",
            detection_ms=1515
        ),
    ),
    "agentless, heard": (
        [ANSWERED, MESSAGE, PLAYED, ENDED],
        Outcome("connected", True, 16, A, None, None, E, live=True, played="custom/sorry"),
    ),
    "agentless, not heard": (
        [ANSWERED, MESSAGE, ENDED],
        Outcome("hung_up", True, 16, A, None, None, E, live=True),
    ),
    "agentless, opted out": (
        [ANSWERED, MESSAGE, OPTED_OUT, ENDED],
        Outcome("connected", True, 16, A, None, None, E, live=True, opted_out=True),
    ),
    "agentless, asked for an agent who came when it was free": (
        [
            ANSWERED, MESSAGE, step("chose", 4000, "agent|1"), step("queued", 4001),
            step("connected", 30000, agent=AGENT),
        ],
        Outcome("connected", False, None, A, None, after(30000), live=True, interface=AGENT),
    ),
    "Asterisk died": ([ANSWERED, QUEUED], Outcome("unknown", False, None, A, live=True)),
    "nothing is known": ([], Outcome("unknown", False)),
    "busy": (
        [step("ended", 0, "17|Ringing"), step("failed", 2, "0")],
        Outcome("busy", True, 17, ended_at=T0),
    ),
    "rang out": (
        [step("ended", 0, "19|Ringing"), step("failed", 2, "3")],
        Outcome("no_answer", True, 19, ended_at=T0),
    ),
    "wrong number": (
        [step("ended", 0, "1|Down"), step("failed", 2, "0")],
        Outcome("failed", True, 1, ended_at=T0),
    ),
    "could not be dialled": ([step("failed", 2, "0")], Outcome("failed", True)),
}  # fmt: skip


@pytest.mark.parametrize("way", WAYS)
def test_what_became_of_it(way: str) -> None:
    steps, outcome = WAYS[way]
    assert fold(steps) == outcome
    assert outcome.result in RESULTS


@pytest.mark.parametrize("way", WAYS)
def test_order_and_doubling_change_nothing(way: str) -> None:
    steps, outcome = WAYS[way]
    dice = random.Random(way)
    for _ in range(10):
        mixed = [*steps, *dice.choices(steps, k=3)] if steps else []
        dice.shuffle(mixed)
        assert fold(mixed) == outcome


FAILED = Response(False)


@pytest.mark.parametrize(
    ("response", "cause", "result"),
    [
        (FAILED, 17, "busy"),
        (Response(False, 5), None, "busy"),
        (Response(False, 3), None, "no_answer"),
        (Response(False, 3), 19, "no_answer"),
        (None, 18, "no_answer"),
        (FAILED, 1, "failed"),
        (FAILED, 21, "failed"),
        (FAILED, 34, "failed"),
        (FAILED, None, "failed"),
        (None, 1, "failed"),
        (None, 0, "unknown"),
        (None, 16, "unknown"),
        (None, None, "unknown"),
        (Response(True, 4), 0, "hung_up"),
        (Response(True, 4), None, "unknown"),
    ],
)
def test_never_answered_is_told_by_response_and_cause(
    response: Response | None, cause: int | None, result: str
) -> None:
    found = fold([], response, cause)
    assert (found.result, found.cause) == (result, cause)
    assert found.live is (response is not None and response.success)
    refused = response is not None and not response.success
    assert found.over is (cause is not None or refused)


def test_the_limit_is_the_campaigns() -> None:
    steps = [ANSWERED, CONNECTED]
    assert not fold(steps).dropped
    assert fold(steps, limit=timedelta(seconds=1)).dropped


@given(st.sets(st.sampled_from([step for steps, _ in WAYS.values() for step in steps])))
def test_folding_never_raises_and_no_machine_is_a_drop(steps: set[Step]) -> None:
    found = fold(steps)
    assert found.result in RESULTS
    assert found.live or not found.dropped
