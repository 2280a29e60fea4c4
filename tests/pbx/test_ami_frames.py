"""Cutting and reading frames: any chunks give the same events, fast and slow reading agree."""

import itertools
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ccmiddleware.pbx import frames
from ccmiddleware.pbx.events import Event, Hangup, QueueCallerJoin, QueueMember, QueueStatusSet
from ccmiddleware.plaintext import MAX_LENGTH, plain

READ_AT = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)

CHANNEL = (
    "ChannelState: 6\r\nChannelStateDesc: Up\r\nCallerIDNum: 4930123456\r\n"
    "CallerIDName: Jürgen Müller 🙂\r\nConnectedLineNum: <unknown>\r\n"
    "ConnectedLineName: <unknown>\r\nLanguage: en\r\nAccountCode: \r\nContext: from-trunk\r\n"
    "Exten: 100\r\nPriority: 3\r\nUniqueid: 1772366400.12\r\nLinkedid: 1772366400.12\r\n"
)
# The shapes that Asterisk 22 sends: an event with a channel, variables, a list answer, CLI output.
STREAM = (
    "Asterisk Call Manager/11.0.0\r\n"
    "Response: Success\r\nActionID: a/1\r\nMessage: Authentication accepted\r\n\r\n"
    "Event: FullyBooted\r\nPrivilege: system,all\r\nUptime: 3\r\nLastReload: 3\r\n"
    "Status: Fully Booted\r\n\r\n"
    f"Event: Newchannel\r\nPrivilege: call,all\r\nChannel: PJSIP/trunk-00000004\r\n{CHANNEL}\r\n"
    f"Event: VarSet\r\nPrivilege: dialplan,all\r\nChannel: PJSIP/trunk-00000004\r\n{CHANNEL}"
    "Variable: QUEUESTATUS\r\nValue: TIMEOUT\r\n\r\n"
    f"Event: QueueCallerJoin\r\nPrivilege: agent,all\r\nChannel: PJSIP/trunk-00000004\r\n{CHANNEL}"
    "Queue: sales\r\nPosition: 1\r\nCount: 1\r\n\r\n"
    "Response: Success\r\nActionID: a/2\r\nMessage: Command output follows\r\n"
    "Output: sales has 1 calls (max unlimited)\r\nOutput: \r\nOutput:    Members: \r\n\r\n"
    "Response: Success\r\nActionID: a/3\r\nEventList: start\r\nMessage: will follow\r\n\r\n"
    "Event: QueueMember\r\nQueue: sales\r\nName: Anna\r\nLocation: PJSIP/1001\r\nPenalty: 0\r\n"
    "ActionID: a/3\r\nPaused: 0\r\nPausedReason: \r\n\r\n"
    "Event: QueueStatusComplete\r\nActionID: a/3\r\nEventList: Complete\r\nListItems: 1\r\n\r\n"
    f"Event: Hangup\r\nPrivilege: call,all\r\nChannel: PJSIP/trunk-00000004\r\n{CHANNEL}"
    "Cause: 16\r\nCause-txt: Normal Clearing\r\nChanVariable: A=1\r\nChanVariable: B=2\r\n\r\n"
).encode()


def cut(stream: bytes, cuts: list[int]) -> list[bytes]:
    """The stream in chunks that end at these places."""
    places = sorted({0, len(stream), *(place % (len(stream) + 1) for place in cuts)})
    return [stream[a:b] for a, b in itertools.pairwise(places)]


def split(chunks: list[bytes], limit: int = frames.MAX_FRAME) -> tuple[list[bytes], int]:
    splitter = frames.Splitter(limit)
    found = [frame for chunk in chunks for frame in splitter.feed(chunk)]
    return found, splitter.too_long


def read_all(whole: list[bytes]) -> list[Event]:
    """The events that are used, as the link reads them."""
    reader = frames.EventReader()
    return [
        reader.read(frames.event_name(frame), frame, READ_AT)
        for frame in whole
        if frame.startswith(frames.EVENT) and frames.is_wanted(frames.event_name(frame), frame)
    ]


def read(frame: str | bytes) -> Event:
    """One frame, read twice: the second time with its layout known."""
    data = frame if isinstance(frame, bytes) else frame.encode()
    first, second = read_all([data, data])
    assert first == second
    return first


@pytest.mark.parametrize(
    ("lines", "wanted"),
    [
        ("Event: DialBegin\r\nDestChannel: PJSIP/1001-00000002", True),
        ("Event: DialBegin\r\nDestChannel: Local/1001@agents-00000003;1", False),
        ("Event: DialEnd\r\nDestChannel: PJSIP/1001-00000002\r\nDialStatus: BUSY", True),
        ("Event: DialEnd\r\nDestChannel: PJSIP/1001-00000002\r\nDialStatus: ANSWER", False),
        ("Event: DialEnd\r\nDestChannel: PJSIP/1001-2\r\nDialStatus: ANSWER\r\nForward: x", False),
        ("Event: VarSet\r\nVariable: QUEUESTATUS\r\nValue: TIMEOUT", True),
        ("Event: VarSet\r\nVariable: BRIDGEPEER\r\nValue: x", False),
        ("Event: Newexten", False),
    ],
)
def test_what_means_nothing_to_anybody_is_not_read(lines: str, wanted: bool) -> None:
    frame = lines.encode()
    assert frames.is_wanted(frames.event_name(frame), frame) is wanted


