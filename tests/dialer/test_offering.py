"""Offers of leads: what is asked for one, and what is understood of what the dialplan tells."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccmiddleware.dialer.chances import Lead
from ccmiddleware.dialer.offering import Key, Said, from_event, from_queue_log, new_offer, order
from ccmiddleware.ids import attempt_of, offer_id, offer_of
from ccmiddleware.pbx.events import UserEvent
from ccmiddleware.queue_log.rows import Line

NOW = datetime(2026, 11, 30, 15, 0, tzinfo=UTC)
CAMPAIGN = UUID("01a2220c-813a-783a-8a73-3dbab567fd59")
LEAD = Lead(7, 1, "+13055550142")
AGENT = "Local/2001@agent-request/n"


def test_what_is_asked_for_an_offer() -> None:
    offer = new_offer(CAMPAIGN, AGENT, LEAD, NOW)
    fields = order(offer, "+13055550142", 'Anna "Ann" O\'Hara,\r\nx=1 <b>', "spring")
    assert offer_of(str(fields["ChannelId"])) == offer.id
    assert fields["ActionID"] == fields["ChannelId"]
    assert (fields["Channel"], fields["Context"], fields["Async"]) == (AGENT, "ccm-preview", "true")
    assert fields["CallerID"] == '"Anna Ann O\'Hara x 1 b" <+13055550142>'
    assert fields["Variable"] == [
        f"CCM_PREVIEW_OFFER={offer.channel}", "CCM_PREVIEW_LEAD=7", "CCM_PREVIEW_WAIT=30",
        "CCM_DIAL_NUMBER=+13055550142", f"CCM_DIAL_AGENT={AGENT}", "CCM_DIAL_QUEUE=spring",
    ]  # fmt: skip
    assert order(offer, "+13055550142", "", "spring")["CallerID"] == "<+13055550142>"


@pytest.mark.parametrize(
    ("agent", "number", "queue"),
    [
        ("Local/2001@agent-request/n,x=1", "+13055550142", "spring"),
        ("PJSIP", "+13055550142", "spring"),
        (AGENT, "13055550142", "spring"),
        (AGENT, "+13055550142\r\n", "spring"),
        (AGENT, "+13055550142", "spring,x=1"),
        (AGENT, "+13055550142", ""),
    ],
)
def test_what_would_be_another_variable_is_refused(agent: str, number: str, queue: str) -> None:
    with pytest.raises(ValueError, match="does not let"):
        order(new_offer(CAMPAIGN, agent, LEAD, NOW), number, "Ann", queue)


CHANNEL = offer_id(CAMPAIGN, 1764237600)
TOLD = [
    (CHANNEL, "dial", "1764237600123", "7", Key.DIAL),
    (CHANNEL, "skip", "1764237600123", "7", Key.SKIP),
    (CHANNEL, "close", "1764237600123", "7", Key.CLOSE),
    (CHANNEL, "ignored", "1764237600123", "7", Key.IGNORED),
    (CHANNEL, "offered", "1764237600123", "7", None),
    (CHANNEL, "nobody", "1764237600123", "7", None),
    (CHANNEL, "dial", "x", "7", None),
    (CHANNEL, "dial", "1764237600123", "", None),
    (CHANNEL, "dial", "1764237600123", "7 or 1=1", None),
    (CHANNEL.replace("ccmpv", "ccmat"), "dial", "1764237600123", "7", None),
]


@pytest.mark.parametrize(("channel", "step", "at", "lead", "key"), TOLD)
def test_an_event_and_a_row_tell_the_same(
    channel: str, step: str, at: str, lead: str, key: Key | None
) -> None:
    event = UserEvent(
        at=NOW, name="CcmPreviewStep", attempt=channel, step=step, milliseconds=at, detail=lead
    )
    line = Line(NOW, channel, "spring", AGENT, "CCMPREVIEWSTEP", (step, at, lead))
    at_ = datetime.fromtimestamp(1764237600, UTC) + timedelta(milliseconds=123)
    wanted = None if key is None else Said(CAMPAIGN, key, 7, at_)
    assert from_event(event) == from_queue_log(line) == wanted


def test_what_is_not_ours_tells_nothing() -> None:
    assert from_event(UserEvent(at=NOW, name="CcmDialStep", attempt=CHANNEL, step="dial")) is None
    row = ("dial", "1764237600123")
    assert from_queue_log(Line(NOW, CHANNEL, "spring", AGENT, "CCMPREVIEWSTEP", row)) is None


@given(st.uuids(), st.integers(100_000_000, 99_999_999_999))
def test_a_channel_tells_its_offer(offer: UUID, epoch: int) -> None:
    channel = offer_id(offer, epoch)
    assert offer_of(channel) == offer_of(f"{channel};2") == offer
    assert attempt_of(channel) is None


@given(st.text() | st.text().map(lambda text: f"ccmpv-{text}"))
def test_other_channels_are_no_offer(channel: str) -> None:
    assert offer_of(channel) is None
