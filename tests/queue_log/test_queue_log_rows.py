"""Lines of queue_log, keys of rows, and the stays that rows of one call tell."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from ccmiddleware.facts import EndedBy
from ccmiddleware.queue_log.rows import REMEMBERED_SECONDS, Keys, Line, parse
from ccmiddleware.queue_log.stays import Ring, Stay, Talk, Told, stays

BEGIN = 1795817559
CALL = "1795817559.0"


def at(seconds: float) -> datetime:
    return datetime.fromtimestamp(BEGIN, UTC) + timedelta(seconds=seconds)


def line(text: str) -> Line:
    parsed = parse(text.encode())
    assert parsed is not None
    return parsed


def told(text: str) -> list[Stay]:
    """The stays of pasted rows: seconds, queue, agent, event and data."""
    rows = []
    for row in text.strip().splitlines():
        seconds, rest = row.strip().split("|", 1)
        rows.append(line(f"{BEGIN + int(seconds)}|{CALL}|{rest}"))
    return stays(rows)


@pytest.mark.parametrize(
    ("text", "row"),
    [
        (
            "1795817559|1795817559.0|support|NONE|ENTERQUEUE||12025550131|1",
            Line(at(0), CALL, "support", "NONE", "ENTERQUEUE", ("", "12025550131", "1")),
        ),
        (
            "1795817560|pbx-1795817559.0|a b|Jörg Müller|SOMETHINGNEW",
            Line(at(1), "pbx-1795817559.0", "a b", "Jörg Müller", "SOMETHINGNEW", ()),
        ),
        (
            "1795817559|NONE|NONE|NONE|QUEUESTART|",
            Line(at(0), "NONE", "NONE", "NONE", "QUEUESTART", ("",)),
        ),
        (
            # Asterisk died in the middle of a line; its next start wrote on behind it.
            "1795817550|1795817550.1|support|NO1795817559|NONE|NONE|NONE|QUEUESTART|",
            Line(at(0), "NONE", "NONE", "NONE", "QUEUESTART", ("",)),
        ),
        (
            "\0\0\0" + "1795817559|c|q|a|PAUSE|lunch\x1b[2J",
            Line(at(0), "c", "q", "a", "PAUSE", ("lunch\ufffd[2J",)),
        ),
    ],
)
def test_a_line_is_a_row(text: str, row: Line) -> None:
    assert parse(text.encode()) == row


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"1795817559|c|q|a",
        b"1795817559|c|q|a|",
        b"now|c|q|a|ENTERQUEUE|",
        b"-5|c|q|a|ENTERQUEUE|",
        "١٧٩٥|c|q|a|ENTERQUEUE|".encode(),
        b"99999999999999999999|c|q|a|ENTERQUEUE|",
        b"\xff\xfe\x00\x01",
        b"1795817559" + b"|x" * 1000,
    ],
)
def test_garbage_is_none(text: bytes) -> None:
    assert parse(text) is None


def test_bytes_that_are_no_utf8_are_kept_visible() -> None:
    parsed = parse(b"1795817559|c|q|J\xf6rg|CONNECT|1|x|0")
    assert parsed is not None
    assert parsed.agent == "J\ufffdrg"


def keys_of(lines: Sequence[str]) -> list[object]:
    keys = Keys()
    return [keys.of(text.encode(), line(text).at) for text in lines]


def test_keys_tell_equal_rows_apart_and_are_the_same_each_time() -> None:
    lines = [
        f"{BEGIN}|{CALL}|q|a|RINGNOANSWER|0",
        f"{BEGIN}|{CALL}|q|b|RINGNOANSWER|0",
        f"{BEGIN}|{CALL}|q|a|RINGNOANSWER|0",
        f"{BEGIN + 1}|{CALL}|q|a|RINGNOANSWER|0",
        f"{BEGIN}|{CALL}|q|a|RINGNOANSWER|0",
    ]
    assert len(set(keys_of(lines))) == len(lines)
    assert keys_of(lines) == keys_of(lines)


def test_counting_does_not_grow_for_ever() -> None:
    keys = Keys()
    for second in range(1000):
        keys.of(b"x", at(second))
    assert len(keys._counts) <= 2 * REMEMBERED_SECONDS + 2


def test_an_answered_call() -> None:
    (stay,) = told(
        """
        0|support|NONE|ENTERQUEUE||12025550131|2
        5|support|Alice Arnold|RINGNOANSWER|4000
        9|support|Jörg Müller|CONNECT|9|1795817565.15|3
        20|support|Jörg Müller|COMPLETEAGENT|9|11|2
        """
    )
    assert stay == Stay(
        "support",
        at(0),
        2,
        "12025550131",
        "answered",
        at(9),
        [Ring("Alice Arnold", at(1), at(5), refused=True)],
        Talk("Jörg Müller", at(6), at(9), "1795817565.15", at(20), "agent", 11.0),
    )
    assert Told(CALL, [stay]).over
    assert Told(CALL, [stay]).last_at == at(20)


@pytest.mark.parametrize(
    ("row", "outcome"),
    [
        ("NONE|ABANDON|1|1|8", "abandoned"),
        ("NONE|EXITWITHTIMEOUT|1|1|8", "timed_out"),
        ("NONE|EXITWITHKEY|1|1|1|8", "left_by_key"),
        ("NONE|EXITEMPTY|1|1|8", "no_agents"),
        ("NONE|WITHDRAW|1|1|8|moved", "withdrawn"),
    ],
)
def test_ways_to_leave(row: str, outcome: str) -> None:
    (stay,) = told(f"0|q|NONE|ENTERQUEUE||x|1\n8|q|{row}")
    assert (stay.outcome, stay.left_at, stay.talk) == (outcome, at(8), None)


@pytest.mark.parametrize(
    ("row", "ended_by"),
    [
        ("COMPLETECALLER|1|7|1", "caller"),
        ("COMPLETEAGENT|1|7|1", "agent"),
        ("BLINDTRANSFER|1002|agents|1|7|1", "transfer"),
        ("ATTENDEDTRANSFER|BRIDGE|7e5283de-6d0c-479e-bc65-b3d60622f088|1|7|1", "transfer"),
        ("ATTENDEDTRANSFER|LINK|Local/a@b-1;1|Local/a@b-1;2|1|7|1", "transfer"),
        ("TRANSFER|1002|agents|1|7|1", "transfer"),
    ],
)
def test_ways_to_end_a_talk(row: str, ended_by: str) -> None:
    (stay,) = told(f"0|q|NONE|ENTERQUEUE||x|1\n1|q|a|CONNECT|1|u|0\n8|q|a|{row}")
    assert stay.talk is not None
    assert (stay.talk.ended_by, stay.talk.ended_at, stay.talk.seconds) == (ended_by, at(8), 7.0)


def test_an_end_that_comes_after_the_next_queue_was_joined() -> None:
    first, second = told(
        """
        0|support|NONE|ENTERQUEUE||x|1
        1|support|a|CONNECT|1|u|0
        5|sales|NONE|ENTERQUEUE||x|1
        5|support|a|BLINDTRANSFER|100|agents|1|4|1
        9|sales|NONE|ABANDON|1|1|4
        """
    )
    assert first.talk is not None
    assert first.talk.ended_by == "transfer"
    assert second.outcome == "abandoned"


def test_a_call_that_came_to_the_place_of_another_channel() -> None:
    first, second = told(
        """
        0|support|NONE|ENTERQUEUE||x|1
        1|support|a|CONNECT|1|u|0
        8|support|a|ATTENDEDTRANSFER|APP|Queue|1|7|1
        12|sales|b|CONNECT|6|v|1
        20|sales|b|COMPLETECALLER|6|8|1
        """
    )
    assert (first.queue, second.queue) == ("support", "sales")
    assert (second.joined_at, second.outcome, second.left_at) == (at(6), "answered", at(12))


def test_a_call_that_goes_on_is_not_over() -> None:
    waits = told("0|q|NONE|ENTERQUEUE||x|1")
    talks = told("0|q|NONE|ENTERQUEUE||x|1\n1|q|a|CONNECT|1|u|0")
    again = told(
        "0|q|NONE|ENTERQUEUE||x|1\n1|q|NONE|EXITWITHTIMEOUT|1|1|1\n2|q|NONE|ENTERQUEUE||x|1"
    )
    for going_on in (waits, talks, again):
        assert not Told(CALL, going_on).over
        assert Told(CALL, going_on, died_at=at(60)).over
    assert not Told(CALL, []).over


def test_fields_that_are_missing_or_no_numbers_do_no_harm() -> None:
    (stay,) = told(
        """
        0|q|NONE|ENTERQUEUE
        2|q|a|RINGNOANSWER|-1
        3|q|a|CONNECT
        5|q|a|COMPLETECALLER|x|y|z
        """
    )
    assert (stay.position, stay.caller) == (1, "")
    assert stay.rings == [Ring("a", at(2), at(2), refused=True)]
    assert stay.talk == Talk("a", at(3), at(3), "", at(5), "caller", None)


MET = f"""
    0|spring|NONE|CCMDIALSTEP|answered|{BEGIN}100|
    0|spring|Local/1@agent-request/n|CCMDIALSTEP|connected|{BEGIN}102|+12025550131