@pytest.mark.parametrize(
    ("ids", "wanted"),
    [
        (b"ActionID: 7f3a\r\nUniqueid: 1795818954.29", False),
        (b"ActionID: ccm-lead-17\r\nUniqueid: <null>", True),
        (b"ActionID: 7f3a\r\nUniqueid: ccm-barge.root.0123", True),
        (b"ActionID: 7f3a\r\nAppData: Uniqueid: ccm", False),
    ],
)
def test_what_became_of_a_channel_is_wanted_of_our_own(ids: bytes, wanted: bool) -> None:
    frame = b"Event: OriginateResponse\r\n" + ids + b"\r\nReason: 4"
    assert frames.is_wanted(b"OriginateResponse", frame) is wanted


@pytest.mark.parametrize("unfilled", ["<unknown>", "<null>", "(null)", ""])
def test_an_unfilled_value_is_empty_also_where_the_layout_is_known(unfilled: str) -> None:
    frame = "Event: Hangup\r\nChannel: PJSIP/1-1\r\nCallerIDName: {}\r\nExten: s\r\nCause: 16"
    reader = frames.EventReader()
    first, second, third = (
        reader.read(b"Hangup", frame.format(value).encode(), READ_AT)
        for value in ("Ann", unfilled, f"{unfilled}!")
    )
    assert [one.caller_name for one in (first, second, third)] == ["Ann", "", f"{unfilled}!"]
    assert second.exten == "s"


# --- cutting ----------------------------------------------------------------------------------


@given(st.lists(st.integers(min_value=0), max_size=60))
def test_any_chunks_give_the_same_events(cuts: list[int]) -> None:
    whole, _ = split([STREAM])
    in_chunks, _ = split(cut(STREAM, cuts))
    assert in_chunks == whole
    events = read_all(in_chunks)
    assert [event.NAME for event in events] == [
        "FullyBooted",
        "Newchannel",
        "VarSet",
        "QueueCallerJoin",
        "QueueMember",
        "QueueStatusComplete",
        "Hangup",
    ]
    assert events[1].caller_name == "Jürgen Müller 🙂"


def test_byte_by_byte() -> None:
    assert split([bytes([byte]) for byte in STREAM]) == split([STREAM])


@given(
    st.lists(st.integers(min_value=0, max_value=60), min_size=1, max_size=12),
    st.lists(st.integers(min_value=0), max_size=30),
)
def test_too_long_frames_are_dropped_however_they_come(sizes: list[int], cuts: list[int]) -> None:
    sent = [b"Event: " + b"x" * size for size in sizes]
    stream = frames.BANNER + b"9\r\n" + b"".join(frame + b"\r\n\r\n" for frame in sent)
    limit = 40
    kept = [frame for frame in sent if len(frame) <= limit]
    assert split(cut(stream, cuts), limit) == (kept, len(sent) - len(kept))


def test_banner_is_taken_from_the_first_line() -> None:
    splitter = frames.Splitter()
    assert splitter.feed(b"Asterisk Call Mana") == []
    assert splitter.banner == ""
    assert splitter.feed(b"ger/9.0.0\r\nEvent: X\r\n\r\n") == [b"Event: X"]
    assert splitter.banner == "Asterisk Call Manager/9.0.0"


@pytest.mark.parametrize("said", [b"220 mail ESMTP\r\n", b"\x16\x03\x01", b"Asterisk" + b"x" * 300])
def test_other_services_are_told_apart(said: bytes) -> None:
    with pytest.raises(frames.NotAmi, match="no Asterisk manager interface"):
        frames.Splitter().feed(said)


def test_endless_banner_is_refused() -> None:
    splitter = frames.Splitter()
    splitter.feed(frames.BANNER)
    with pytest.raises(frames.NotAmi):
        splitter.feed(b"9" * 300)


# --- reading ----------------------------------------------------------------------------------

VALUES = st.one_of(
    st.sampled_from(["", "<unknown>", "<null>", "(null)", "a: b", ": ", " ", "1", "x" * 1025, "ü"]),
    st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"]), max_size=30),
    st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=30),
)
NAMES = st.sampled_from(
    ["Channel", "Uniqueid", "CallerIDName", "Context", "Privilege", "ChanVariable", "Queue", "X-Y"]
)
LAYOUTS = st.lists(NAMES, max_size=8)


@settings(max_examples=200)
@given(st.lists(st.tuples(LAYOUTS, st.lists(VALUES, min_size=8, max_size=8)), max_size=12))
def test_remembered_layouts_change_nothing(sent: list[tuple[list[str], list[str]]]) -> None:
    """However layouts and values follow each other, each frame reads as if it were the first."""
    whole = [
        (
            "Event: QueueCallerJoin\r\n"
            + "".join(f"{n}: {v}\r\n" for n, v in zip(names, values, strict=False))
        )
        .removesuffix("\r\n")
        .encode()
        for names, values in sent
    ]
    assert read_all(whole) == [read_all([frame])[0] for frame in whole]


