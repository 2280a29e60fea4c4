"""The Originate of an attempt: what the dialplan is told, and what is refused."""

from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest

from ccmiddleware.dialer.attempts import Claimed
from ccmiddleware.dialer.originating import dial_string, is_sampled, originate
from ccmiddleware.dialer.profile_files import builtin
from ccmiddleware.dialer.running import Campaign
from ccmiddleware.dialer.settings import parse_changes
from ccmiddleware.ids import attempt_of

NOW = datetime(2026, 11, 30, 15, 0, tzinfo=UTC)
ID = UUID("01a2220c-813a-783a-8a73-3dbab567fd59")
CLAIMED = Claimed(ID, 7, "+13055550142", "+12025550100", "one")


def campaign(*settings: str, **more: object) -> Campaign:
    given = {**parse_changes(["queue=sales", *settings]), **more}
    return Campaign(ID, "spring", 3, given, builtin("us-ftc"))


def variables(fields: dict[str, str | list[str]]) -> dict[str, str]:
    found = fields["Variable"]
    assert isinstance(found, list)
    return dict(one.split("=", 1) for one in found)


def test_what_is_asked_for_a_call() -> None:
    fields = originate(
        campaign(
            "mode=predictive", "ring_seconds=20", "opt_out_key=9",
            "safe_harbour_message=custom/harbour",
        ),
        CLAIMED, "PJSIP/{number}@provider", NOW,
    )  # fmt: skip
    assert fields["Channel"] == "PJSIP/+13055550142@provider"
    assert attempt_of(str(fields["ChannelId"])) == ID
    assert fields["ActionID"] == fields["ChannelId"]
    assert (fields["CallerID"], fields["Timeout"]) == ("<+12025550100>", "20000")
    assert (fields["Context"], fields["Exten"], fields["Async"]) == ("ccm-dial", "s", "true")
    assert variables(fields) == {
        "CHANNEL(hangup_handler_push)": '"ccm-dial-end,s,1"',
        "CCM_DIAL_ATTEMPT": fields["ChannelId"],
        "CCM_DIAL_NUMBER": "+13055550142",
        "CCM_DIAL_LIMIT": "2000",
        "CCM_DIAL_QUEUE": "sales",
        "CCM_DIAL_MESSAGE": "custom/harbour",
        "CCM_DIAL_OPT_OUT": "9",
    }


def test_detection_and_what_a_machine_hears() -> None:
    told = variables(
        originate(
            campaign("detection=yes", "detection_seconds=1.5", "machine_message=sorry"),
            CLAIMED, "PJSIP/{digits}@p", NOW,
        )
    )  # fmt: skip
    assert (told["CCM_DIAL_DETECT"], told["CCM_DIAL_MACHINE"]) == ("1500", "sorry")
    assert "CCM_DIAL_AGENTLESS" not in told


def test_an_agentless_campaign_with_its_keys() -> None:
    told = variables(
        originate(
            campaign(
                "mode=agentless", "agentless_message=offer",
                "agentless_keys=1=agent,2=queue:care,9=opt_out,*=repeat,#=hangup",
            ),
            CLAIMED, "PJSIP/{digits}@p", NOW,
        )
    )  # fmt: skip
    assert told["CCM_DIAL_AGENTLESS"] == "offer"
    assert {name[13:]: value for name, value in told.items() if "_KEY_" in name} == {
        "1": "agent", "2": "queue:care", "9": "opt_out", "STAR": "repeat", "HASH": "hangup",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("template", "number", "dialled"),
    [
        ("PJSIP/{number}@provider", "+13055550142", "PJSIP/+13055550142@provider"),
        ("PJSIP/{digits}@provider", "+13055550142", "PJSIP/13055550142@provider"),
        ("DAHDI/g1/{digits}", "+442079460001", "DAHDI/g1/442079460001"),
        ("SIP/p/00{digits}", "+442079460001", "SIP/p/00442079460001"),
    ],
)
def test_what_a_trunk_dials(template: str, number: str, dialled: str) -> None:
    assert dial_string(template, number) == dialled


@pytest.mark.parametrize(
    ("template", "number"),
    [
        ("PJSIP/{number}@p", "13055550142"),
        ("PJSIP/{number}@p", "+1305555\r\n0142"),
        ("PJSIP/{number}@p", "+1305,555"),
        ("PJSIP/{number}@p,30", "+13055550142"),
        ("PJSIP/{number}@p|x", "+13055550142"),
        ("{number}", "+13055550142"),
        ("PJSIP/{number}&PJSIP/1", "+13055550142"),
    ],
)
def test_what_no_trunk_dials(template: str, number: str) -> None:
    with pytest.raises(ValueError, match=r"no number|nothing that"):
        dial_string(template, number)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("queue", "sales,x"),
        ("queue", "sales\r\nAction: Hangup"),
        ("safe_harbour_message", "a,b"),
        ("safe_harbour_message", "${SHELL(x)}"),
        ("machine_message", "a b"),
        ("opt_out_key", "99"),
    ],
)
def test_settings_that_would_say_something_else_are_refused(key: str, value: str) -> None:
    """They can't be set by `ccm campaign set`; rows may come from elsewhere."""
    with pytest.raises(ValueError, match=key):
        originate(campaign(**{key: value}), CLAIMED, "PJSIP/{number}@p", NOW)


def test_a_number_to_show_is_one() -> None:
    shown = Claimed(ID, 7, "+13055550142", '+1202"<x', "one")
    with pytest.raises(ValueError, match="no number to show"):
        originate(campaign(), shown, "PJSIP/{number}@p", NOW)


def test_a_sample_is_a_share_of_the_attempts() -> None:
    attempts = [uuid4() for _ in range(20_000)]
    found = sum(is_sampled(one, 5.0) for one in attempts)
    assert 800 < found < 1200
    assert not any(is_sampled(one, 0.0) for one in attempts)
    assert all(is_sampled(one, 100.0) for one in attempts)