"""


@pytest.mark.parametrize(
    ("end", "ended_at", "ended_by"),
    [
        ("", None, None),
        (f"20|spring|NONE|CCMDIALSTEP|ended|{BEGIN + 20}400|16|Up|party", at(20.4), "caller"),
        (f"20|spring|NONE|CCMDIALSTEP|ended|{BEGIN + 20}400|16|Up|agent", at(20.4), "agent"),
    ],
)
def test_a_call_that_was_joined_with_one_agent_is_a_talk_in_no_queue(
    end: str, ended_at: datetime | None, ended_by: EndedBy | None
) -> None:
    (stay,) = told(f"{MET}{end}")
    talk = Talk("Local/1@agent-request/n", at(0.102), at(0.102), "", ended_at, ended_by)
    assert stay == Stay(
        "spring", at(0.102), 1, "+12025550131", "answered", at(0.102), talk=talk, direct=True
    )
    assert Told(CALL, [stay]).over == (ended_at is not None)


@pytest.mark.parametrize(
    "row",
    [
        f"0|spring|NONE|CCMDIALSTEP|queued|{BEGIN}101|",
        f"1|spring|NONE|CCMDIALSTEP|dropped|{BEGIN + 1}101|",
    ],
)
def test_a_call_for_a_queue_and_one_that_was_dropped_is_no_talk_of_that_kind(row: str) -> None:
    assert told(f"{MET}{row}") == []