def test_printable_text_is_plain() -> None:
    for code in range(0x110000):
        assert plain(chr(code)) == chr(code) or not chr(code).isprintable(), hex(code)


def test_values_are_cleaned() -> None:
    event = read(
        b"Event: QueueCallerJoin\r\nCallerIDNum: <unknown>\r\nLinkedid: <null>\r\n"
        b"Uniqueid: (null)\r\nCallerIDName: \xff\x00\x1b[2J\xe2\x80\xae\r\n"
        b"Queue: a: b\r\nExten:1\r\nno header\r\nChannel: " + b"x" * 2000
    )
    assert isinstance(event, QueueCallerJoin)
    assert (event.caller_num, event.linkedid, event.uniqueid) == ("", "", "")
    assert event.caller_name == "\ufffd\ufffd\ufffd[2J\ufffd"
    assert (event.queue, event.exten) == ("a: b", "1")
    assert event.channel == "x" * MAX_LENGTH


def test_empty_last_header_and_repeated_headers() -> None:
    member = read("Event: QueueMember\r\nQueue: sales\r\nPausedReason: ")
    assert isinstance(member, QueueMember)
    assert (member.queue, member.paused_reason) == ("sales", "")
    found = frames.pairs(b"Response: Success\r\nChanVariable: A=1\r\nChanVariable: B=2\r\nLast: ")
    assert found[1:] == [("ChanVariable", "A=1"), ("ChanVariable", "B=2"), ("Last", "")]


@pytest.mark.parametrize(
    ("stamp", "at"),
    [
        ("1772366400.250000", datetime(2026, 3, 1, 12, 0, 0, 250_000, tzinfo=UTC)),
        ("1772366400", READ_AT),
        ("", READ_AT),
        ("soon", READ_AT),
        ("1e300", READ_AT),
        ("nan", READ_AT),
        ("<unknown>", READ_AT),
    ],
)
def test_asterisks_own_time_if_it_has_one(stamp: str, at: datetime) -> None:
    assert read(f"Event: Hangup\r\nTimestamp: {stamp}\r\nUniqueid: 1.1").at == at


def test_time_of_reading_without_timestamp() -> None:
    assert read("Event: Hangup\r\nUniqueid: 1.1").at == READ_AT


def test_headers_do_not_set_what_is_ours() -> None:
    event = read("Event: Hangup\r\nat: 1\r\nEvent: Newchannel\r\nUniqueid: 1.1")
    assert isinstance(event, Hangup)
    assert event.at == READ_AT


@pytest.mark.parametrize("cause", ["", "<unknown>", "(null)"])
def test_number_that_is_not_filled_counts_as_not_sent(cause: str) -> None:
    event = read(f"Event: Hangup\r\nUniqueid: 1.1\r\nCause: {cause}\r\nChannel: ")
    assert isinstance(event, Hangup)
    assert (event.uniqueid, event.cause, event.channel) == ("1.1", 0, "")


@pytest.mark.parametrize("cause", ["sixteen", "1.5", "0x10", "-"])
def test_number_that_is_none_is_told(cause: str) -> None:
    with pytest.raises(ValueError, match=r"Hangup: .*Cause"):
        read(f"Event: Hangup\r\nUniqueid: 1.1\r\nCause: {cause}")


def test_only_the_variable_that_is_used() -> None:
    set_it = b"Event: VarSet\r\nVariable: QUEUESTATUS\r\nValue: FULL"
    assert frames.is_wanted(b"VarSet", set_it)
    event = read(set_it)
    assert isinstance(event, QueueStatusSet)
    assert event.value == "FULL"
    assert not frames.is_wanted(b"VarSet", set_it.replace(b"QUEUESTATUS", b"QUEUESTATUSES"))
    assert not frames.is_wanted(b"Newexten", b"Event: Newexten")


def test_a_varset_is_idle_when_it_sets_another_variable() -> None:
    set_it = b"Event: VarSet\r\nVariable: QUEUESTATUS\r\nValue: FULL"
    assert not frames.is_idle_varset(set_it)
    assert frames.is_idle_varset(set_it.replace(b"QUEUESTATUS", b"BRIDGEPEER"))
    assert not frames.is_idle_varset(b"Event: VarSets\r\nVariable: BRIDGEPEER")
    assert not frames.is_idle_varset(b"Event: Hangup\r\nVariable: BRIDGEPEER")


def test_layouts_are_bounded() -> None:
    reader = frames.EventReader()
    for count in range(100):
        frame = b"Event: Hangup" + b"\r\nChanVariable: A=1" * count
        assert reader.read(b"Hangup", frame, READ_AT) == Hangup(at=READ_AT)
    assert len(reader._layouts[b"Hangup"]) <= 8
